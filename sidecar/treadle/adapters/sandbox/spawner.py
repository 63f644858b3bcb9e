"""The thread in which commands are born. Landlock and no_new_privs act on a thread and are inherited by its children, so a
thread that confined itself gives birth to confined commands while the sidecar stays free: no helper program, no preexec_fn.

Promises: one thread for the sandbox's whole life, because bubblewrap's --die-with-parent fires when the spawning *thread* ends,
not the process. Must never handle a file-system right in the ruleset: mount(2) would fail and bubblewrap with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar, cast

from .enclosure import Enclosure, enter

T = TypeVar("T")

_PR_SET_NO_NEW_PRIVS = 38
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
_LANDLOCK_VERSION = 1
_SCOPE_ABI = 6
_SCOPE_ABSTRACT_UNIX, _SCOPE_SIGNALS = 1, 2


class Spawner:
    """Runs short jobs one after the other in its own thread."""

    def __init__(self, *, confined: bool, first: Callable[[bool], None] | None = None) -> None:
        """`first` runs in the thread before every job; it is told whether abstract unix sockets are scoped."""
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._confined = confined
        self._enclosure: Enclosure | None = None
        self._first = first

    async def run(self, job: Callable[[], T], discard: Callable[[T], None], failed: Callable[[], None]) -> T:
        """The job's result. Both callbacks run in the loop's thread: `failed` when the job raised, and `discard` with the result
        when the caller was cancelled meanwhile."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if error is not None:
                failed()
                if not answer.done():
                    answer.set_exception(error)
            elif answer.done():
                discard(cast("T", result))
            else:
                answer.set_result(cast("T", result))

        def perform() -> None:
            result: T | None = None
            error: BaseException | None = None
            try:
                result = job()
            except BaseException as caught:
                error = caught
            with contextlib.suppress(RuntimeError):  # the loop has closed; commands die with this thread
                loop.call_soon_threadsafe(settle, result, error)

        try:
            self._post(perform)
        except BaseException:
            failed()
            raise
        try:
            return await answer
        except asyncio.CancelledError:
            # the result may have been there already when the cancel came: nobody else would see to it
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                discard(answer.result())
            raise

    async def settle(self) -> None:
        """Returns when every job so far has been done and its result handed over."""
        if self._thread is not None:
            await self.run(lambda: None, lambda _: None, lambda: None)

    def tell(self, job: Callable[[], None], done: Callable[[], None]) -> None:
        """`done` runs in the loop's thread after the job, however that ended."""
        loop = asyncio.get_running_loop()

        def perform() -> None:
            with contextlib.suppress(OSError):
                job()
            with contextlib.suppress(RuntimeError):  # the loop has closed
                loop.call_soon_threadsafe(done)

        self._post(perform)

    def _post(self, job: Callable[[], None]) -> None:
        if self._thread is None:
            _let_children_hear_ctrl_c()
            thread = threading.Thread(target=self._serve, name="spawner", daemon=True)
            thread.start()  # may fail, for want of threads; the next job tries again
            self._thread = thread
        self._jobs.put(job)

    def make_room(self, processes: int, others: int) -> None:
        """In the thread: for a command that may have so many, beside other commands."""
        if self._enclosure is not None:
            self._enclosure.make_room(processes, others)

    def close(self) -> None:
        """End the thread once its queue is empty. What it spawned with --die-with-parent dies with it."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _serve(self) -> None:
        if self._confined and sys.platform == "linux":
            scoped = confine_thread()
            if self._first is not None:
                self._first(scoped)
        self._enclosure = enter() if sys.platform == "linux" else None
        while (job := self._jobs.get()) is not None:
            job()
        if self._enclosure is not None:
            self._enclosure.leave()
            self._enclosure = None


def _let_children_hear_ctrl_c() -> None:
    """A program that a shell started in the background ignores SIGINT, and all that it starts would inherit that. A handler
    is not inherited: with one that does nothing the sidecar goes on ignoring the signal and a command hears it."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: None)


def confine_thread() -> bool:
    """Put no_new_privs and, where the kernel has it, a Landlock domain on the calling thread that scopes signals and abstract
    unix sockets. False where only the former was possible; the seccomp filter refuses those sockets as well."""
    import ctypes  # noqa: PLC0415

    libc: Any = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    if libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION) < _SCOPE_ABI:
        return False
    rules = struct.pack("=QQQ", 0, 0, _SCOPE_ABSTRACT_UNIX | _SCOPE_SIGNALS)
    ruleset = int(libc.syscall(_LANDLOCK_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0))
    if ruleset < 0:
        return False
    try:
        return int(libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0)) == 0
    finally:
        os.close(ruleset)
