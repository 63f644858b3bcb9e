"""Faults of the world around the sidecar: seeded, and repeated by one command."""
