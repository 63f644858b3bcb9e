"""The proxy by which confined commands reach allowed hosts. `AllowListProxy` is all that others use."""

from .server import AllowListProxy

__all__ = ["AllowListProxy"]
