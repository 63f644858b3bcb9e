"""The way of commands without network to hosts that the user allows: a proxy that asks a judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ...core.network import HostVerdict
    from ...core.network import Protocol as HostProtocol


class HostJudge(Protocol):
    async def judge(self, host: str, protocol: HostProtocol) -> HostVerdict:
        """Allow or deny, never ask; takes as long as a user who is asked, within a bound."""
        ...

    def judge_address(self, host: str, address: str) -> HostVerdict:
        """Of an address that an allowed host has."""
        ...


class Way(Protocol):
    """The proxy as one command sees it."""

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which programs find the proxy; they hold what tells this command from others."""
        ...

    @property
    def port(self) -> int:
        """On the loopback of the host; for CommandSpec.bridges."""
        ...

    def close(self) -> None:
        """The command has ended: its connections end, and its variables open nothing any more."""
        ...


class Proxy(Protocol):
    async def open(self, judge: HostJudge) -> Way:
        """Starts the proxy when it is the first. Raises OSError."""
        ...

    async def close(self) -> None: ...
