"""Clock: the machine's time, and ids that sort by it."""

from __future__ import annotations

import asyncio
import os
import time


class SystemClock:
    """Time and ids of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def local_date(self, at: float) -> tuple[str, str]:
        """(YYYY-MM-DD, name of the timezone) of a moment, here."""
        local = time.localtime(at)
        return time.strftime("%Y-%m-%d", local), time.strftime("%Z", local)

    def new_id(self) -> str:
        """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits."""
        value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
        value = (value & ~(0xF << 76)) | (7 << 76)
        value = (value & ~(0x3 << 62)) | (2 << 62)
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
