"""The proxy by which confined commands reach allowed hosts, loaded and started when a command first needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...runtime.ports.network import HostJudge, Proxy, Way


class DeferredProxy:
    """runtime.ports.network.Proxy. Most processes never need one, so its modules are not loaded with them."""

    def __init__(self) -> None:
        self._proxy: Proxy | None = None

    async def open(self, judge: HostJudge) -> Way:
        if self._proxy is None:
            from .server import AllowListProxy  # noqa: PLC0415

            self._proxy = AllowListProxy()
        return await self._proxy.open(judge)

    async def close(self) -> None:
        if self._proxy is not None:
            await self._proxy.close()
