"""Finds out what the commands of a turn do to files, which they do not say.

A call that may write waits until the files that it may change are known as they were, and not for ever; after it, and at the end
of the turn, what has changed is recorded as the turn's and told like a patch. What changes while no call of the turn is at work
is somebody else's, most often the user's, and so is what a command does that goes on when its turn is over: better that a restore
leaves a file of a server's than that it takes a line of the user's. While a command runs everything counts as the turn's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..core.changes import Changed
from ..core.events import Event, ProgressReported, WarningReported
from ..core.policy import CallMcp, RunCommand
from ..core.settings import CheckpointRules, SandboxPolicy
from .changes import Changes
from .ports import Clock, Plan
from .ports.watch import Owner, Watch

if TYPE_CHECKING:
    from .ports import FileVersion, Versions

_log = logging.getLogger(__name__)
LONGEST_WAIT = 30.0
"Seconds for which a command waits until the files are known."
_BEGIN_AFTER = 0.1
"Seconds. A turn that is over by then has run nothing."
_TOLD_FILES, _TOLD_BYTES = 500, 32 * 1024 * 1024
"Of one look, with their contents."
_TOO_MANY = "too many files changed at once"


class Watching:
    """The turns that run, by what they may change."""

    def __init__(self, watch: Watch, versions: Versions, changes: Changes, clock: Clock) -> None:
        self._watch = watch
        self._versions = versions
        self._changes = changes
        self._clock = clock
        self._turns: list[TurnWatch] = []
        self._told_why: set[tuple[str, str]] = set()
        "(thread, why not all is known)"
        changes.done.append(self._note)

    def turn(
        self, owner: Owner, roots: Sequence[str], rules: CheckpointRules, notify: Callable[[Event], None], *, hooked: bool
    ) -> TurnWatch:
        """For a turn that begins. `hooked`: programs of the user's run before or after calls."""
        turn = TurnWatch(self, owner, tuple(roots), rules, notify, hooked)
        self._turns.append(turn)
        return turn

    def begin(self, turn: TurnWatch) -> None:
        self._watch.begin(turn.roots, turn.rules)

    async def ready(self, turn: TurnWatch, say: Callable[[str | None], None]) -> str | None:
        return await self._watch.ready(turn.roots, LONGEST_WAIT, say)

    async def look(self, turn: TurnWatch) -> None:
        """Raises OSError when what has changed cannot be kept."""
        owner = turn.owner if turn.at_work else self._other(turn)
        found = await self._watch.look(turn.roots, owner, self._clock.now())
        if not found:
            return
        telling = asyncio.ensure_future(self._tell(found))
        try:
            await asyncio.shield(telling)
        except asyncio.CancelledError:
            # it is in the checkpoint already: whoever reviews it must know as well
            await asyncio.wait([telling])
            raise

    async def _tell(self, found: Sequence[FileVersion]) -> None:
        for change in await asyncio.to_thread(self._told, found):
            self._changes.tell([change])
            await asyncio.sleep(0)  # each takes a moment: others have their turn

    async def omit(self, turn: TurnWatch, why: str) -> None:
        """Say in the checkpoint that it does not have everything."""
        from .ports import FileVersion  # noqa: PLC0415

        thread_id, turn_id = turn.owner
        found = [FileVersion(thread_id, turn_id, root, None, None, self._clock.now(), omitted=why) for root in turn.roots]
        await asyncio.to_thread(self._versions.record, found)

    def is_news(self, turn: TurnWatch, why: str) -> bool:
        """Whether nobody was told in this thread."""
        known = len(self._told_why)
        self._told_why.add((turn.owner[0], why))
        return len(self._told_why) > known

    def ended(self, turn: TurnWatch) -> None:
        self._turns.remove(turn)

    def _other(self, turn: TurnWatch) -> Owner | None:
        """Another thread's turn that has a command running in the same folders."""
        roots = set(turn.roots)
        return next((each.owner for each in reversed(self._turns) if each.at_work and not roots.isdisjoint(each.roots)), None)

    def _note(self, changed: Sequence[Changed]) -> None:
        from ..core.rewind import key_of  # noqa: PLC0415

        for change in changed:
            if change.by != "command" and not change.unsaved and change.omitted is None:
                self._watch.note(change.path, key_of(change.after), change.mode_after)

    def _told(self, found: Sequence[FileVersion]) -> list[Changed]:
        room = _TOLD_BYTES
        out: list[Changed] = []
        for version in found:
            before, after, omitted = None, None, version.omitted
            if omitted is None and (len(out) >= _TOLD_FILES or room <= 0):
                omitted = _TOO_MANY
            if omitted is None:
                try:
                    before, after = self._content(version.before), self._content(version.after)
                except (KeyError, OSError):
                    omitted = "its content is not kept any more"
                room -= len(before or b"") + len(after or b"")
            ids = (version.thread_id, version.turn_id, version.path)
            out.append(Changed(*ids, before, after, "command", version.mode_before, version.mode_after, omitted=omitted))
        return out

    def _content(self, key: str | None) -> bytes | None:
        return None if key is None else self._versions.get(key)


class TurnWatch:
    """Of one turn. `before` and `left` around each call, then `look`; `end` once."""

    def __init__(  # noqa: PLR0917
        self,
        watching: Watching,
        owner: Owner,
        roots: tuple[str, ...],
        rules: CheckpointRules,
        notify: Callable[[Event], None],
        hooked: bool,
    ) -> None:
        self.owner = owner
        self.roots = roots
        self.rules = rules
        self._watching = watching
        self._notify = notify
        self._hooked = hooked
        self._running = 0
        self._goes_on = False
        "A command of this turn may still run."
        self._unseen = False
        "A call is over, and what it did has not been looked at."
        self._ended = False
        self._said: set[str] = set()
        self._begins = asyncio.get_running_loop().call_later(_BEGIN_AFTER, watching.begin, self)

    @property
    def at_work(self) -> bool:
        return self._running > 0 or self._goes_on

    async def before(self, tool: str, plan: Plan, policy: SandboxPolicy) -> bool:
        """Whether the call is watched: then `left` and `look` must follow."""
        waits = _may_write(plan, policy)
        if not waits and not self._hooked and tool != "write_stdin":
            return False
        self._begins.cancel()
        self._watching.begin(self)
        try:
            if waits:
                why = await self._watching.ready(self, lambda text: self._notify(ProgressReported(text)))
                await self._omit(why)
            await self._watching.look(self)
        except OSError as error:
            self._warn(error)
        self._unseen = True
        self._running += 1
        return True

    def left(self, view: object = None) -> None:
        """The call is over, or stopped."""
        self._running -= 1
        if isinstance(view, dict) and view.get("process_id") is not None:  # pyright: ignore[reportUnknownMemberType]
            self._goes_on = True

    async def look(self) -> None:
        self._running += 1
        try:
            await self._watching.look(self)
            self._unseen = self._running > 1
        except OSError as error:
            self._warn(error)
        finally:
            self._running -= 1

    async def end(self) -> None:
        """The turn is over. May be called again."""
        self._begins.cancel()
        if self._ended:
            return
        self._ended = True
        try:
            if self._unseen or self._goes_on:
                await self.look()
        finally:
            self._watching.ended(self)

    async def _omit(self, why: str | None) -> None:
        if why is not None and why not in self._said:
            self._said.add(why)
            await self._watching.omit(self, why)
            if self._watching.is_news(self, why):
                self._notify(WarningReported(f"What commands do to files cannot be undone here: {why}.", self.owner[0]))

    def _warn(self, error: OSError) -> None:
        _log.warning("%s", error)
        if "" not in self._said:
            self._said.add("")
            text = f"What commands of this turn do to files cannot all be undone: {error.strerror or error}."
            self._notify(WarningReported(text, self.owner[0]))


def _may_write(plan: Plan, policy: SandboxPolicy) -> bool:
    match plan.wish:
        case RunCommand():
            actions: list[dict[str, str]] = plan.view.get("actions", [])  # type: ignore[assignment]
            only_reads = bool(actions) and all(action["type"] != "unknown" for action in actions)
            return policy.mode != "read-only" and not only_reads
        case CallMcp(read_only=read_only):
            return not read_only
        case _:
            return False
