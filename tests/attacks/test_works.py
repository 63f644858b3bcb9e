"""All the work of the table, in the sandbox, for every user."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from attacks.arena import Arena
from attacks.works import WORKS, Work


@pytest.mark.parametrize("work", WORKS, ids=str)
def test_work_goes_on(arena: Arena, work: Work) -> None:
    if work.needs and shutil.which(work.needs) is None:
        pytest.skip(f"there is no {work.needs} here")
    site = arena.site()
    paths = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    try:
        policy = site.policy("workspace-write", network=False, tmp=True)
        running = site.begin(work.script, work.language, policy, env={"PATHS": paths}, timeoutMs=60_000)
        told = arena.sidecar.answer(running)
        assert told["exitCode"] == 0, told
        assert work.says in told["stdout"], told
    finally:
        site.close()


def test_there_is_as_much_work_as_we_say() -> None:
    names = [work.name for work in WORKS]
    assert len(names) == len(set(names)) >= 60
