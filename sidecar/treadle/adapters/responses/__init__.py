"""Model over the Responses API: HTTP and server-sent events. Decides nothing; retries are runtime/retry.py's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module

from . import httpx_alone
from .http import ResponsesModel, ResponsesModels

__all__ = ["ResponsesModel", "ResponsesModels", "load"]


_PARTS = ("http.client", "urllib.request", "http.cookiejar", "idna", "h11", "anyio", "anyio.streams.tls", "httpcore")
"What httpx loads, in an order in which each is little more than itself; a package, which others load too, before what is in it."


def load() -> Iterator[None]:
    """Loads what a first request loads, a part with each step. Not for the thread of an event loop."""
    for name in _PARTS:
        with suppress(ImportError):
            import_module(name)
        yield
    httpx_alone.load()
    yield
    import anyio  # noqa: PLC0415

    from . import transport  # noqa: F401, PLC0415 # pyright: ignore[reportUnusedImport]

    yield
    # it loads most of itself when it is first used, which httpcore does with the first connection
    anyio.run(_used, anyio.Lock, anyio.Semaphore, anyio.fail_after, anyio.connect_tcp)


async def _used(*_: object) -> None:
    import anyio  # noqa: PLC0415

    with anyio.fail_after(1):
        async with anyio.Lock():
            pass
