"""Nothing is lost on the way out, and a slow reader costs no memory."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from treadle.server import outbox as module
from treadle.server.outbox import Outbox


def read_all(fd: int, into: list[bytes]) -> None:
    while data := os.read(fd, 65536):
        into.append(data)


async def test_everything_arrives_in_order_though_the_reader_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HIGH_WATER", 300_000)
    monkeypatch.setattr(module, "LOW_WATER", 100_000)
    reader, writer = os.pipe()
    outbox = Outbox(writer, on_lost=lambda: None)
    sent = [f"{number} {'x' * (number % 5000)}\n".encode() for number in range(2000)]
    found: list[bytes] = []
    thread = threading.Thread(target=read_all, args=(reader, found))
    outbox.put(sent[0])
    thread.start()
    for number, data in enumerate(sent[1:]):
        outbox.put(data)
        assert outbox._size <= 300_000
        if number % 100 == 0:
            await asyncio.sleep(0)
    outbox.close()
    os.close(writer)
    thread.join(60)
    assert b"".join(found) == b"".join(sent)
    os.close(reader)


async def test_many_messages_of_one_moment_leave_in_few_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    writes: list[int] = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: writes.append(len(data)) or real(fd, data))
    outbox = Outbox(writer, on_lost=lambda: None)
    for _ in range(500):
        outbox.put(b"x" * 20)
    await asyncio.sleep(0)
    assert len(os.read(reader, 65536)) == 10_000
    assert len(writes) == 1
    outbox.close()
    os.close(reader)
    os.close(writer)


async def test_a_reader_that_is_gone_is_reported_once_and_nothing_fails() -> None:
    reader, writer = os.pipe()
    lost: list[bool] = []
    outbox = Outbox(writer, on_lost=lambda: lost.append(True))
    os.close(reader)
    outbox.put(b"x")
    await asyncio.sleep(0)
    outbox.put(b"y" * 100)
    await asyncio.sleep(0)
    outbox.close()
    assert lost == [True] and outbox.lost
    os.close(writer)


async def test_a_regular_file_can_be_written_too(tmp_path) -> None:
    with (tmp_path / "out").open("wb") as file:
        outbox = Outbox(file.fileno(), on_lost=lambda: None)
        outbox.put(b"one")
        await asyncio.sleep(0)
        outbox.put(b"two")
        outbox.close()
    assert (tmp_path / "out").read_bytes() == b"onetwo"
