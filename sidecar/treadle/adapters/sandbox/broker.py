"""Connects to sockets in the place of confined commands, which the kernel makes wait for it meanwhile.

Promises: each call is answered, or its process is dead; no call waits for another one's slow peer; the threads that serve are at
most sixteen, are started with the first command and end with `close`. They hold the command's Landlock scope and no capability,
so that they can reach no more than the command could. Must never let the kernel go on with a call that was looked at.
"""

from __future__ import annotations

import contextlib
import errno
import heapq
import logging
import os
import select
import socket
import subprocess
import threading
import time

from ...core.record import unique
from . import host_sockets, kernel
from .connects import Connect, Gone, Rules, attempt, own_network
from .notices import Listener
from .runs import Run, Runs

_THREADS = 16
_THREADS_PER_RUN = 6
_HELD = 64
"Descriptors of commands that are held while they wait; further ones are taken anew at each look."
_FIRST_PAUSE, _LAST_PAUSE = 0.002, 0.1
_LOOK = 0.25
"Seconds between looks at whether the command still waits, where the kernel tells when the connection is made."
_BIRTH = 5.0
"Seconds for which a process may wait for its command to be known."
_CLOSE_SECONDS = 2.0

_log = logging.getLogger(__name__)


@unique
class _Call(Connect):
    """Of the queue below."""

    since: float = 0.0
    due: float = 0.0
    polled: bool = False

    def __lt__(self, other: _Call) -> bool:
        return self.due < other.due


class Broker:
    """`start` is called in the thread in which commands are born, `close` anywhere."""

    def __init__(self, listener: Listener, rules: Rules) -> None:
        self._listener = listener
        self._rules = rules
        self._runs = Runs()
        self._turn = threading.Lock()
        "Held by the one thread that listens; the others serve or wait for it."
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listening = 0
        self._later: list[_Call] = []
        self._held: dict[int, _Call] = {}
        self._old_next = False
        self._closing = False
        self._ready = select.epoll()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._ready.register(listener.fileno(), select.EPOLLIN)
        self._ready.register(self._wake, select.EPOLLIN)

    @classmethod
    def start(cls, *, scoped: bool) -> Broker:
        """Confines the calling thread, which must be in the Landlock domain of its commands already. Raises OSError where the
        kernel cannot do it; nothing has changed then."""
        host_sockets.listed()
        rules = Rules(own_network(), scoped)
        started, told = threading.Event(), threading.Event()
        born: list[Broker] = []

        def first() -> None:  # in a thread without the filter, as are all that it starts
            started.set()
            told.wait()
            if born:
                born[0]._serve()

        thread = threading.Thread(target=first, name="broker", daemon=True)
        thread.start()
        started.wait()
        try:
            broker = cls(Listener.install(os.uname().machine), rules)
            broker._threads.append(thread)
            born.append(broker)
        finally:
            told.set()
        return broker

    def birth(self, *, network: bool, bridges: tuple[int, ...]) -> contextlib.AbstractContextManager[Run]:
        return self._runs.born(network=network, bridges=bridges)

    def forget(self, child: subprocess.Popen[bytes]) -> None:
        """The command has ended."""
        self._runs.forget(child)

    def close(self) -> None:
        """After the last command has ended."""
        self._closing = True
        os.eventfd_write(self._wake, 1)
        until = time.monotonic() + _CLOSE_SECONDS
        for thread in tuple(self._threads):
            thread.join(max(0.0, until - time.monotonic()))
        self._runs.close()
        if any(thread.is_alive() for thread in self._threads):
            return  # a call hangs in the kernel; what it uses must not be given to others
        for call in self._later:
            call.close()
        self._ready.close()
        os.close(self._wake)
        self._listener.close()

    def _serve(self) -> None:
        if os.geteuid() == 0:
            with contextlib.suppress(OSError):
                kernel.drop_capabilities()
        while True:
            with self._lock:
                self._listening += 1
            call: _Call | None = None
            try:
                with self._turn:
                    call = self._next()
            except Exception:  # the thread must live on, or calls would wait for ever
                _log.exception("the broker could not listen")
                time.sleep(_LAST_PAUSE)
            with self._lock:
                self._listening -= 1
                if self._closing:
                    return
                if self._listening == 0 and len(self._threads) < _THREADS:
                    self._add_thread()
            if call is not None:
                try:
                    self._handle(call)
                except Exception:
                    _log.exception("a connection of a command could not be brokered")
                    self._end(call, errno.EACCES)

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name="broker", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads on this machine: those that there are go on
            return
        self._threads.append(thread)

    def _next(self) -> _Call | None:
        """The next call to serve, new ones and old ones by turns; None at the end. One thread at a time."""
        while not self._closing:
            with self._lock:
                soonest = self._later[0].due - time.monotonic() if self._later else None
                due = soonest is not None and soonest <= 0
                if due and self._old_next:
                    self._old_next = False
                    call = heapq.heappop(self._later)
                    self._let_go(call)
                    return call
            arrived, self._old_next = 0, True
            for fd, event in self._ready.poll(0 if due else soonest):
                if fd == self._listener.fileno():
                    arrived = event
                elif fd != self._wake:
                    self._hasten(fd)
                elif not self._closing:
                    os.eventfd_read(self._wake)
            if arrived & select.EPOLLIN:
                notice = self._listener.receive()
                if notice is not None:
                    return _Call(notice, since=time.monotonic())
            elif arrived:  # nobody is left whom the filter applies to
                self._ready.unregister(self._listener.fileno())
        return None

    def _hasten(self, fd: int) -> None:
        """A held socket is connected, or has failed."""
        with self._lock:
            call = self._held.get(fd)
            if call is not None:
                call.due = 0.0
                heapq.heapify(self._later)

    def _let_go(self, call: _Call) -> None:
        """Serve it: nobody else looks at its socket any more."""
        fd = call.target.sock.fileno() if call.target is not None else -1
        if self._held.get(fd) is call:
            del self._held[fd]
            if call.polled:
                self._ready.unregister(fd)
                call.polled = False

    def _handle(self, call: _Call) -> None:
        run, unsure = self._runs.find(call.notice.thread)
        if run is None:
            if unsure and time.monotonic() < call.since + _BIRTH and self._listener.waits(call.notice):
                self._again(call)
            else:
                self._end(call, errno.EACCES)
            return
        with self._lock:
            if run.busy >= _THREADS_PER_RUN:
                run.waiting.append(call)
                return
            run.busy += 1
        following: _Call | None = call
        while following is not None:
            self._try(following, run)
            with self._lock:
                following = run.waiting.popleft() if run.waiting else None
                run.busy -= following is None

    def _try(self, call: _Call, run: Run) -> None:
        try:
            if call.tries and not self._listener.waits(call.notice):
                raise Gone
            code = attempt(call, run, self._rules, self._listener, time.monotonic())
        except Gone:
            call.close()
            return
        except OSError as error:
            code = error.errno or errno.EACCES
        except Exception:
            _log.exception("a connection of a command could not be brokered")
            code = errno.EACCES
        if code is None:
            self._again(call)
        else:
            self._end(call, code)

    def _end(self, call: _Call, code: int) -> None:
        with contextlib.suppress(OSError):
            call.close()
        self._listener.answer(call.notice, code)

    def _again(self, call: _Call) -> None:
        """Later, or when the kernel says so."""
        now = time.monotonic()
        with self._lock:
            crowd = 1 + len(self._later) // _HELD
            pause = min(_LAST_PAUSE * crowd, _FIRST_PAUSE * 2 ** min(call.tries, 16))
            if call.target is not None:
                if len(self._held) >= _HELD:
                    call.close()
                else:
                    fd = call.target.sock.fileno()
                    self._held[fd] = call
                    if call.target.handle < 0 and call.target.sock.family != socket.AF_UNIX:
                        self._ready.register(fd, select.EPOLLOUT | select.EPOLLONESHOT)
                        call.polled = True
                        pause = _LOOK
            call.due = now + pause
            if call.until is not None:
                call.due = min(call.due, max(now, call.until))
            heapq.heappush(self._later, call)
        os.eventfd_write(self._wake, 1)


def explain(error: Exception) -> str:
    """Why there is no broker: a clause for the doctor."""
    if not isinstance(error, OSError):
        _log.error("the broker of unix sockets could not be started", exc_info=error)
        return f"the broker failed ({type(error).__name__})"
    match error.errno:
        case errno.EBUSY:
            return "Treadle runs inside another sandbox that watches system calls"
        case errno.EINVAL | errno.ENOSYS:
            return "Linux 5.19 or later is needed"
        case errno.ENOENT | errno.EPROTONOSUPPORT:
            return "the kernel lacks the list of unix sockets (CONFIG_UNIX_DIAG)"
        case _:
            return f"the kernel refuses it ({error.strerror})"
