"""A review of changes: what may be looked at, what the model is asked for, and what it found. Pure.

The answer is asked for under a schema, and read as if it had none: a finding that makes no sense is left out, never guessed.
"""

from __future__ import annotations

import json
import math
import posixpath
import re
from typing import Any, Literal, TypeAlias, cast

from .encoding import without_surrogates
from .items import JsonObject
from .pattern import late
from .record import frozen

MOST_FINDINGS = 50
_TITLE, _BODY, _SUMMARY = 200, 4_000, 4_000


@frozen
class Uncommitted:
    """Staged, unstaged and untracked."""


@frozen
class Staged:
    pass


@frozen
class AgainstBranch:
    branch: str


@frozen
class OneCommit:
    sha: str
    title: str | None = None


@frozen
class InWords:
    """The user says what to look at."""

    instructions: str


Target: TypeAlias = Uncommitted | Staged | AgainstBranch | OneCommit | InWords


@frozen
class Finding:
    """Lines count from 1. Priority 0 is the most urgent of 0-3."""

    path: str
    "Absolute."
    first: int
    last: int
    priority: int
    title: str
    body: str
    confidence: float | None = None


@frozen
class Findings:
    verdict: Literal["correct", "incorrect"] | None
    summary: str
    found: tuple[Finding, ...] = ()


def label(target: Target) -> str:
    """What is reviewed, as the user would say it."""
    match target:
        case Uncommitted():
            return "uncommitted changes"
        case Staged():
            return "staged changes"
        case AgainstBranch():
            return f"changes against {_word(target.branch)}"
        case OneCommit():
            title = " ".join((target.title or "").split())[:80]
            return f"commit {_word(target.sha)[:10]}" + (f": {title}" if title else "")
        case InWords():
            return " ".join(target.instructions.split())[:120]


def task(target: Target) -> str:
    """Which changes the model is to look at, and how it gets at them."""
    match target:
        case Uncommitted():
            return (
                "Review the uncommitted changes of this repository: staged, unstaged and untracked files. `git status --short`, "
                "`git diff HEAD` and reading the untracked files shows them."
            )
        case Staged():
            return "Review what is staged for the next commit, and nothing else: `git diff --cached` shows it."
        case AgainstBranch():
            branch = _word(target.branch)
            return (
                f"Review what this branch changes against `{branch}`: find the common ancestor by `git merge-base HEAD {branch}` "
                "and look at `git diff` from there to the working tree."
            )
        case OneCommit():
            return f"Review the commit `{_word(target.sha)}`, and nothing else: `git show {_word(target.sha)}` shows it."
        case InWords():
            return target.instructions.strip()[:4_000]


def is_safe(target: Target) -> bool:
    """Whether the names that go into commands are names, and no options or commands."""
    match target:
        case AgainstBranch():
            return bool(_REF.fullmatch(target.branch))
        case OneCommit():
            return bool(_REF.fullmatch(target.sha))
        case InWords():
            return bool(target.instructions.strip())
        case _:
            return True


_REF = late(r"[A-Za-z0-9_][A-Za-z0-9_./@#+-]{0,200}")


def _word(text: str) -> str:
    return "".join(text.split()).replace("`", "")[:200]


def _object(**properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


SCHEMA: JsonObject = _object(
    findings={
        "type": "array",
        "items": _object(
            path={"type": "string", "description": "Of the file, relative to the working directory or absolute."},
            first_line={"type": "integer", "description": "As the file is now, counted from 1."},
            last_line={"type": "integer"},
            priority={"type": "integer", "minimum": 0, "maximum": 3},
            title={"type": "string"},
            body={"type": "string", "description": "Markdown."},
            confidence={"type": "number", "minimum": 0, "maximum": 1},
        ),
    },
    verdict={"type": "string", "enum": ["correct", "incorrect"]},
    summary={"type": "string"},
)


def read(answer: str, cwd: str) -> Findings:
    """What the model answered. One that kept to no schema has its words as the summary."""
    given = _json(answer)
    if given is None:
        return Findings(None, without_surrogates(answer.strip())[:_SUMMARY])
    raw: Any = given.get("findings")
    found = [finding for one in (raw if isinstance(raw, list) else ()) if (finding := _finding(one, cwd))]  # type: ignore[reportUnknownVariableType]
    found.sort(key=lambda finding: (finding.priority, finding.path, finding.first))
    verdict = given.get("verdict")
    summary = given.get("summary")
    said = without_surrogates(summary.strip())[:_SUMMARY] if isinstance(summary, str) else ""
    return Findings(verdict if verdict in ("correct", "incorrect") else None, said, tuple(found[:MOST_FINDINGS]))


def spoken(findings: Findings, cwd: str) -> str:
    """For a client that draws text only."""
    lines = [findings.summary] if findings.summary else []
    if not findings.found:
        return "\n\n".join([*lines, "No findings."])
    for finding in findings.found:
        path = posixpath.relpath(finding.path, cwd) if finding.path.startswith(cwd.rstrip("/") + "/") else finding.path
        span = f"{finding.first}" if finding.last == finding.first else f"{finding.first}-{finding.last}"
        lines.append(f"- [P{finding.priority}] {finding.title} — {path}:{span}\n  " + finding.body.replace("\n", "\n  "))
    return "\n\n".join(lines)


def _json(answer: str) -> JsonObject | None:
    """The object that is the answer, or is in it: a model without schemas puts words or a fence around it."""
    start, end = answer.find("{"), answer.rfind("}")
    for text in (answer, answer[start : end + 1]):
        try:
            given: Any = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(given, dict):
            return cast(JsonObject, given)
    return None


def _finding(given: Any, cwd: str) -> Finding | None:
    if not isinstance(given, dict):
        return None
    one = cast(JsonObject, given)
    path, title, body = one.get("path"), one.get("title"), one.get("body")
    first = _number(one.get("first_line"), 1, 10_000_000)
    if not isinstance(path, str) or not path.strip() or "\0" in path or not isinstance(title, str) or not title.strip():
        return None
    if first is None:
        return None
    last = _number(one.get("last_line"), first, 10_000_000) or first
    priority = _number(one.get("priority"), 0, 3)
    confidence: Any = one.get("confidence")
    sure = float(confidence) if isinstance(confidence, (int, float)) and 0 <= confidence <= 1 else None
    name = re.sub(r"^\s*\[?P[0-3]\]?[:\s]+", "", " ".join(title.split()))
    return Finding(
        posixpath.normpath(posixpath.join(cwd, without_surrogates(path.strip()))),
        first,
        last,
        2 if priority is None else priority,
        without_surrogates(name)[:_TITLE],
        without_surrogates(body.strip())[:_BODY] if isinstance(body, str) else "",
        sure,
    )


def _number(given: Any, least: int, most: int) -> int | None:
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        return None
    return max(least, min(most, int(given)))
