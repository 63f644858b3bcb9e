"""Attempts to get out of the sandbox, and work that must go on inside of it."""
