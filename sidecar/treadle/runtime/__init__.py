"""Runs turns. Async. Knows ports, never implementations."""
