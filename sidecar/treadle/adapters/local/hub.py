"""The official file from its hub: streamed to a temporary file that a later attempt goes on with, hashed as it comes.

It gives up within seconds where there is no network, and says why in one line. It never leaves a file under the final name
whose hash is not the pinned one. HF_ENDPOINT names another hub, HF_HUB_OFFLINE=1 none: both are the hub's own conventions.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from .catalogue import Weights
from .parts import WrongFile, hash_of

if TYPE_CHECKING:
    import httpx

ENDPOINT = "https://huggingface.co"
REACH_SECONDS = 4.0
IDLE_SECONDS = 20.0
ATTEMPTS = 5


class Unreachable(Exception):
    """The file cannot be had from the hub now; the text says why."""


def address(weights: Weights, environ: Mapping[str, str]) -> str | None:
    """Where the file is, or None if the user wants no hub."""
    if environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return None
    endpoint = environ.get("HF_ENDPOINT", "").rstrip("/") or ENDPOINT
    return f"{endpoint}/{weights.repository}/resolve/main/{weights.file}"


async def fetch(url: str, target: Path, weights: Weights, progress: Callable[[int], None]) -> None:
    """Bring the file to `target`. Raises Unreachable, WrongFile or OSError. What a cancelled call has got, the next one uses."""
    import httpx  # noqa: PLC0415 - only a first start needs it

    partial = target.with_suffix(".partial")
    timeout = httpx.Timeout(IDLE_SECONDS, connect=REACH_SECONDS)
    async with httpx.AsyncClient(timeout=timeout, follow_redirects=True) as client:
        for attempt in range(ATTEMPTS):
            before = _length(partial)
            try:
                await _go_on(client, url, partial, weights, progress)
                break
            except httpx.HTTPError as error:
                moved = _length(partial) > before
                if attempt + 1 == ATTEMPTS or not moved:
                    raise Unreachable(f"{httpx.URL(url).host}: {str(error) or type(error).__name__}") from error
            except WrongFile:
                partial.unlink()
                raise
    found = await asyncio.to_thread(hash_of, partial, progress=lambda _: None, cancelled=Event())
    if found != weights.sha256:
        partial.unlink()
        raise WrongFile(f"the SHA-256 is {found}")
    os.replace(partial, target)


async def _go_on(client: httpx.AsyncClient, url: str, partial: Path, weights: Weights, progress: Callable[[int], None]) -> None:
    """Append what is missing. One request."""
    have = _length(partial)
    if have == weights.bytes:
        return
    headers = {"range": f"bytes={have}-"} if 0 < have < weights.bytes else {}
    stream: Any = client.stream("GET", url, headers=headers)
    async with asyncio.timeout(None) as limit:
        limit.reschedule(asyncio.get_running_loop().time() + 2 * REACH_SECONDS)
        async with stream as response:
            limit.reschedule(None)
            response.raise_for_status()
            resumed = response.status_code == 206
            done = have if resumed else 0
            with partial.open("ab" if resumed else "wb") as out:
                async for chunk in response.aiter_bytes():
                    done += len(chunk)
                    if done > weights.bytes:
                        raise WrongFile(f"it is longer than {weights.bytes} bytes")
                    out.write(chunk)
                    progress(done)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
