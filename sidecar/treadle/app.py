"""Composition root: settings -> adapters -> runtime. The only file that knows everyone.

Nothing is decided here and nothing runs here: parts are made, handed to each other, and given to a server door as one Agent.
Parts that are heavy to import (the HTTP client, the embedded model) are made when first used.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, TypeAlias

from . import __version__, prompts
from .adapters.clock import SystemClock
from .adapters.config import ConfigFiles, Loaded, load
from .adapters.config_providers import listed
from .adapters.config_trust import editor_trust
from .adapters.credentials import Credentials, StoredKeys
from .adapters.environment import hidden
from .adapters.files import DiskFiles
from .adapters.git import info as git_info
from .adapters.homes import Homes, homes
from .adapters.instructions import InstructionFiles
from .adapters.login import CommandEnvironment
from .adapters.mcp import ServerPool, TokenFile, ToolCache
from .adapters.outputs import DiskOutputs
from .adapters.own_process import close_to_others, give_memory_back, trim
from .adapters.proxy import DeferredProxy
from .adapters.sandbox import MCP_LOGINS, pick
from .adapters.skills import SkillFiles
from .adapters.store.sqlite import SqliteStore
from .adapters.versions import SqliteVersions
from .adapters.watch import DiskWatch
from .core.asking import DECLINE, Asked, Decision
from .core.elicitation import McpQuestion
from .core.errors import RequestRefused, TreadleError
from .core.events import Event
from .core.items import JsonObject
from .core.keeping import KeepingOp
from .core.mcp import McpStatus
from .core.models import DEFAULT_MODEL, facts, facts_for
from .core.ops import CheckRule, ListRules, ListThreads, ReadLedger, ReadPrompt, ReadThread, WriteRules
from .core.record import frozen
from .core.settings import Provider, Settings
from .core.skills import FoundSkills, SkillError
from .runtime import rules
from .runtime.agent import Agent
from .runtime.answers import Answer
from .runtime.assembly import World
from .runtime.briefing import Surroundings, ThreadBriefing
from .runtime.ports import Model, Sandbox, SandboxStatus
from .tools import builtin
from .tools.mcp import McpTools
from .tools.sessions import Sessions

LookOp: TypeAlias = ReadLedger | ReadPrompt | ListRules | WriteRules | CheckRule | ListThreads | ReadThread | KeepingOp


@frozen
class Options:
    """What the command line says."""

    overrides: dict[str, Any] = field(default_factory=dict[str, Any])
    "Dotted keys over config.toml."
    door: str = "app-server"
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    "Dotted keys under config.toml: what holds where nobody says anything."
    restricted: bool = False
    "The editor's user does not trust what is open."
    trusted: tuple[str, ...] = ()
    "Folders that the editor's user trusts, with all below."
    ephemeral: bool = False
    "Nothing is to be kept: where nothing can be written, that is no reason to stop."


async def open_agent(options: Options) -> Agent:
    """An agent on the real world. Raises TreadleError when Treadle's own folder cannot be used."""
    folders = homes()
    _log_to_stderr()
    close_to_others(os.environ)
    give_memory_back()
    try:
        folders.treadle.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        if options.ephemeral:
            return Parts(options, folders, dict(os.environ)).agent
        hint = "Set TREADLE_HOME to a folder that can be written."
        raise TreadleError(f"Treadle cannot use its folder {folders.treadle}: {error.strerror}.", hint=hint) from error
    parts = Parts(options, folders, dict(os.environ))
    parts.files.recover()
    parts.environment.start()
    if parts.kept:
        parts.agent.tend()
    return parts.agent


async def look(options: Options, op: LookOp) -> Answer:
    """Ask the store, and change nothing but what the op itself is for: no thread is loaded. Raises RequestRefused."""
    parts = Parts(options, homes(), dict(os.environ))
    try:
        if isinstance(op, ReadLedger | ReadPrompt):
            from .runtime import reading  # noqa: PLC0415

            return await reading.answer(parts.world, op)
        if not isinstance(op, ListRules | WriteRules | CheckRule):
            return await parts.agent.submit(op, Nobody())
        return await rules.answer(parts.world, {}, op)
    finally:
        await parts.agent.close()


class Nobody:
    """The client of who only looks."""

    def notify(self, events: Sequence[Event]) -> None:
        pass

    async def ask(self, asked: Asked) -> Decision:
        return DECLINE


class Parts:
    """Everything that one process has one of."""

    kept = True
    "Whether threads are."

    def __init__(self, options: Options, folders: Homes, environ: dict[str, str]) -> None:
        self._options = options
        self._folders = folders
        self._environ = environ
        self._files = ConfigFiles()
        self._credentials = Credentials(folders.codex, environ)
        self.sandbox: Sandbox = pick(folders.treadle)
        self.models = ModelsByWire(self._credentials, environ, self._say)
        self._logins = TokenFile(folders.treadle / MCP_LOGINS)
        stored = StoredKeys(folders.codex)
        self.environment = CommandEnvironment(environ, hidden, lambda: [*self._logins.secrets(), *stored()])
        clock = SystemClock()
        own = tuple(dict.fromkeys(os.path.realpath(folder) for folder in (folders.codex, folders.treadle)))
        self.skills = SkillFiles(folders.codex, Path(home) if (home := environ.get("HOME")) else None)
        surroundings = Surroundings(
            instructions=InstructionFiles(folders.codex),
            load_prompt=prompts.load,
            shell=os.path.basename(environ.get("SHELL") or "/bin/bash"),
            local_date=clock.local_date,
            skills=self.skills,
        )
        tools = ToolCache(folders.treadle / "mcp")
        mcp = ServerPool(tools, environ, self._mcp_changed, tokens=self._logins, outside=self._mcp_asked)
        self.files = DiskFiles(environ.get("TMPDIR"), own, folders.treadle / "commits")
        self.world = World(
            models=self.models,
            sandbox=self.sandbox,
            files=self.files,
            store=self._store(),
            clock=clock,
            briefing=ThreadBriefing(clock, surroundings, builtin, McpTools(mcp)),
            configure=self.configure,
            environment=self.environment,
            new_sessions=Sessions,
            info=self.info,
            mcp=mcp,
            outputs=DiskOutputs(folders.treadle / "outputs"),
            proxy=DeferredProxy(),
            own=own,
            versions=SqliteVersions(folders.treadle),
            watch=DiskWatch(folders.treadle),
            day=lambda at: clock.local_date(at)[0],
            git=git_info,
            warm=_warm,
            trim=trim,
        )
        self.agent = Agent(self.world)

    def _store(self) -> SqliteStore:
        try:
            return SqliteStore(self._folders.treadle)
        except TreadleError:
            if not self._options.ephemeral:
                raise
            self.kept = False
            return SqliteStore(None)

    def _mcp_changed(self, status: McpStatus) -> None:
        self.agent.mcp_changed(status)

    async def _mcp_asked(self, question: McpQuestion) -> Decision:
        return await self.agent.mcp_asked(question)

    def _say(self, message: str) -> None:
        self.agent.report_progress(message or None)

    def _load(self, cwd: str | None, keys: Mapping[str, Any]) -> Loaded:
        folder = os.path.realpath(cwd or os.getcwd())
        if not os.path.isdir(folder):
            raise RequestRefused(f"no such folder: {folder}", code=-32602)
        return load(
            codex_home=self._folders.codex,
            cwd=folder,
            overrides={**self._options.overrides, **keys},
            environ=self._environ,
            files=self._files,
            treadle_home=self._folders.treadle,
            defaults=self._options.defaults,
            editor_trust=editor_trust(folder, restricted=self._options.restricted, trusted=self._options.trusted),
        )

    def configure(self, cwd: str | None, keys: Mapping[str, Any]) -> tuple[Settings, tuple[str, ...]]:
        """See runtime.overrides.Configure."""
        loaded = self._load(cwd, keys)
        return loaded.settings, tuple(problem.sentence() for problem in loaded.warnings)

    async def info(self, what: str, **args: Any) -> Any:
        """Facts for pickers and for the doctor."""
        if what == "skills":
            return self._skills(args.get("cwd"), anew=bool(args.get("anew")))
        if what == "wording":
            return prompts.load(args["name"])
        loaded = self._load(args.get("cwd"), {})
        if what == "models":
            return _models(loaded.settings)
        if what == "settings":
            return loaded.settings, [problem.sentence() for problem in loaded.warnings]
        if what == "providers":
            return loaded.settings.provider.id, listed(loaded.raw, loaded.settings.provider)
        return _config(loaded.settings) if what == "config" else await self._doctor(loaded)

    def _skills(self, cwd: str | None, *, anew: bool) -> tuple[str, FoundSkills]:
        if anew:
            self.skills.forget()
        try:
            settings = self._load(cwd, {}).settings
        except RequestRefused as refused:
            return cwd or "", FoundSkills(errors=(SkillError(cwd or "", str(refused)),))
        return settings.cwd, self.skills.find(settings)

    async def _doctor(self, loaded: Loaded) -> JsonObject:
        settings, status = loaded.settings, await self.sandbox.status()
        try:
            self._credentials(settings.provider)
            key = None
        except TreadleError as error:
            key = error.sentence()
        model = None
        if settings.provider.wire == "local":
            from .adapters.local import open_local  # noqa: PLC0415

            model = await open_local(settings, environ=self._environ).problem()
        return {
            "version": __version__,
            "python": f"{sys.executable} {sys.version.split()[0]}",
            "codexHome": str(self._folders.codex),
            "treadleHome": str(self._folders.treadle),
            "provider": settings.provider.id,
            "baseUrl": settings.provider.base_url,
            "model": settings.model,
            "modelProblem": model,
            "keyProblem": key,
            "sandbox": status.kind,
            "sandboxAvailable": status.available,
            "sandboxProblem": status.reason,
            "sandboxUnixSockets": _sockets(status),
            "networkAllowList": _allow_list(settings, status),
            "configProblems": [problem.sentence() for problem in loaded.warnings],
        }


def _warm() -> Iterator[None]:
    from . import tools  # noqa: PLC0415

    tools.load()
    yield
    from .adapters import responses  # noqa: PLC0415

    yield
    yield from responses.load()


class ModelsByWire:
    """The Models port: a provider's wire says which adapter serves it."""

    def __init__(
        self, credentials: Callable[[Provider], str | None], environ: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._credentials = credentials
        self._environ = environ
        self._say = say
        self._responses: Any = None
        self._local: dict[Any, Model] = {}

    def get(self, provider: Provider, settings: Settings) -> Model:
        if provider.wire == "local":
            wanted = (settings.local, str(settings.extra.get("local")))
            model = self._local.get(wanted)
            if model is None:
                from .adapters.local import open_local  # noqa: PLC0415

                model = self._local[wanted] = open_local(settings, self._say, self._environ)
            return model
        if self._responses is None:
            from .adapters.responses import ResponsesModels  # noqa: PLC0415

            self._responses = ResponsesModels(self._credentials, self._environ)
        return self._responses.get(provider, settings)

    async def close(self) -> None:
        for model in self._local.values():
            await model.close()
        if self._responses is not None:
            await self._responses.close()


def _models(settings: Settings) -> Sequence[JsonObject]:
    names = {settings.model: settings.provider.id}
    names.update({model: provider for provider, model in DEFAULT_MODEL.items() if provider in ("openai", "local")})
    return [
        {
            "id": name,
            "name": name,
            "provider": provider,
            "efforts": list(facts(name).efforts),
            "default_effort": facts(name).default_effort,
            "images": facts(name).images,
            "default": name == settings.model,
        }
        for name, provider in names.items()
    ]


def _sockets(status: SandboxStatus) -> str:
    if status.broker:
        return "a command's own work, by the broker"
    return f"refused: {status.broker_reason}" if status.broker_reason else "not confined by a broker on this system"


def _allow_list(settings: Settings, status: SandboxStatus) -> str:
    if settings.network is None:
        return "not configured"
    allowed = len(settings.network.allow)
    return f"in force, {allowed} allowed" if status.broker else "cannot be enforced here, so commands have no network"


def _config(settings: Settings) -> JsonObject:
    return {
        "model": settings.model,
        "model_provider": settings.provider.id,
        "model_reasoning_effort": settings.effort or facts_for(settings).default_effort,
        "approval_policy": settings.approval_policy,
        "sandbox_mode": settings.sandbox.mode,
    }


def _log_to_stderr() -> None:
    level = os.environ.get("TREADLE_LOG", "warning").upper()
    level = level if level in ("DEBUG", "INFO", "WARNING", "ERROR") else "WARNING"
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # a request's URL may hold a key in its query
    for name in ("httpx", "httpcore", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # it logs what servers answer, logins among it; every failure of it reaches the user in words of ours
    logging.getLogger("mcp").setLevel(logging.CRITICAL + 1)
