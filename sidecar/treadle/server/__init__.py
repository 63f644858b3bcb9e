"""Speaks to a client."""
