"""The provider's own compaction: POST {base}/responses/compact, and the items that come back.

Promises that the items are handed on as they came, unknown fields and encrypted content included. Decides nothing about them.
"""

from __future__ import annotations

import json
from typing import Any, cast

from ...core.items import JsonObject, dumps
from ...core.prompt import Request
from ...core.replies import Compacted
from .errors import Faults
from .events import usage

_FIELDS = ("model", "instructions", "input", "prompt_cache_key")
"Of an ordinary request; the endpoint refuses others."


def body(request: Request) -> bytes:
    whole = request.parsed()
    return dumps({name: whole[name] for name in _FIELDS if name in whole}).encode()


def read(data: bytes, faults: Faults) -> Compacted:
    """Raises ModelError for what is not an answer of this endpoint."""
    try:
        answer: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise faults.not_compacted(data) from None
    output: Any = cast(JsonObject, answer).get("output") if isinstance(answer, dict) else None
    if not isinstance(output, list) or not all(isinstance(item, dict) for item in cast("list[object]", output)):
        raise faults.not_compacted(data)
    return Compacted(tuple(cast("list[JsonObject]", output)), usage(cast(JsonObject, answer).get("usage")))
