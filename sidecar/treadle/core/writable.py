"""(path, sandbox policy) -> may the agent's own writes go there? Pure; the one rule that policy and the file adapter share.

Paths are absolute with symlinks resolved; resolving them is the caller's part, as is checking again at the time of the write.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from .settings import SandboxPolicy

PROTECTED = (".git", ".codex", ".agents", ".vscode")
"Names whose content can make other programs run code: read-only at the top of every writable root; `.git` at any depth."

WORKSPACE_FILE = ".code-workspace"
"Settings and tasks of VS Code, as in .vscode: read-only at the top of every writable root."


def writable_roots(policy: SandboxPolicy, tmpdir: str | None) -> tuple[str, ...] | None:
    """The folders that a confining policy lets the agent write to, unresolved; None means everywhere."""
    if not policy.confines:
        return None
    if policy.mode == "read-only":
        return ()
    roots = list(policy.writable_roots)
    if not policy.exclude_slash_tmp:
        roots.append("/tmp")
    if tmpdir and not policy.exclude_tmpdir:
        roots.append(tmpdir)
    return tuple(dict.fromkeys(roots))


def refusal(path: str, roots: Sequence[str] | None, own: Sequence[str] = ()) -> str | None:
    """Why `path` may not be written, in words for model and user; None when it may. `own` are folders from which the agent itself
    starts: they are protected, unless a root lies inside of one because the user opened it."""
    if roots is None:
        return None
    if not roots:
        return "the sandbox is read-only"
    target = PurePath(path)
    inside = [root for root in roots if target != PurePath(root) and target.is_relative_to(root)]
    if not inside:
        return "it is outside the writable folders"
    for root in inside:
        # Lower case: on some disks .GIT is .git.
        parts = [part.lower() for part in target.relative_to(root).parts]
        if parts[0] in PROTECTED:
            return f"{parts[0]} is protected"
        if ".git" in parts:
            return ".git is protected"
        if len(parts) == 1 and parts[0].endswith(WORKSPACE_FILE):
            return f"a {WORKSPACE_FILE} file is protected"
    for folder in map(_folded, own):
        if _folded(path).is_relative_to(folder) and not all(folder in _folded(root).parents for root in inside):
            return "the agent's own folder is protected"
    return None


def _folded(path: str) -> PurePath:
    """On some disks .CODEX is .codex."""
    return PurePath(path.lower())
