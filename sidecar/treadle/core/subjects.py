"""What a grant may be about: texts of users checked before they are kept, and kept grants as the policy reads them. Pure.

Refuses what would be a yes to nearly everything: a top folder, a system folder, the agent's own files, a bare `*`. A text that is
refused here is refused wherever it comes from: an offer, an edited rule, the list of grants.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from .grants import Grant, Subject
from .pattern import late
from .policy import Grants, RunCommand
from .proposal import parse_pattern
from .rules import PrefixRule
from .writable import PROTECTED

LONGEST = 2_000
"Characters of a subject's text."
_SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "run", "sbin", "sys", "usr", "system", "library")
_CROWDED = ("home", "users", "root", "mnt", "media", "opt", "srv", "var", "volumes", "applications", "private")
"Top folders that hold what has nothing to do with each other; folders below them are another matter."
_PRIVATE = (*PROTECTED, ".ssh", ".gnupg", ".aws", ".kube")
"Folders whose files make other programs run code, or open doors elsewhere."
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_HOST = late(rf"(?:\*\.{_LABEL}\.)?{_LABEL}(?:\.{_LABEL})*")


def checked(subject: Subject, own: Sequence[str] = ()) -> Subject:
    """The subject as it is kept. ValueError, in words for the user, when it cannot be. `own`: see core.policy.decide."""
    found = _checked(subject, tuple(own))
    if isinstance(found, str):
        raise ValueError(found)
    return found


@lru_cache(maxsize=4096)
def _checked(subject: Subject, own: tuple[str, ...]) -> Subject | str:
    """Or why not. Remembered: the same grants are read anew after every change of one."""
    try:
        return _plain_form(subject, own)
    except ValueError as error:
        return str(error)


def _plain_form(subject: Subject, own: tuple[str, ...]) -> Subject:
    text = subject.text.strip()
    if not text:
        raise ValueError("A rule needs a text.")
    if len(text) > LONGEST:
        raise ValueError(f"A rule has at most {LONGEST:,} characters.")
    if any((ord(sign) < 32 and sign not in "\n\t") or sign == "\x7f" for sign in text):
        raise ValueError("A rule has no control characters.")
    if subject.deny and subject.kind != "network":
        raise ValueError("Only a host can be denied here; a command is forbidden in a *.rules file.")
    match subject.kind:
        case "command":
            return Subject("command", shlex.join(parse_pattern(text)), subject.outside)
        case "exact_command":
            if not subject.cwd or not posixpath.isabs(subject.cwd):
                raise ValueError("A yes to an exact command needs the folder in which it runs, as an absolute path.")
            return Subject("exact_command", subject.text, subject.outside, posixpath.normpath(subject.cwd))
        case "files":
            return Subject("files", "\n".join(_path(line, own) for line in text.splitlines() if line.strip()))
        case "mcp":
            return Subject("mcp", _mcp(text))
        case "network":
            return Subject("network", _host(text), deny=subject.deny)
        case "degraded":
            return Subject("degraded", text)


def collect(grants: Iterable[Grant], cwd: str | None = None) -> Grants:
    """What these grants allow to a call; `cwd` is where its command would run, None for a call that is no command.

    One that cannot be read (written by a later version, or refused by a stricter check) counts for nothing."""
    found = _Found()
    for grant in grants:
        try:
            found.add(grant, checked(grant.subject), cwd)
        except ValueError:
            continue
    return found.grants()


def joined(one: Grants, other: Grants) -> Grants:
    """What either allows; what either denies stays denied."""
    merged: dict[str, Any] = {}
    for field in fields(Grants):
        first, second = getattr(one, field.name), getattr(other, field.name)
        merged[field.name] = first + second if isinstance(first, tuple) else first | second
    return Grants(**merged)


class _Found:
    def __init__(self) -> None:
        self.exact = Grants()
        self.rules: list[PrefixRule] = []
        self.files: set[str] = set()
        self.mcp: set[tuple[str, str]] = set()
        self.hosts: tuple[set[str], set[str]] = set(), set()
        self.degraded = False

    def add(self, grant: Grant, subject: Subject, cwd: str | None) -> None:
        match subject.kind:
            case "command":
                if holds_in(grant, cwd):
                    words = shlex.split(subject.text)
                    self.rules.append(PrefixRule.of(words, outside=subject.outside, source=SOURCES[grant.scope]))
            case "exact_command":
                wish = RunCommand(subject.text, subject.cwd or "")
                self.exact = self.exact.remember(wish)
                if subject.outside:
                    self.exact = self.exact.remember(wish, outside=True)
            case "files":
                self.files.update(subject.text.split("\n"))
            case "mcp":
                server, _, tool = subject.text.partition("/")
                self.mcp.add((server, tool))
            case "network":
                self.hosts[subject.deny].add(subject.text)
            case "degraded":
                self.degraded = True

    def grants(self) -> Grants:
        return replace(
            self.exact,
            files=frozenset(self.files),
            mcp=frozenset(self.mcp),
            hosts=frozenset(self.hosts[0]),
            denied_hosts=frozenset(self.hosts[1]),
            degraded=self.degraded,
            rules=tuple(self.rules),
        )


SOURCES = {"thread": "allowed in this thread", "workspace": "allowed in this workspace", "always": "always allowed"}
"Scope -> where such a rule comes from, in words."


def holds_in(grant: Grant, cwd: str | None) -> bool:
    """Whether a yes to a command holds for one that runs in `cwd`."""
    if grant.workspace is None:
        return True
    return cwd is not None and inside(cwd, grant.workspace)


def inside(path: str, folder: str) -> bool:
    """Whether `path` is the folder or below it. Both are resolved; a path that still climbs is in no folder."""
    return ".." not in PurePosixPath(path).parts and PurePosixPath(path).is_relative_to(folder)


def _path(text: str, own: Sequence[str]) -> str:
    line = text.strip()
    if not posixpath.isabs(line):
        raise ValueError(f"{line} is not an absolute path.")
    parts = PurePosixPath(line).parts[1:]
    if ".." in parts:
        raise ValueError(f"{line} climbs with `..`.")
    if any(sign in line for sign in "*?["):
        raise ValueError(f"{line} has a wildcard; name a folder with / at its end for all that is below it.")
    private = next((part for part in parts if part.lower() in _PRIVATE), None)
    if private:
        raise ValueError(f"{private} is protected: changes to it are asked about each time.")
    plain = "/" + "/".join(parts)
    all_below = line.endswith("/") or not parts  # `/.` is the root, too
    for folder in own:
        if inside(plain.lower(), folder.lower()) or (all_below and inside(folder.lower(), plain.lower())):
            raise ValueError(f"{line} would cover the agent's own files.")
    if not all_below:
        return plain
    if not parts or parts[0].lower() in _SYSTEM or (len(parts) == 1 and parts[0].lower() in _CROWDED):
        raise ValueError(f"{line} is too much to allow at once; name a folder further inside.")
    return plain + "/"


def _mcp(text: str) -> str:
    server, slash, tool = text.partition("/")
    if not slash or not server or not tool or any(sign.isspace() for sign in text):
        raise ValueError("Write SERVER/TOOL, or SERVER/* for all tools of a server.")
    if "*" in server or ("*" in tool and tool != "*"):
        raise ValueError("A wildcard stands only for all tools of one server: SERVER/*.")
    return text


def _host(text: str) -> str:
    host = text.lower().rstrip(".")
    if re.fullmatch(r"\[?[0-9a-f]*:[0-9a-f:.]*\]?", host):
        return host.strip("[]")
    if not _HOST.fullmatch(host):
        raise ValueError(f"{text} is no host; write it as api.example.com, or *.example.com for all below a domain.")
    return host
