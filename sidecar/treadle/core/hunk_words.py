"""What the model reads when the user has undone parts of its changes: wording and size caps. Pure.

What was kept needs no telling. What was undone is told once, with the next request: the files are not as the model left them, and
that the user did not want the change is what it should know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import tags
from .encoding import without_surrogates
from .hunk_files import State, Whole
from .hunks import Hunk
from .items import Section

SECTION = "undone_hunks"
MOST_CHARS = 6_000
"Of the section."
MOST_HUNK_CHARS = 1_200
MOST_ENTRIES = 50
"Of one file; the oldest are left out."
_LEAD = (
    "The user reviewed your changes and undid these parts of them. In the files, the lines marked - are gone and those marked + "
    "are there again. Do not make these changes again unless the user asks for it.\n"
)
_MORE = "\n[more was undone: read the files before you change them]"


def entry(state: State, hunk: Hunk) -> str:
    """One hunk that was undone."""
    if isinstance(state, Whole):
        if state.base is None:
            return "the file that you created was deleted"
        return "the file is back" if state.current is None else "all of it is as before"
    shown = [f"-{line}" for line in hunk.added] + [f"+{line}" for line in hunk.removed]
    text = "\n".join(line.rstrip("\r\n") for line in shown)
    if len(text) > MOST_HUNK_CHARS:
        text = text[:MOST_HUNK_CHARS] + "\n[cut]"
    return f"at line {hunk.start + 1}:\n{without_surrogates(text)}"


def section(undone: Mapping[str, Sequence[str]]) -> Section:
    """Path -> entries."""
    text = _LEAD
    for path, entries in undone.items():
        name = tags.named(without_surrogates(path))
        for one in entries:
            more = f"\n{name}, {one}" if one.startswith("at ") else f"\n{name}: {one}"
            if len(text) + len(more) > MOST_CHARS - len(_MORE):
                return Section(SECTION, text + _MORE)
            text += more
    return Section(SECTION, text)
