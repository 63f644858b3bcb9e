"""Reads where a folder stands in git: from the files of the repository, without running git.

Promises to be quick and to read little whatever is there; a repository that it does not understand has no info. Changes nothing,
and never gives out the credentials of an address.
"""

from __future__ import annotations

from pathlib import Path

from ..core.git_info import GitInfo, without_credentials
from ..core.pattern import late

_MOST = 1024 * 1024
"Bytes of one file that are read."
_SHA = late(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DEEPEST = 64
"Folders above that are looked into."


def info(cwd: str) -> GitInfo | None:
    """None outside of a repository."""
    folder = Path(cwd)
    for above in (folder, *folder.parents)[:_DEEPEST]:
        found = _git_folder(above / ".git")
        if found is not None:
            return _read(found)
    return None


def _git_folder(path: Path) -> Path | None:
    """The folder itself, or the one that a file of a worktree or a submodule names."""
    if path.is_dir():
        return path
    text = _text(path)
    if text is None or not text.startswith("gitdir:"):
        return None
    return path.parent / text.removeprefix("gitdir:").strip()


def _read(folder: Path) -> GitInfo | None:
    head = _text(folder / "HEAD")
    if head is None:
        return None
    # a worktree has its own HEAD and shares the rest
    common = _text(folder / "commondir")
    shared = folder / common.strip() if common is not None else folder
    origin = _origin(_text(shared / "config") or "")
    name = head.removeprefix("ref:").strip()
    if not head.startswith("ref:"):
        return GitInfo(name if _SHA.fullmatch(name) else None, None, origin)
    branch = name.removeprefix("refs/heads/")
    if ".." in name or name.startswith("/"):
        return GitInfo(None, branch, origin)
    return GitInfo(_loose(folder, name) or _loose(shared, name) or _packed(shared, name), branch, origin)


def _loose(folder: Path, name: str) -> str | None:
    sha = (_text(folder / name) or "").strip()
    return sha if _SHA.fullmatch(sha) else None


def _packed(folder: Path, name: str) -> str | None:
    for line in (_text(folder / "packed-refs") or "").splitlines():
        sha, _, ref = line.partition(" ")
        if ref == name and _SHA.fullmatch(sha):
            return sha
    return None


def _origin(config: str) -> str | None:
    section = ""
    for line in map(str.strip, config.splitlines()):
        if line.startswith("["):
            section = line
        elif section == '[remote "origin"]':
            key, equals, value = line.partition("=")
            if equals and key.strip().lower() == "url":
                return without_credentials(value.strip().strip('"')) or None
    return None


def _text(path: Path) -> str | None:
    try:
        if not path.is_file():  # a pipe would never be read to its end
            return None
        with path.open("rb") as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return None
