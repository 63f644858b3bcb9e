"""The Watch port: what commands change in the workspace, found out from notifications and a baseline kept on disk."""

from .disk import DiskWatch

__all__ = ["DiskWatch"]
