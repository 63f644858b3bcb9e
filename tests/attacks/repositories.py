"""Attempts on what the host will run later: hooks and settings of repositories, and the folders that agents and editors read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

from attacks.arena import PROTECTED, Attempt, Site, Told

HOOK = "printf '#!/bin/sh\\necho pwned' > $G/hooks/pre-commit; chmod +x $G/hooks/pre-commit"


def nested(*where: str) -> object:
    def prepare(site: Site) -> None:
        site.make_repository(site.workspace.joinpath(*where))

    return prepare


def submodule(site: Site) -> None:
    (site.workspace / ".gitmodules").write_text('[submodule "mod"]\n\tpath = deep/down/mod\n\turl = ../mod\n')
    folder = site.workspace / "deep" / "down" / "mod"
    folder.mkdir(parents=True)
    (folder / ".git").write_text("gitdir: ../../../.git/modules/mod\n")
    site.make_repository(site.workspace / "made")
    (site.workspace / ".git" / "modules").mkdir()
    os.rename(site.workspace / "made" / ".git", site.workspace / ".git" / "modules" / "mod")


def worktree(inside: bool) -> object:
    """The workspace is a worktree of a repository in or beside it."""

    def prepare(site: Site) -> None:
        main = site.workspace / "main" if inside else site.outside / "main"
        os.rename(site.workspace / ".git", site.base / "spare")
        main.mkdir()
        os.rename(site.base / "spare", main / ".git")
        own = main / ".git" / "worktrees" / "one"
        own.mkdir(parents=True)
        (own / "commondir").write_text("../..\n")
        (own / "HEAD").write_text("ref: refs/heads/one\n")
        (site.workspace / ".git").write_text(f"gitdir: {own}\n")

    return prepare


def linked_git(site: Site) -> None:
    os.rename(site.workspace / ".git", site.workspace / "real")
    (site.workspace / ".git").symlink_to("real")


def dangling(name: str) -> object:
    def prepare(site: Site) -> None:
        (site.workspace / name).symlink_to("made-later")

    return prepare


def there(name: str) -> object:
    def prepare(site: Site) -> None:
        (site.workspace / name).mkdir()
        (site.workspace / name / "settings.json").write_text("{}")

    return prepare


def without_git(site: Site) -> None:
    os.rename(site.workspace / ".git", site.base / "spare")


def unfetched(site: Site) -> None:
    """A submodule that the index knows, as after a plain clone."""
    link = ("--cacheinfo", f"160000,{'1' * 40},lib/sub")
    git = ("git", "-c", "safe.directory=*", "-C", str(site.workspace))
    subprocess.run([*git, "update-index", "--add", *link], check=True, capture_output=True)
    (site.workspace / ".gitmodules").write_text('[submodule "s"]\n\tpath = lib/sub\n\turl = ../s\n')
    (site.workspace / "lib" / "sub").mkdir(parents=True)


def linked_worktree(site: Site) -> None:
    """In a hidden folder, where the search for repositories does not look."""
    own, other = site.workspace / ".git" / "worktrees" / "one", site.workspace / ".trees" / "one"
    for folder in (own, other):
        folder.mkdir(parents=True)
    (own / "gitdir").write_text(f"{other}/.git\n")
    (own / "commondir").write_text("../..\n")
    (other / ".git").write_text(f"gitdir: {own}\n")


def hooks_of_the_project(site: Site) -> None:
    with (site.workspace / ".git" / "config").open("a") as file:
        file.write("[core]\n\thooksPath = .githooks\n[include]\n\tpath = ../.gitconfig\n")
    (site.workspace / ".githooks").mkdir()
    (site.workspace / ".gitconfig").write_text("")


def planted(*where: str) -> Callable[[Site, Told], bool]:
    """Whether the file says evil."""

    def won(site: Site, told: Told) -> bool:
        path = site.workspace.joinpath(*where)
        return path.is_file() and "evil" in path.read_text()

    return won


def real_changed(site: Site, told: object) -> bool:
    """The repository behind a link, which `look` does not follow."""
    return (site.workspace / "real" / "hooks" / "pre-commit").exists() or site.changed


def worktree_changed(site: Site, told: object) -> bool:
    return bool(list(site.workspace.glob("main/.git/**/pre-commit"))) or site.changed


OWN = [
    Attempt("a hook", f"G=.git; {HOOK}"),
    Attempt("a setting by git", "git config core.fsmonitor 'echo pwned'"),
    Attempt("a setting by hand", "printf '[core]\\n\\tfsmonitor = echo pwned\\n' >> .git/config"),
    Attempt("attributes", "echo '* filter=pwned' > .git/info/attributes"),
    Attempt("an alternate of objects", "echo /var/tmp > .git/objects/info/alternates"),
    Attempt("a branch", "mkdir -p .git/refs/heads; echo 0000000000000000000000000000000000000000 > .git/refs/heads/evil"),
    Attempt("remove the repository", "rm -rf .git"),
    Attempt("rename the repository", f"mv .git gone; mkdir -p .git/hooks; G=.git; {HOOK}"),
    Attempt("exchange the repository for a link", "mv .git gone; mkdir -p evil/hooks; ln -s evil .git"),
    Attempt("exchange it atomically", "import os\nos.mkdir('evil')\ncall(316, -100, b'.git', -100, b'evil', 2)", language="py"),
    Attempt(
        "mount something over it",
        "mkdir evil; mount --bind evil .git; mount -t tmpfs x .git; ls -A .git | grep . || echo x > .git/pwned",
        control=False,
    ),
    Attempt("take the mount away", "umount .git; umount -l .git; echo x > .git/pwned", control=False),
    Attempt("a hook while the workspace is /tmp's", f"G=.git; {HOOK}", below_tmp=True),
    Attempt("init over it", "git init -q --template=/dev/null . ; git init -q --separate-git-dir=elsewhere ."),
    Attempt("a hook by a reader", f"G=.git; {HOOK}", mode="read-only"),
]

OTHERS = [
    Attempt("a nested repository", f"G=sub/.git; {HOOK}", prepare=nested("sub")),
    Attempt("a repository further down", f"G=a/b/c/.git; {HOOK}", prepare=nested("a", "b", "c")),
    Attempt(
        "the parent of a nested repository", f"mv a gone; mkdir -p a/b/.git/hooks; G=a/b/.git; {HOOK}", prepare=nested("a", "b")
    ),
    Attempt("a submodule's repository", f"G=.git/modules/mod; {HOOK}", prepare=submodule),
    Attempt("a submodule's pointer", "echo 'gitdir: /var/tmp/evil' > deep/down/mod/.git", prepare=submodule),
    Attempt(
        "the parent of a submodule",
        "mv deep gone; mkdir -p deep/down/mod/.git; echo x > deep/down/mod/.git/config",
        prepare=submodule,
    ),
    Attempt(
        "a submodule removed and made anew",
        "rm -rf deep/down/mod; mkdir -p deep/down/mod/.git; echo x > deep/down/mod/.git/config",
        prepare=submodule,
    ),
    Attempt("a worktree's pointer", "rm -f .git; echo 'gitdir: evil' > .git", prepare=worktree(False)),
    Attempt("the repository of a worktree beside", f"G=$OUT/main/.git; {HOOK}", prepare=worktree(False)),
    Attempt("the repository of a worktree inside", f"G=main/.git; {HOOK}", worktree_changed, prepare=worktree(True)),
    Attempt(
        "the worktree's own folder inside",
        "G=main/.git/worktrees/one; mkdir -p $G/hooks; echo x > $G/hooks/pre-commit",
        worktree_changed,
        prepare=worktree(True),
    ),
    Attempt(
        "a submodule that .gitmodules no longer names",
        "rm -f .gitmodules",
        planted("lib", "sub", ".git", "config"),
        prepare=unfetched,
        then="mkdir -p lib/sub/.git; echo evil > lib/sub/.git/config",
    ),
    Attempt(
        "a linked worktree in a hidden folder",
        "echo evil > .trees/one/.git",
        planted(".trees", "one", ".git"),
        prepare=linked_worktree,
    ),
    Attempt(
        "the project's own hooks",
        "echo evil > .githooks/pre-commit",
        planted(".githooks", "pre-commit"),
        prepare=hooks_of_the_project,
    ),
    Attempt("configuration that git includes", "echo evil > .gitconfig", planted(".gitconfig"), prepare=hooks_of_the_project),
    Attempt(
        "a repository above a workspace below /tmp",
        "mkdir -p ../.git; echo evil > ../.git/config",
        planted("..", ".git", "config"),
        tmp=True,
        below_tmp=True,
    ),
    Attempt("the common folder's name", "echo evil > main/.git/worktrees/one/commondir", prepare=worktree(True)),
    Attempt("a repository behind a link", f"G=real; {HOOK}", real_changed, prepare=linked_git),
    Attempt("the link to a repository", "rm .git; mkdir -p evil/hooks; ln -s evil .git", prepare=linked_git),
    Attempt(
        "the target of the link, renamed",
        "mv real gone; mkdir -p real/hooks; echo x > real/hooks/pre-commit",
        real_changed,
        prepare=linked_git,
    ),
]

FOLDERS = [
    attempt
    for name in PROTECTED[1:]
    for attempt in (
        Attempt(f"{name} that is missing", f"mkdir -p {name}; echo pwned > {name}/settings.json"),
        Attempt(f"{name} that is there", f"echo pwned > {name}/settings.json; rm -rf {name}", prepare=there(name)),
        Attempt(f"{name} as a link", f"mkdir evil; echo x > evil/settings.json; ln -s evil {name}"),
        Attempt(f"{name} as a file", f"echo pwned > {name}"),
        Attempt(f"{name} by a rename", f"mkdir evil; echo x > evil/settings.json; mv -T evil {name}"),
        Attempt(
            f"{name} that is a link to nothing",
            "mkdir -p made-later && echo x > made-later/settings.json; test -s made-later/settings.json && echo WON",
            lambda site, told: (site.workspace / "made-later" / "settings.json").exists(),
            prepare=dangling(name),
        ),
    )
]
FOLDERS += [
    Attempt(
        "a repository that is missing",
        f"git init -q . 2>&-; mkdir -p .git/hooks; G=.git; {HOOK}",
        prepare=without_git,
    ),
    Attempt("one placeholder after the other", "echo first", then="mkdir .codex; echo pwned > .codex/config.toml", control=False),
    Attempt("outliving the placeholder", "(sleep 1; mkdir -p .codex; echo pwned > .codex/config.toml) & exit 0", control=False),
]

ATTEMPTS = [*OWN, *OTHERS, *FOLDERS]
