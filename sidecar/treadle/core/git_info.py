"""Where a thread's folder stood in git when the thread began. Pure."""

from __future__ import annotations

from .pattern import late
from .record import frozen

_USER = late(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/@]*@")


@frozen
class GitInfo:
    """None: not known, as a branch is when a commit is checked out."""

    sha: str | None = None
    branch: str | None = None
    origin_url: str | None = None


def without_credentials(url: str) -> str:
    """An address without a name and a password; one of the form git@host:path has no password and stays."""
    return _USER.sub(r"\1", url)
