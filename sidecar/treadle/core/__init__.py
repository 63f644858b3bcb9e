"""What an agent is. Pure: standard library only; no async, clock, randomness, environment, disk, log."""
