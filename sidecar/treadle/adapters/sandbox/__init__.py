"""Sandbox: where commands run."""
