"""What the agent did to one file, text or not, there or not: one state to fold its changes and everybody else's into. Pure.

Text that was there before and is there now is a Review, hunk by hunk. A file that was created or deleted, or that is no text, is
a Whole: one hunk. Nothing of the user's is ever undone: what was created goes only as the agent left it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Literal, TypeAlias

from .changes import Changed
from .encoding import decoded
from .errors import TreadleError
from .hunks import Hunk, Review, hunks, kept, patched, typed, undone
from .line_edits import lines
from .record import frozen

MAX_TEXT = 4 * 1024 * 1024
"Bytes of a file that is compared line by line; a larger one is a Whole."
_MARK = "\ufeff"


@frozen
class Whole:
    path: str
    id: str
    base: bytes | None
    "None: there was no such file."
    current: bytes | None
    turns: tuple[str, ...]
    edited: bool = False
    "By others than the agent, after it."
    mode: int | None = None
    "Permissions of the file that was there."
    omitted: str | None = None
    "Why the contents are not known: a clause."
    moved: str | None = None
    "Where the file was moved from or to, if it was: the two are kept and undone together."


State: TypeAlias = Review | Whole


class HunkRefused(TreadleError):
    """What cannot be undone, and why."""


def changed(state: State | None, change: Changed) -> State | None:
    """`state` is what the agent had done to the file already. None: nothing is left to keep or undo."""
    before, after, turn = change.before, change.after, change.turn_id
    now = None if state is None else found(state, before)
    match now:
        case None if before == after:
            return None
        case None:
            return _begun(change)
        case Review():
            text = _text(after)
            if text is not None:
                return _or_none(patched(now, lines(text), turn))
            turns = tuple(dict.fromkeys((*turns_of(now), turn)))
            return _whole(change, _encoded(now.base, before or b""), turns)
        case Whole():
            return _again(now, after, turn)


def found(state: State, now: bytes | str | None) -> State | None:
    """The file has this content now, whoever wrote it; str: as the document of an editor has it."""
    if isinstance(state, Review):
        text = now if isinstance(now, str) else _text(now)
        return None if text is None else typed(state, lines(text.removeprefix(_MARK)))
    if state.omitted:
        return state
    if state.current is None:
        return None if now is not None else state
    if now is None:
        return None
    if isinstance(now, str):
        if same_text(now, state.current):
            return state
        now = now.encode("utf-8", "surrogatepass")
    return state if now == state.current else replace(state, current=now, edited=True)


def not_known(state: State | None, path: str, turn: str, omitted: str) -> State:
    """The agent changed a file whose contents are not kept."""
    turns = tuple(dict.fromkeys((*(turns_of(state) if state else ()), turn)))
    return Whole(path, _id(path, turns, omitted.encode()), None, None, turns, omitted=omitted)


def is_omitted(state: State) -> bool:
    return isinstance(state, Whole) and state.omitted is not None


def shown(state: State) -> list[Hunk]:
    if isinstance(state, Review):
        return hunks(state)
    removed = tuple(lines(_text(state.base) or ""))
    added = tuple(lines(_text(state.current) or ""))
    if _text(state.base or b"") is None or _text(state.current or b"") is None:
        removed = added = ()
    return [Hunk(state.id, state.path, 0, 0, removed, added, state.turns, whole=True)]


def after_keep(state: State, ids: Collection[str]) -> State | None:
    if isinstance(state, Review):
        return _or_none(kept(state, ids))
    return None if state.id in ids else state


def after_undo(state: State, ids: Collection[str], like: bytes | None) -> tuple[State | None, bytes | None]:
    """What is left, and what the file must hold, encoded as its content `like` is; None: there must be no such file.

    Raises HunkRefused."""
    if isinstance(state, Review):
        left = undone(state, ids)
        return _or_none(left), _encoded(left.current, like or b"")
    if state.id not in ids:
        return state, state.current
    if state.omitted:
        raise HunkRefused(f"{state.path} cannot be undone: {state.omitted}.")
    if state.edited:
        did = "created" if state.base is None else "changed"
        hint = "Keep the change, and edit or delete the file yourself."
        raise HunkRefused(f"{state.path} was {did} by the agent and has been edited since; undo would lose that.", hint=hint)
    return None, state.base


def kind(state: State) -> Literal["add", "delete", "update"]:
    if isinstance(state, Whole) and not state.omitted:
        if state.base is None:
            return "add"
        if state.current is None:
            return "delete"
    return "update"


def base_bytes(state: State) -> bytes | None:
    """To be kept, and given to hunk_notes.recalled again. Of a text in UTF-8, whatever the file's encoding is."""
    return "".join(state.base).encode("utf-8", "surrogatepass") if isinstance(state, Review) else state.base


def current_bytes(state: State) -> bytes | None:
    return "".join(state.current).encode("utf-8", "surrogatepass") if isinstance(state, Review) else state.current


def shows(state: State, now: bytes | str | None) -> bool:
    """Whether this is the content that the state is about: bytes of a file, or the text of an editor's document."""
    if isinstance(state, Review):
        text = now if isinstance(now, str) else _text(now)
        return text is not None and "".join(state.current) == text.removeprefix(_MARK)
    if state.omitted or state.current is None or now is None:
        return state.current is now
    return same_text(now, state.current) if isinstance(now, str) else now == state.current


def is_about(state: State, text: str) -> bool:
    """Whether the lines of the state are those of a document that shows this."""
    if isinstance(state, Review):
        return _even("".join(state.current)) == _even(text)
    return state.omitted is not None or (state.current is not None and same_text(text, state.current))


def size(state: State | None) -> int:
    """Characters, or bytes, that it holds."""
    match state:
        case None:
            return 0
        case Review():
            return sum(map(len, state.current)) + sum(mark.base_lines for mark in state.marks) * 40
        case Whole():
            return len(state.base or b"") + len(state.current or b"")


def same_text(text: str, data: bytes) -> bool:
    """Whether a document that shows `text` shows this file: an editor hides the byte order mark and evens out line ends."""
    content = decoded(data)
    return content is not None and _even(text) == _even(content.text)


def _even(text: str) -> str:
    return text.removeprefix(_MARK).replace("\r\n", "\n").replace("\r", "\n")


def _begun(change: Changed) -> State | None:
    old, new = _text(change.before), _text(change.after)
    if old is None or new is None:
        return _whole(change, change.before, (change.turn_id,))
    known = lines(old)
    return _or_none(patched(Review(change.path, known, known), lines(new), change.turn_id))


def _again(state: Whole, after: bytes | None, turn: str) -> State | None:
    turns = tuple(dict.fromkeys((*state.turns, turn)))
    if state.omitted:
        return replace(state, turns=turns)
    if state.base == after:
        return None
    old, new = _text(state.base), _text(after)
    if old is not None and new is not None:
        known = lines(old)
        again = patched(Review(state.path, known, known), lines(new), turn)
        return _or_none(replace(again, marks=tuple(replace(mark, turns=turns) for mark in again.marks)))
    return replace(state, current=after, turns=turns)


def _whole(change: Changed, base: bytes | None, turns: tuple[str, ...]) -> Whole:
    path, after = change.path, change.after
    given = _id(path, turns, after or b"", b"+" if base is None else base)
    return Whole(path, given, base, after, turns, mode=change.mode_before, moved=change.moved)


def _id(path: str, turns: tuple[str, ...], *content: bytes) -> str:
    digest = blake2b("\0".join((path, *turns)).encode("utf-8", "surrogatepass"), digest_size=6)
    for part in content:
        digest.update(b"\0" + part)
    return digest.hexdigest()


def turns_of(state: State) -> tuple[str, ...]:
    if isinstance(state, Whole):
        return state.turns
    return tuple(dict.fromkeys(turn for mark in state.marks for turn in mark.turns))


def _or_none(review: Review) -> Review | None:
    return review if review.marks else None


def _text(data: bytes | None) -> str | None:
    content = None if data is None or len(data) > MAX_TEXT else decoded(data)
    return None if content is None else content.text.removeprefix(_MARK)


def _encoded(of: Sequence[str], like: bytes) -> bytes:
    """Lines as a file that holds `like` would hold them; in UTF-8 when it has no such characters, as when a command changed the
    encoding."""
    text = "".join(of)
    content = decoded(like)
    if content is None:
        return text.encode("utf-8", "surrogatepass")
    mark = _MARK if content.text.startswith(_MARK) else ""
    try:
        return content.encoded(mark + text)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
