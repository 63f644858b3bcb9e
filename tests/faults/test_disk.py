"""A disk that is full: turns end in words, nothing that was announced is lost, and the same threads go on when there is room."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from fakes.preloaded import Preloaded
from fakes.small_disk import SmallDisk
from faults import oracles
from faults.full_disk import FullStand

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
SEED, RUNS = int(os.environ.get("FAULT_SEED", "0")), int(os.environ.get("FAULT_RUNS", "0"))


def test_a_disk_that_is_full_at_any_moment_loses_nothing_and_ends_no_thread(tmp_path: Path) -> None:
    for seed in range(SEED, SEED + max(1, RUNS // 20)):
        try:
            _full_again_and_again(tmp_path / str(seed), seed, 6)
        except BaseException as problem:
            problem.add_note(f"repeat it with: FAULT_SEED={seed} .venv/bin/pytest tests/faults/test_disk.py")
            raise


def _full_again_and_again(folder: Path, seed: int, times: int) -> None:
    with closing(SmallDisk(folder / "home" / "treadle", "32m")) as disk:
        if not disk.real:  # a limit on files would cut compiled modules short, and Python does not notice
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        program = Preloaded(disk.through)
        stand = FullStand(folder, seed, program, disk)
        disk.programs.append(program._process.pid)
        with closing(program), closing(stand):
            sidecar = stand.start()
            try:
                stand.until_ready(sidecar)
                for _ in range(times):
                    stand.fill_soon(sidecar)
                    stand.until_stopped(sidecar)
                    stand.go_on(sidecar)
                stand.fill_soon(sidecar)
                stand.until_stopped(sidecar)
                disk.empty()
            finally:
                sidecar.kill()
            # another process shows what this one has announced
            stand.quiet = stand.model.calm = True
            again = stand.start()
            try:
                stand.until_ready(again)
                again.process.stdin.close()
                assert again.process.wait(60) == 0
            finally:
                again.kill()
            shutil.copytree(disk.seen(), folder / "copy")
            wrong = oracles.store(folder / "copy", [talk.id for talk in stand.conversations])
            assert not wrong and not stand.model.complaints, (wrong, stand.model.complaints)
        inside = [words for words in stand.words if "inside" in words or "Traceback" in words]
        assert not inside, inside
        assert any("disk" in words for words in stand.words), stand.words
