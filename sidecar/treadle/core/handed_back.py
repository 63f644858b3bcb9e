"""What the model reads when problems appear in files that it has just changed: wording and size caps. Pure.

Each problem is told once. The editor's words are a stranger's: one line each, cut, and never taken for the user's.
"""

from __future__ import annotations

from collections.abc import Sequence

from .encoding import without_surrogates
from .items import Section
from .record import frozen

SECTION = "new_problems"
MOST_PROBLEMS = 20
"In one message."
MOST_CHARS = 6_000
MOST_MESSAGE = 400
_LEAD = (
    "The editor reports these problems in files that you changed in this turn; they were not there before. Fix those that your "
    "changes caused before you finish. Leave one alone if it will be gone when your work is done, and say so if it is none.\n"
)
_MORE = "\n[and {} more]"


@frozen
class Problem:
    """Lines and columns count from 1."""

    path: str
    line: int
    column: int
    severity: str
    message: str
    source: str = ""
    code: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Edits move a problem about in its file; it is the same one still."""
        return self.path, self.severity, self.code, self.message


def section(problems: Sequence[Problem]) -> Section:
    """For the model, while it is at work."""
    return Section(SECTION, _LEAD + listed(problems))


def listed(problems: Sequence[Problem]) -> str:
    """A line each, in order of file and line."""
    ordered = sorted(problems, key=lambda problem: (problem.path, problem.line, problem.column))
    text = ""
    for told, problem in enumerate(ordered):
        line = f"\n{_line(problem)}"
        if told == MOST_PROBLEMS or len(text) + len(line) > MOST_CHARS:
            text += _MORE.format(len(ordered) - told)
            break
        text += line
    return text


def _line(problem: Problem) -> str:
    origin = " ".join(_flat(part, 60) for part in (problem.source, problem.code) if part)
    severity = _flat(problem.severity, 60)
    what = f"{severity} ({origin})" if origin else severity
    return f"{_flat(problem.path, 500)}:{problem.line}:{problem.column}: {what}: {_flat(problem.message, MOST_MESSAGE)}"


def _flat(text: str, limit: int) -> str:
    line = " ".join(without_surrogates(text).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
