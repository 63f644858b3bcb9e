"""What bringing back earlier files would do, file by file. Reads, writes nothing.

A file is planned from the rows that name it and from what it holds now, in the editor if it is open there. What cannot be done
without taking somebody else's work away is a conflict, with the reason; so is whatever the file system would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from ..core import diff
from ..core.checkpoints import FileKind, FilePlan, Restored
from ..core.encoding import decoded
from ..core.pattern import late
from ..core.record import frozen
from ..core.rewind import Rewound, Step, rewind
from .ports import Files, FileState, FileVersion, Versions

_SAYS = late(rb"[0-9A-Za-z\x80-\xff]")
DIFF_CHARACTERS = 64_000
"Of one file; a longer diff is cut."
DIFFS_CHARACTERS = 1_000_000
"Of all files together."


@frozen
class Planned:
    """`after` is None where nothing is to be written."""

    plan: FilePlan
    before: FileState | None = None
    after: FileState | None = None


def since(
    rows: Sequence[FileVersion], order: Sequence[str], restores: Iterable[Restored], turn_id: str
) -> dict[str, list[FileVersion]]:
    """Path -> what happened to it since that turn began, oldest first. `order`: the ids of all turns that ever began."""
    places = {id: float(place) for place, id in enumerate(order)}
    places |= {restore.id: places.get(restore.last_turn, -1.0) + 0.5 for restore in restores}
    begin, last = places[turn_id], -1.0
    found: dict[str, list[FileVersion]] = {}
    for row in rows:
        last = places.get(row.turn_id, last)
        if last >= begin:
            found.setdefault(row.path, []).append(row)
    return found


def by_path(rows: Iterable[FileVersion]) -> dict[str, list[FileVersion]]:
    found: dict[str, list[FileVersion]] = {}
    for row in rows:
        found.setdefault(row.path, []).append(row)
    return found


async def plans(files: Files, versions: Versions, found: Mapping[str, Sequence[FileVersion]]) -> list[Planned]:
    """In the order of their paths."""
    room = DIFFS_CHARACTERS
    out: list[Planned] = []
    for path in sorted(found):
        planned = await _planned(files, versions, path, found[path], min(room, DIFF_CHARACTERS))
        room -= len(planned.plan.diff)
        out.append(planned)
    return _without_losses(versions, found, out)


def _without_losses(versions: Versions, found: Mapping[str, Sequence[FileVersion]], planned: Sequence[Planned]) -> list[Planned]:
    """What a turn moved out of a file that has a conflict has no place to go back to: whatever holds such lines is left alone."""
    out = {each.plan.path: each for each in planned}
    waiting = [each for each in planned if each.plan.kind == "conflict"]
    while waiting:
        conflict = waiting.pop()
        lost = _lost(versions, found[conflict.plan.path], conflict.before)
        _follow(versions, found, lost)
        for path, each in out.items():
            if each.plan.kind not in ("delete", "restore", "merge") or each.before is None or each.after is None:
                continue
            goes = _words(each.before.data) - _words(each.after.data)
            if any(goes & lost.get(row.turn_id, set()) for row in found[path]):
                name = conflict.plan.path.rpartition("/")[2]
                held = _conflict(path, f"it holds what was moved out of {name}, which has a conflict", each.before)
                out[path] = held
                waiting.append(held)
    return list(out.values())


def _lost(versions: Versions, rows: Sequence[FileVersion], now: FileState | None) -> dict[str, set[bytes]]:
    """Turn -> lines that the file had before it and has no more."""
    there = _words(now.data if now else None)
    found: dict[str, set[bytes]] = {}
    for row in rows:
        try:
            before = versions.get(row.before) if row.before else None
        except KeyError:
            continue
        found.setdefault(row.turn_id, set()).update(_words(before) - there)
    return found


def _follow(versions: Versions, found: Mapping[str, Sequence[FileVersion]], lost: dict[str, set[bytes]]) -> None:
    """Add what was moved on from where it had been moved to, to the turns in which it was."""
    wanted = set[bytes]().union(*lost.values())

    @cache
    def words(key: str | None) -> set[bytes]:
        try:
            return _words(versions.get(key)) & wanted if key else set()
        except KeyError:
            return set()

    more = bool(wanted)
    while more:
        more = False
        for rows in found.values():
            held = set[bytes]()
            for row in rows:
                before, after = words(row.before), words(row.after)
                held |= lost.get(row.turn_id, set()) & (after - before)
                went = (held & before) - after - lost.get(row.turn_id, set())
                if went:
                    lost.setdefault(row.turn_id, set()).update(went)
                    more = True


def _words(data: bytes | None) -> set[bytes]:
    """Lines that say something."""
    return {line for line in map(bytes.strip, (data or b"").splitlines()) if _SAYS.search(line)}


async def _planned(files: Files, versions: Versions, path: str, rows: Sequence[FileVersion], room: int) -> Planned:
    omitted = next((row.omitted for row in rows if row.omitted), None)
    if omitted is not None:
        return Planned(FilePlan(path, "omitted", reason=omitted))
    if files.resolve(path) != path:
        return _conflict(path, "a symbolic link leads elsewhere now")
    try:
        now = await files.read(path)
    except OSError as error:
        return _conflict(path, error.strerror or "it cannot be read")
    steps = [Step(row.before, row.after, row.mode_before, row.mode_after) for row in rows]
    try:
        found = rewind(steps, now.data, now.mode, versions.get)
    except KeyError:
        return Planned(FilePlan(path, "omitted", reason="its earlier content is not kept any more"))
    if found.conflicts:
        return _conflict(path, _where(found, now), now)
    if found.data == now.data and found.mode == now.mode:
        return Planned(FilePlan(path, "unchanged"))
    if (refusal := _refusal(now, found)) is not None:
        return _conflict(path, refusal, now)
    text, added, removed = _diff(now.data, found.data, room)
    return Planned(FilePlan(path, _kind(now, found), text, added, removed), now, FileState(path, found.data, found.mode))


def _conflict(path: str, reason: str, now: FileState | None = None) -> Planned:
    return Planned(FilePlan(path, "conflict", reason=reason), now)


def _kind(now: FileState, found: Rewound) -> FileKind:
    if found.data is None:
        return "delete"
    if now.data is None:
        return "create"
    return "merge" if found.merged else "restore"


def _where(found: Rewound, now: FileState) -> str:
    if now.data is None:
        return "it was deleted since"
    first = found.conflicts[0]
    if (first.start, first.base, first.theirs) == (0, (), ()):
        return "it was changed since, and cannot be merged"
    many = f" and in {len(found.conflicts) - 1} more places" if len(found.conflicts) > 1 else ""
    return f"it was changed since in the same place, at line {first.start + 1}{many}"


def _refusal(now: FileState, found: Rewound) -> str | None:
    if now.unsaved and found.data is None:
        return "it has unsaved changes in the editor"
    if now.unsaved and not _is_utf8(found.data or b""):
        return "it has unsaved changes in the editor, and its earlier content is no UTF-8 text"
    if now.mode is not None and not now.mode & 0o222 and found.data is not None:
        return "it is read-only now"
    return None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _diff(before: bytes | None, after: bytes | None, room: int) -> tuple[str, int, int]:
    old, new = decoded(before or b""), decoded(after or b"")
    if old is None or new is None:
        return "", 0, 0
    made = diff.unified(old.text, new.text)
    text = made.text
    if len(text) > room:
        text = text[: text.rfind("\n", 0, max(room, 0)) + 1] + "(the diff goes on)\n"
    return text, made.added, made.removed
