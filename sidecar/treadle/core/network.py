"""Which hosts a confined command may reach by the proxy: patterns in, verdict and reason out. Pure; resolves nothing.

Promises never to raise for whatever a command or a user wrote; that a deny wins over every allow; that what is not allowed is not
reached; and that an address of this machine or its neighbourhood is reached only where the user named it or opened all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, TypeAlias

from .pattern import late
from .policy import Grants
from .record import frozen
from .settings import NetworkSettings, Settings

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

Protocol: TypeAlias = Literal["http", "https"]
Block: TypeAlias = Literal["blocked-by-allowlist", "blocked-by-denylist", "blocked-by-policy"]
"For programs: the words that a refusal has on the wire."

_LONGEST = 253
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = late(rf"{_LABEL}(?:\.{_LABEL})*")
_ENDS_IN_NUMBER = late(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")
_OF_THE_CLOUD = "168.63.129.16"
"A public address that on Azure is the machine's own host."
_HOLD_IPV4 = ("64:ff9b::/96", "::/96")
_OPEN_PRIVATE = "allow_private = true in [treadle.network] opens all of them"


@frozen
class HostVerdict:
    verdict: Literal["allow", "deny", "ask"]
    reason: str = ""
    "One sentence, for the user and for the command."
    block: Block = "blocked-by-allowlist"


ALLOWED = HostVerdict("allow")


@frozen
class HostRules:
    """Patterns: `x` exactly, `*.x` what is below x, `**.x` x and what is below. Anything else matches nothing."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    "Asked about although `allow` has it."
    allow_private: bool = False
    granted: tuple[str, ...] = ()
    "What the user said yes to when asked: as `allow`, and stronger than `ask`."

    def judge(self, host: str) -> HostVerdict:
        """For a host as a command names it."""
        name = normal(host)
        if name is None:
            return HostVerdict("deny", f"{_shown(host)} is not a host name or address.", "blocked-by-policy")
        if _matches(name, self.deny):
            return HostVerdict("deny", f"{name} is on the deny-list of the network settings.", "blocked-by-denylist")
        if _is_local(name) and not self._names_local(name):
            reason = f"{name} is an address of this machine or its network; {_OPEN_PRIVATE}."
            return HostVerdict("deny", reason, "blocked-by-policy")
        unlisted = HostVerdict("ask", f"{name} is not on the allow-list of the network settings.")
        if _matches(name, self.granted):
            return ALLOWED
        if _matches(name, self.ask):
            return unlisted
        return ALLOWED if _matches(name, self.allow) else unlisted

    def judge_address(self, host: str, address: str) -> HostVerdict:
        """For an address that an allowed host turned out to have."""
        name = normal(host) or ""
        if _matches(normal(address) or "", self.deny):
            return HostVerdict("deny", f"{name} has the address {address}, which is on the deny-list.", "blocked-by-denylist")
        if is_public(address) or self.allow_private or (_is_local(name) and self._names_local(name)):
            return ALLOWED
        reason = f"{name} has the address {address} of this machine or its network; {_OPEN_PRIVATE}."
        return HostVerdict("deny", reason, "blocked-by-policy")

    def _names_local(self, name: str) -> bool:
        return self.allow_private or name in {normal(pattern) for pattern in (*self.allow, *self.granted)}


def host_rules(settings: Settings, network: NetworkSettings, grants: Grants) -> HostRules:
    """All that is said of hosts: by the configuration, by rule files, by the user's earlier answers."""
    ruled = {decision: tuple(r.host for r in settings.rules.networks if r.decision == decision) for decision in _DECISIONS}
    return HostRules(
        allow=(*network.allow, *ruled["allow"]),
        deny=(*network.deny, *ruled["forbidden"], *grants.denied_hosts),
        ask=ruled["prompt"],
        allow_private=network.allow_private,
        granted=tuple(grants.hosts),
    )


_DECISIONS = ("allow", "prompt", "forbidden")


def problem_of(pattern: str) -> str | None:
    """Why a pattern of a user cannot be used."""
    text = pattern.strip()
    if text in ("*", "**", "*.", "**."):
        return "a pattern for every host is not possible; name hosts, or *.example.com for all below a domain"
    if normal(_base(text)) is None:
        return (
            f"{_shown(pattern)} is no host; write api.example.com, *.example.com or **.example.com, without scheme, port and path"
        )
    if text != _base(text) and _is_address(normal(_base(text)) or ""):
        return f"{_shown(pattern)} is a pattern of an address; write the address itself"
    return None


def normal(host: str) -> str | None:
    """One spelling per host; None for what is none. Addresses in the shortened spellings of old are not taken for hosts."""
    text = host.strip().lower()
    if len(text) > _LONGEST + 2 or not text.isascii():
        return None
    if ":" in text or text.startswith("["):
        inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        address = _address(inside) if "%" not in inside else None
        return str(address) if address is not None else None
    text = text.removesuffix(".")
    if _ENDS_IN_NUMBER.search(text):
        address = _address(text)
        return str(address) if address is not None else None
    return text if len(text) <= _LONGEST and _NAME.fullmatch(text) else None


def is_public(address: str) -> bool:
    """Whether an address belongs to the internet at large, also when it is wrapped into another one."""
    import ipaddress  # noqa: PLC0415

    found = _address(address)
    if found is None:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if any(found in ipaddress.ip_network(net) for net in _HOLD_IPV4):
            wrapped.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        inner = [each for each in wrapped if each is not None]
        if inner:
            return all(is_public(str(each)) for each in inner)
    return found.is_global and not found.is_multicast and str(found) != _OF_THE_CLOUD


def _address(text: str) -> IPv4Address | IPv6Address | None:
    import ipaddress  # noqa: PLC0415

    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    return _address(name) is not None


def _is_local(name: str) -> bool:
    if _is_address(name):
        return not is_public(name)
    return name == "localhost" or name.endswith(".localhost")


def _base(pattern: str) -> str:
    return pattern.removeprefix("**.") if pattern.startswith("**.") else pattern.removeprefix("*.")


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(_fits(name, pattern.strip().lower()) for pattern in patterns)


def _fits(name: str, pattern: str) -> bool:
    base = normal(_base(pattern))
    if base is None or not name:
        return False
    if pattern.startswith("**."):
        return name == base or name.endswith("." + base)
    return name.endswith("." + base) if pattern.startswith("*.") else name == base


def _shown(text: str) -> str:
    return ascii(text[:80])
