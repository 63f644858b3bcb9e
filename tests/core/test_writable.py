"""Where the agent's own writes may go: one table."""

from __future__ import annotations

import pytest

from treadle.core.settings import SandboxPolicy
from treadle.core.writable import refusal, writable_roots


@pytest.mark.parametrize(
    ("policy", "roots"),
    [
        (SandboxPolicy("danger-full-access"), None),
        (SandboxPolicy("external"), None),
        (SandboxPolicy("read-only", ("/w",)), ()),
        (SandboxPolicy("workspace-write", ("/w",)), ("/w", "/tmp", "/var/t")),
        (SandboxPolicy("workspace-write", ("/w",), exclude_slash_tmp=True), ("/w", "/var/t")),
        (SandboxPolicy("workspace-write", ("/w",), exclude_tmpdir=True), ("/w", "/tmp")),
    ],
)
def test_roots_follow_the_policy(policy: SandboxPolicy, roots: tuple[str, ...] | None) -> None:
    assert writable_roots(policy, "/var/t") == roots


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/w/f", None),
        ("/w/a/.vscode/f", None),
        ("/w/.github/f", None),
        ("/w/.gitignore", None),
        ("/tmp/x", None),
        ("/w", "outside"),
        ("/w2/f", "outside"),
        ("/", "outside"),
        ("/w/.git", ".git is protected"),
        ("/w/.GIT/config", ".git is protected"),
        ("/w/a/b/.git/config", ".git is protected"),
        ("/w/.vscode/settings.json", ".vscode is protected"),
        ("/tmp/in/.codex/f", ".codex is protected"),
        ("/w/mine.code-workspace", ".code-workspace file is protected"),
        ("/w/Mine.Code-Workspace", ".code-workspace file is protected"),
        ("/w/a/mine.code-workspace", None),
    ],
)
def test_protected_and_outside_paths_are_refused(path: str, reason: str | None) -> None:
    answer = refusal(path, ("/w", "/tmp", "/tmp/in"))
    assert (answer is None) if reason is None else (answer is not None and reason in answer)


def test_the_agents_own_folder_is_protected_unless_the_user_opened_a_folder_in_it() -> None:
    own = ("/w/home", "/w/state")
    assert "own folder" in (refusal("/w/home/config.toml", ("/w",), own) or "")
    assert "own folder" in (refusal("/w/Home/config.toml", ("/w/Home",), own) or "")
    assert refusal("/w/homes/f", ("/w",), own) is None
    assert refusal("/w/home/trees/a/f", ("/w/home/trees/a",), own) is None
    assert refusal("/w/home/f", None, own) is None
