"""The output of a call in ranges, for clients: from its file when it was too long for the thread, else from the thread itself."""

from __future__ import annotations

from ..core.errors import RequestRefused
from ..core.items import Item, ModelItem, ToolOutput
from ..core.ops import ReadOutput
from .assembly import World
from .damage import sound
from .loaded import Loaded
from .ports import OutputPart

LONGEST_PART = 1024 * 1024


def answer(world: World, loaded: Loaded | None, op: ReadOutput) -> OutputPart:
    """Raises RequestRefused for a thread or a call that is not there, or has not ended."""
    output = _find(_items(world, loaded, op.thread_id), op.item_id)
    limit = max(1, min(op.limit, LONGEST_PART))
    name = output.detail.get("spill")
    if isinstance(name, str) and world.outputs is not None:
        part = world.outputs.read(op.thread_id, name, op.offset, limit)
        if part is not None:
            return part
    shown = output.detail.get("output")
    data = (shown if isinstance(shown, str) else output.text).encode("utf-8", "replace")
    start = min(max(op.offset, 0), len(data))
    text = data[start : start + limit]
    if start + limit < len(data):
        text = text.decode("utf-8", "ignore").encode() or text
    return OutputPart(text.decode("utf-8", "replace"), start, start + len(text), len(data))


def _items(world: World, loaded: Loaded | None, thread_id: str) -> list[Item]:
    if loaded is not None:
        return loaded.items()
    with sound(thread_id):
        try:
            return world.store.load(thread_id)[1]
        except KeyError:
            raise RequestRefused(f"no thread with the id {thread_id}") from None


def _find(items: list[Item], item_id: str) -> ToolOutput:
    call_id = next((item.call_id for item in items if isinstance(item, ModelItem) and item.id == item_id), None)
    found = [item for item in items if isinstance(item, ToolOutput) and item.call_id == call_id] if call_id else []
    if not found:
        raise RequestRefused(f"no call with the id {item_id} has an output in this thread")
    return found[-1]
