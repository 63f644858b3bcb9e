"""Golden texts: what was reviewed once is compared for ever. Never writes unless UPDATE_SNAPSHOTS=1.

A snapshot is a plain file in tests/snapshots/, so that a change of it is read as a diff. Texts must be the same on every machine:
a test replaces what differs (scratch folders, ids) before it hands the text over.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "snapshots"
UPDATING = os.environ.get("UPDATE_SNAPSHOTS") == "1"


def snapshot(name: str, text: str) -> None:
    """Fail with a diff unless `text` is what tests/snapshots/NAME holds. `name` has a suffix, e.g. "no_project.txt"."""
    path = FOLDER / name
    text = text.rstrip("\n") + "\n"
    if UPDATING:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return
    if not path.is_file():
        raise AssertionError(f"there is no snapshot {name}: read the text, then run again with UPDATE_SNAPSHOTS=1\n\n{text}")
    golden = path.read_text("utf-8")
    if golden != text:
        diff = difflib.unified_diff(golden.splitlines(), text.splitlines(), f"snapshots/{name}", "now", lineterm="")
        raise AssertionError("the text differs from its snapshot (UPDATE_SNAPSHOTS=1 accepts it):\n" + "\n".join(diff))


def readable(request: Mapping[str, Any], *, instructions: bool = False, replace: Mapping[str, str] | None = None) -> str:
    """A parsed request as a text that people read: a heading an input item, then its texts as they are.

    Of the tools only the names are shown, of the instructions only how they begin unless `instructions`. `replace`: what differs
    from machine to machine -> what to show instead.
    """
    lines = [f"{key}: {json.dumps(value)}" for key, value in request.items() if key not in ("instructions", "tools", "input")]
    words = request.get("instructions", "")
    lines.append("tools: " + ", ".join(tool.get("name", tool["type"]) for tool in request.get("tools", ())))
    lines.append(f"instructions:\n{words}" if instructions else f"instructions: {words.partition(chr(10))[0][:100]}")
    for number, item in enumerate(request.get("input", ()), 1):
        lines += ["", f"======== {number} · {item['type']} {item.get('role', '')}".rstrip(), *_body(item)]
    text = "\n".join(lines)
    for old, new in (replace or {}).items():
        text = text.replace(old, new)
    return text


def _body(item: Mapping[str, Any]) -> list[str]:
    content = item.get("content")
    if isinstance(content, list):
        return [line for n, part in enumerate(content) for line in (["-------- next part"] * (n > 0) + [_part(part)])]
    rest = {key: value for key, value in item.items() if key not in ("type", "role")}
    return [f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in rest.items()]


def _part(part: Mapping[str, Any]) -> str:
    return part["text"] if "text" in part else json.dumps(part)
