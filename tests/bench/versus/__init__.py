"""What `make bench PEER=…` runs: the same script against treadle and against another agent, by turns, on this machine."""
