"""The sidecar is killed, again and again, while eight threads work: nothing that it announced is lost, nothing is left half done.

Every kill is followed by a new process on the same home, which must show all that was announced, and in which every thread goes
on. What is random comes from a seed, but for the time that things take: the seed and the kill are in the message of a failure,
and CRASH_SEED gives another one. Several homes are tried side by side, since most of the time is waiting.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from fakes.crash import WAIT, Sidecar, Stand, gone
from fakes.preloaded import Preloaded
from treadle.core.items import decode
from treadle.core.thread import Thread

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
HOMES, KILLS = 4, 75


def test_nothing_announced_is_lost_by_three_hundred_kills(tmp_path: Path) -> None:
    first = int(os.environ.get("CRASH_SEED", "0"))
    sys.stdout.write(f"seeds {first} to {first + HOMES - 1}\n")

    program = Preloaded()

    def killed(seed: int) -> Stand:
        stand = Stand(tmp_path / str(seed), seed, program)
        try:
            _kill_again_and_again(stand, seed)
        finally:
            stand.close()
        return stand

    with closing(program), ThreadPoolExecutor(HOMES) as pool:
        stands = list(pool.map(killed, range(first, first + HOMES)))
    assert sum(stand.drafts for stand in stands) > 0, "no message was ever kept as far as it had come"
    assert sum(work.told for stand in stands for work in stand.works) > HOMES * KILLS / 10, "hardly any patch was ever through"


def _kill_again_and_again(stand: Stand, seed: int) -> None:
    for kill in range(KILLS):
        sidecar = stand.start()
        how = "before anything was done"
        try:
            _check_file(stand)
            how = _kill(stand, sidecar)
            gone(stand.sleep)
            assert not stand.model.complaints, stand.model.complaints
        except BaseException as problem:
            problem.add_note(f"CRASH_SEED={seed}, kill {kill}, {how}")
            raise
        finally:
            sidecar.process.kill()
            sidecar.process.wait()
        stand.aged()
    _in_the_end(stand)


def _kill(stand: Stand, sidecar: Sidecar) -> str:
    """At a random time after its start, or after a random number of messages."""
    luck = stand.rng.random()
    if luck < 0.15:
        after = stand.rng.uniform(0, 0.3)
        time.sleep(after)
        sidecar.kill()
        return f"{after:.3f} s after the start"
    began = time.monotonic()
    stand.until_ready(sidecar)
    patience = max(0.4, time.monotonic() - began)  # a machine that takes long for this says as little for as long later
    if luck < 0.3:
        after = stand.rng.uniform(0, 0.5)
        time.sleep(after)
        sidecar.kill()
        return f"{after:.3f} s after all were loaded"
    count = stand.rng.randrange(1, 400)
    sidecar.kill_at = sidecar.messages + count
    heard = 0
    while sidecar.process.poll() is None and heard < sidecar.messages:
        heard = sidecar.messages
        with suppress(subprocess.TimeoutExpired):
            sidecar.process.wait(patience)
    sidecar.kill()
    return f"after message {count}, or when no more came"


def _check_file(stand: Stand) -> None:
    """And the others beside it, while the new process begins to use them."""
    for path in (stand.home / "treadle").glob("*.sqlite3"):
        with closing(sqlite3.connect(path, timeout=WAIT)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []


def _in_the_end(stand: Stand) -> None:
    """Everything can still be read, every thread still works, and nothing lies about once the process has ended well."""
    stand.quiet = stand.model.calm = True
    current = [talk for talk in stand.conversations if talk.id]
    stand.conversations = [talk for talk in (*stand.retired, *current) if talk.id]
    sidecar = stand.start()
    stand.until_ready(sidecar)
    before = {talk.id: len(talk.ended) for talk in current}
    for talk in current:
        stand.begin(sidecar, talk)
    _until(lambda: all(len(talk.ended) > before[talk.id] for talk in current))
    assert {list(talk.ended.values())[-1] for talk in current} == {"completed"}
    sidecar.process.stdin.close()
    assert sidecar.process.wait(WAIT) == 0
    assert not stand.model.complaints and sidecar.broken is None
    with closing(sqlite3.connect(stand.home / "treadle" / "threads.sqlite3")) as database:
        for (thread_id,) in database.execute("SELECT id FROM thread").fetchall():
            bodies = database.execute("SELECT body FROM item WHERE thread_id=? ORDER BY position", (thread_id,))
            thread = Thread(thread_id, (decode(body) for (body,) in bodies))
            assert (thread.unanswered, thread.open_turn) == ((), None)
        assert database.execute("SELECT count(*) FROM draft").fetchone() == (0,)
    for lock in (stand.home / "treadle" / "locks").iterdir():  # of a thread that nobody was told of
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert list((stand.folder / "ws").glob("*/.*")) == []


def _until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not reached():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.01)
