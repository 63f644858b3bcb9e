"""The arenas: one for root, where root runs the tests, and one for an ordinary user."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from attacks.arena import Arena
from fakes.sidecar import NOBODY

Made = TypeVar("Made")
USERS = ["root", "user"] if os.geteuid() == 0 else ["user"]


def uid_of(user: str) -> int:
    return 0 if user == "root" else NOBODY if os.geteuid() == 0 else os.geteuid()


@pytest.fixture(scope="session")
def arenas() -> Iterator[dict[str, Arena]]:
    made: dict[str, Arena] = {}
    try:
        for user in USERS:
            made[user] = Arena(uid_of(user))
        yield made
    finally:
        for arena in made.values():
            arena.close()


def everywhere(arenas: dict[str, Arena], action: Callable[[Arena], Made]) -> dict[str, Made]:
    """What it makes of each arena, all at once."""
    with ThreadPoolExecutor(len(arenas)) as pool:
        return dict(zip(arenas, pool.map(action, arenas.values()), strict=True))


@pytest.fixture(params=USERS)
def arena(request: pytest.FixtureRequest, arenas: dict[str, Arena]) -> Arena:
    return arenas[request.param]
