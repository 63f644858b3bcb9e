"""What `make bench` runs: the sidecar as a process against a scripted model on loopback."""
