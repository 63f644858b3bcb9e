"""Every attempt of the tables: stopped by the sandbox, and shown to work without it."""

from __future__ import annotations

import pytest

from attacks import files, kernel, processes, repositories, sockets
from attacks.arena import Arena, Attempt, run
from attacks.conftest import everywhere

ATTEMPTS = [*files.ATTEMPTS, *repositories.ATTEMPTS, *processes.ATTEMPTS, *sockets.ATTEMPTS, *kernel.ATTEMPTS]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=str)
def test_an_attempt_is_stopped(arenas: dict[str, Arena], attempt: Attempt) -> None:
    for user, (won, told) in everywhere(arenas, lambda arena: run(arena, attempt, confined=True)).items():
        assert not won, (user, told)


@pytest.mark.parametrize("attempt", [attempt for attempt in ATTEMPTS if attempt.control], ids=str)
def test_the_same_attempt_works_without_the_sandbox(arenas: dict[str, Arena], attempt: Attempt) -> None:
    if attempt.user == "root" and "root" not in arenas:
        pytest.skip("only root could do it at all")
    won, told = run(arenas["root" if attempt.user == "root" else "user"], attempt, confined=False)
    assert won, told


def test_there_are_as_many_attempts_as_we_say() -> None:
    names = [attempt.name for attempt in ATTEMPTS]
    assert len(names) == len(set(names)) >= 120
