"""The Versions port: what files held, kept on disk in Treadle's own folder. Nothing is opened before it is first used."""

from .sqlite import SqliteVersions

__all__ = ["SqliteVersions"]
