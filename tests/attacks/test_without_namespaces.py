"""The same machine where nobody may make a user namespace: less protection is never taken for the whole."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import pytest

from attacks import files, kernel, processes, sockets
from attacks.arena import Arena, Attempt, run
from attacks.conftest import USERS, everywhere, uid_of
from fakes.sidecar import Refused

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter that forbids is written for x86_64")

SEEN = ("everybody's command line", "an interface that leads out")
"Without namespaces other processes and interfaces are seen; that is all that can be done with them."
READERS = [
    attempt
    for table in (files.PLAIN, files.NAMES, files.ROOTS, processes.SIGNALS, processes.SECRETS, sockets.INTERNET, kernel.UNSHARED)
    for attempt in table
    if attempt.name not in SEEN
]
"What a reader must not be able to do either; files of the workspace count as files outside."


@pytest.fixture(scope="module")
def bare() -> Iterator[dict[str, Arena]]:
    made = {user: Arena(uid_of(user), forbidding=True) for user in USERS}
    yield made
    for arena in made.values():
        arena.close()


def test_it_says_what_is_missing_and_does_not_write_without_consent(bare: dict[str, Arena]) -> None:
    for arena in bare.values():
        site = arena.site()
        with pytest.raises(Refused, match=r"not started.*(namespace|Landlock)"):
            arena.sidecar.answer(site.begin("echo pwned > made", "sh", site.policy("workspace-write", network=False, tmp=False)))
        assert not (site.workspace / "made").exists()
        site.close()


@pytest.mark.parametrize("attempt", READERS, ids=str)
def test_a_reader_stays_a_reader(bare: dict[str, Arena], attempt: Attempt) -> None:
    for user, (won, told) in everywhere(bare, lambda arena: run(arena, attempt, confined=True, mode="read-only")).items():
        assert not won, (user, told)
