"""Cards of patches that are still arriving: begun when the first file is known, then shown anew at most twice a second.

A card that was begun here is the card of the call: whoever draws or ends the call takes it from here, so that there is one start
and one end. What a preview shows is for the screen; the call's own plan replaces it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import cast

from ..core.events import CardStarted, Event, PatchPreviewed
from ..core.items import JsonObject
from ..core.patch_preview import TOOL, PatchPreview
from ..core.record import mutable
from ..core.views import CallCard, CallView, FileChangeView
from .ports import Clock

INTERVAL = 0.5
"Seconds between two previews of one call."
_NO_CHANGES = FileChangeView(view="file_change", changes=[])


@mutable
class _Arriving:
    preview: PatchPreview
    card: CallCard
    told_at: float | None = None
    untold: bool = False


@mutable
class Previews:
    """Of one turn."""

    thread_id: str
    turn_id: str
    cwd: str
    clock: Clock
    _arriving: dict[str, _Arriving] = field(default_factory=dict[str, _Arriving])
    _begun: dict[str, CallCard] = field(default_factory=dict[str, CallCard])

    def begin(self, card_id: str, kind: str, payload: JsonObject) -> None:
        """A call begins to arrive."""
        if payload.get("name") == TOOL:
            card = CallCard(card_id, TOOL, str(payload.get("call_id") or ""), _NO_CHANGES, "inProgress")
            self._arriving[card_id] = _Arriving(PatchPreview(self.cwd, in_json=kind == "function_call"), card)

    def feed(self, card_id: str, piece: str) -> list[Event]:
        """The next piece of the input of a call: what to tell clients now."""
        arriving = self._arriving.get(card_id)
        if arriving is None:
            return []
        arriving.untold = arriving.preview.feed(piece) or arriving.untold
        now = self.clock.monotonic()
        if not arriving.untold or (arriving.told_at is not None and now - arriving.told_at < INTERVAL):
            return []
        first, arriving.told_at, arriving.untold = arriving.told_at is None, now, False
        view = _changed(arriving)
        events: list[Event] = [self._told(card_id, view)]
        if first:
            card = self._begun[card_id] = dataclasses.replace(arriving.card, view=view)
            events.insert(0, CardStarted(self.thread_id, self.turn_id, card, self.clock.now()))
        return events

    def arrived(self, card_id: str) -> None:
        """The input is whole."""
        arriving = self._arriving.pop(card_id, None)
        if arriving is not None and card_id in self._begun:
            self._begun[card_id] = dataclasses.replace(arriving.card, view=_changed(arriving))

    def view(self, card_id: str) -> CallView | None:
        """What was shown of a call that no tool has understood yet."""
        card = self._begun.get(card_id)
        return None if card is None else card.view

    def cut(self, card_id: str) -> CallCard | None:
        """The rest of the call never comes: its card as it ends, if it was begun."""
        card = self._begun.pop(card_id, None)
        return None if card is None else dataclasses.replace(card, status="aborted")

    def take(self, card_id: str, view: CallView) -> tuple[CallCard, Event] | None:
        """The begun card with the view of the call, and what to tell of it; None when it was not begun."""
        card = self._begun.pop(card_id, None)
        if card is None:
            return None
        return dataclasses.replace(card, view=view), self._told(card_id, view)

    def _told(self, card_id: str, view: CallView) -> PatchPreviewed:
        changes = cast("list[JsonObject]", cast("FileChangeView", view).get("changes") or [])
        return PatchPreviewed(self.thread_id, self.turn_id, card_id, tuple(changes))


def _changed(arriving: _Arriving) -> CallView:
    return FileChangeView(view="file_change", changes=arriving.preview.changes())
