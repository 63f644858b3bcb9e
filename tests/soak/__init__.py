"""The soak: a real sidecar under mixed load for long, and nothing that grows."""
