"""What the commands of one turn may reach by the proxy, and the question to the user about a host that nobody spoke of.

Promises: one question per host and command, however often the command tries; a question has an end, and no answer is a no; a yes
that is remembered is a grant, one that is not lasts as long as the command. Must never open a way where it cannot be enforced.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import field, replace

from ..core.asking import Approval, Decision
from ..core.events import ThreadStatusChanged, WarningReported
from ..core.network import ALLOWED, HostRules, HostVerdict, Protocol, host_rules, normal
from ..core.policy import Grants
from ..core.record import frozen, mutable
from ..core.settings import NetworkSettings, SandboxPolicy, Settings
from ..core.views import CallView
from .permission import Permission
from .ports import Call, Clock, CommandSpec, Sandbox
from .ports.network import Proxy, Way

PATIENCE = 300.0
"Seconds that a command waits for the user's answer about a host."
_MOST_REMEMBERED = 256
_MOST_ASKED = 8
"Hosts that one command may have open questions about."
_MOST_TOLD = 5


@mutable
class TurnNetwork:
    """Of one turn: ports.tools.NetworkAccess."""

    settings: Settings
    network: NetworkSettings
    proxy: Proxy
    sandbox: Sandbox
    clock: Clock
    permission: Permission
    cancel_turn: Callable[[], None]
    resting: Callable[[], bool]
    "No turn of the thread runs now: a command may have outlived its own."
    warned: set[str]
    "Of the process: what was said already."

    async def open(self, call: Call, view: CallView, policy: SandboxPolicy) -> CommandWay | None:
        """None where there is nothing to open: the policy has the network, or there is none."""
        if not policy.confines or policy.network:
            return None
        status = await self.sandbox.status()
        if not status.broker:
            why = status.broker_reason or "this needs the Linux sandbox"
            self._warn(f"The network allow-list cannot be enforced here, so commands have no network: {why}.")
            return None
        judge = _CommandJudge(self, call, view)
        try:
            way = await self.proxy.open(judge)
        except OSError as error:
            self._warn(f"The network proxy could not be started, so commands have no network: {error.strerror or error}.")
            return None
        return CommandWay(way, judge)

    def rules(self) -> HostRules:
        """As of now: the user may have answered meanwhile."""
        return host_rules(self.settings, self.network, self.permission.grants.at())

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warned:
            self.warned.add(sentence)
            self.permission.audience.notify(WarningReported(sentence, self.permission.thread_id))


@mutable
class CommandWay:
    """A Way that ends the questions of its command as well."""

    way: Way
    judge: _CommandJudge

    @property
    def environment(self) -> dict[str, str]:
        return self.way.environment

    @property
    def port(self) -> int:
        return self.way.port

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why connections were refused so far, a sentence per host; the last few."""
        return tuple(self.judge.refusals.values())[-_MOST_TOLD:]

    def close(self) -> None:
        self.way.close()
        self.judge.close()


@frozen
class ListJudge:
    """For commands that nobody is asked about: what is listed, and nothing else."""

    rules: HostRules

    async def judge(self, host: str, protocol: Protocol) -> HostVerdict:
        found = self.rules.judge(host)
        return replace(found, verdict="deny") if found.verdict == "ask" else found

    def judge_address(self, host: str, address: str) -> HostVerdict:
        return self.rules.judge_address(host, address)


@asynccontextmanager
async def by_the_lists(
    spec: CommandSpec, policy: SandboxPolicy, settings: Settings, *, sandbox: Sandbox, proxy: Proxy | None, grants: Grants
) -> AsyncGenerator[CommandSpec]:
    """The command with a way to the listed hosts, for as long as this lasts; as it is where there is no way."""
    network = settings.network
    if network is None or proxy is None or not policy.confines or policy.network or not (await sandbox.status()).broker:
        yield spec
        return
    way = await proxy.open(ListJudge(host_rules(settings, network, grants)))
    try:
        yield through(way, spec)
    finally:
        way.close()


def through(way: Way, spec: CommandSpec) -> CommandSpec:
    """With the variables that lead to the proxy, and the port that it has."""
    return replace(spec, env={**spec.env, **way.environment}, bridges=(way.port,))


@mutable
class _CommandJudge:
    """ports.network.HostJudge for one command."""

    turn: TurnNetwork
    call: Call
    view: CallView
    refusals: dict[str, str] = field(default_factory=dict[str, str])
    _answered: dict[str, HostVerdict] = field(default_factory=dict[str, HostVerdict])
    _asking: dict[str, asyncio.Task[HostVerdict]] = field(default_factory=dict[str, asyncio.Task[HostVerdict]])

    async def judge(self, host: str, protocol: Protocol) -> HostVerdict:
        found = self.turn.rules().judge(host)
        name = normal(host)
        if found.verdict == "ask" and name is not None:
            found = self._answered.get(name) or await self._question(name, protocol, found)
        return self._noted(host, found)

    def judge_address(self, host: str, address: str) -> HostVerdict:
        return self._noted(host, self.turn.rules().judge_address(host, address))

    def close(self) -> None:
        for question in self._asking.values():
            question.cancel()

    def _noted(self, host: str, verdict: HostVerdict) -> HostVerdict:
        if verdict.verdict != "allow" and len(self.refusals) < _MOST_REMEMBERED:
            self.refusals[host] = verdict.reason
        return verdict

    async def _question(self, name: str, protocol: Protocol, unlisted: HostVerdict) -> HostVerdict:
        """Those who ask for the same host wait for the same answer."""
        if self.turn.settings.approval_policy == "never":
            return replace(unlisted, verdict="deny")
        task = self._asking.get(name)
        if task is None:
            if len(self._asking) >= _MOST_ASKED or len(self._answered) >= _MOST_REMEMBERED:
                return replace(
                    unlisted, verdict="deny", reason=f"{name} was not asked about: this command asks for too many hosts."
                )
            task = self._asking[name] = asyncio.create_task(self._ask(name, protocol, unlisted), name="network question")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return replace(unlisted, verdict="deny")  # the command or the turn is over

    async def _ask(self, name: str, protocol: Protocol, unlisted: HostVerdict) -> HostVerdict:
        try:
            verdict = self._answered[name] = await self._answer(name, protocol, unlisted)
            return verdict
        finally:
            del self._asking[name]
            audience = self.turn.permission.audience
            if self.turn.resting() and not audience.waiting:
                audience.notify(ThreadStatusChanged(self.turn.permission.thread_id, "idle"))

    async def _answer(self, name: str, protocol: Protocol, unlisted: HostVerdict) -> HostVerdict:
        """The user's, or what a change of the grants or of time said first."""
        turn = self.turn
        answer = asyncio.ensure_future(turn.permission.ask(self._approval(name, protocol)))
        patience = asyncio.ensure_future(turn.clock.sleep(PATIENCE))
        try:
            while not answer.done():
                change = asyncio.ensure_future(turn.permission.grants.book.changed.wait())
                try:
                    await asyncio.wait((answer, patience, change), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    change.cancel()
                if answer.done():
                    break
                now = turn.rules().judge(name)
                if now.verdict != "ask":
                    return now
                if patience.done():
                    return replace(unlisted, verdict="deny", reason=f"Nobody answered in time whether {name} may be reached.")
            return self._meant(name, answer.result())
        finally:
            for waiting in (answer, patience):
                waiting.cancel()
            await asyncio.wait((answer, patience))

    def _meant(self, name: str, decision: Decision) -> HostVerdict:
        if decision.verdict == "accept":
            return ALLOWED
        if decision.verdict == "cancel":
            self.turn.cancel_turn()
        words = decision.words.strip()
        reason = f"The user does not let commands reach {name}" + (f" and says: {words}" if words else ".")
        return HostVerdict("deny", reason, "blocked-by-policy")

    def _approval(self, name: str, protocol: Protocol) -> Approval:
        permission, clock = self.turn.permission, self.turn.clock
        reason = f"A running command wants to reach {name}, which is not on the allow-list of the network settings."
        return Approval(
            clock.new_id(),
            permission.thread_id,
            permission.turn_id,
            self.call.item_id,
            clock.now(),
            "network",
            reason,
            self.view,
            host=name,
            protocol=protocol,
        )
