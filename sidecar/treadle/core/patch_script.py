"""Shell lines that are really a patch: `apply_patch <<'EOF' ...`, as models write it when they mean the tool.

Promises to recognise a script only when it is exactly one such call, optionally after `cd dir &&`: anything else in the
script would be lost. Never expands variables; a script that needs expansion is not recognised.
"""

from __future__ import annotations

import re
import shlex

from .patch import BEGIN
from .pattern import late

_WORD = r"""'[^'\n]+'|"[^"$`\\\n]+"|[^\s'"\\$`~*?()<>|&;]+"""
_CALL = late(rf"\s*(?:cd\s+(?P<dir>{_WORD})\s*&&\s*)?(?:apply_patch|applypatch)\s*(?P<rest>.*)", re.DOTALL)
_HEREDOC = late(r"""<<(?P<dash>-?)\s*(?P<quote>['"]?)(?P<end>\w+)(?P=quote)[ \t]*\n(?P<body>.*)""", re.DOTALL)


def from_script(script: str) -> tuple[str, str | None] | None:
    """(patch text, directory of the `cd` or None) when the script is exactly an apply_patch call; else None."""
    call = _CALL.fullmatch(script)
    if call is None:
        return None
    rest = call["rest"].strip()
    patch = _from_heredoc(rest) if rest.startswith("<<") else _from_argument(rest)
    if patch is None:
        return None
    directory = call["dir"]
    return patch, directory.strip("'\"") if directory else None


def is_bare_patch(script: str) -> bool:
    """True for a script that is patch text without any command: the model forgot to call the tool."""
    return script.lstrip().startswith(BEGIN)


def _from_heredoc(rest: str) -> str | None:
    opened = _HEREDOC.fullmatch(rest)
    if opened is None:
        return None
    lines = opened["body"].split("\n")
    if opened["dash"]:
        lines = [line.lstrip("\t") for line in lines]
    # The first closing line ends the document; words after it would be another command.
    ends = [index for index, line in enumerate(lines) if line.removesuffix("\r") == opened["end"]]
    if not ends or ends[0] != len(lines) - 1:
        return None
    return "\n".join(lines[:-1]) + "\n"


def _from_argument(rest: str) -> str | None:
    quoted = rest.startswith("'") or (rest.startswith('"') and not re.search(r"[$`\\]", rest))
    if not quoted:
        return None
    try:
        words = shlex.split(rest)
    except ValueError:
        return None
    return words[0] if len(words) == 1 and is_bare_patch(words[0]) else None
