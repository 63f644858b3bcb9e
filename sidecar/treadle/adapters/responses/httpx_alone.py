"""Loads httpx without its command line, whose libraries, where they happen to be installed, take longer to load than httpx."""

from __future__ import annotations

import sys

_COMMAND_LINE = "httpx._main"


def load() -> None:
    """To be called before httpx is imported. Does nothing when it is there already."""
    if "httpx" in sys.modules:
        return
    # httpx does without it when it cannot be imported
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]
    try:
        import httpx  # noqa: F401, PLC0415 # pyright: ignore[reportUnusedImport]
    finally:
        # another thread that loads it at the same time may have been faster
        sys.modules.pop(_COMMAND_LINE, None)
