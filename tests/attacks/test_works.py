"""All the work of the table, in the sandbox, for every user."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

import pytest

from attacks.arena import Arena
from attacks.conftest import everywhere
from attacks.works import WORKS, Work


def done(arena: Arena, work: Work) -> dict[str, Any]:
    site = arena.site()
    paths = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    try:
        policy = site.policy("workspace-write", network=False, tmp=True)
        running = site.begin(work.script, work.language, policy, env={"PATHS": paths}, timeoutMs=100_000)
        return arena.sidecar.answer(running)
    finally:
        site.close()


@pytest.mark.parametrize("work", WORKS, ids=str)
def test_work_goes_on(arenas: dict[str, Arena], work: Work) -> None:
    if work.needs and shutil.which(work.needs) is None:
        pytest.skip(f"there is no {work.needs} here")
    for user, told in everywhere(arenas, lambda arena: done(arena, work)).items():
        assert told["exitCode"] == 0, (user, told)
        assert work.says in told["stdout"], (user, told)


def test_there_is_as_much_work_as_we_say() -> None:
    names = [work.name for work in WORKS]
    assert len(names) == len(set(names)) >= 60
