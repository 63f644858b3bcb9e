"""Treadle: an open coding agent. The sidecar that runs the loop, assembles the prompt and confines the commands."""

__version__ = "0.1.0"
