"""How long it takes to find the AGENTS.md files and skills of a folder in a tree of 50,000 files, the first time and again.

Cold is a process that has never looked, the YAML parser loaded before or not; what the operating system remembers of the tree is
left as it is. The counts say what was done, whatever the machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Protocol

SKILLS = 50
_LOOK = """
import json, sys, time
from pathlib import Path
from treadle.adapters.instructions import InstructionFiles
from treadle.adapters.skills import SkillFiles
from treadle.core.settings import Provider, Settings
base, cwd, preload = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "preload"
if preload:
    import yaml
settings = Settings(cwd, "m", Provider("p", "P", "https://example.invalid"))
files, instructions = SkillFiles(base / "codex", base / "home", base / "etc"), InstructionFiles(base / "codex")
took = []
for _ in range(11):
    began = time.perf_counter()
    skills, documents = files.find(settings).skills, instructions.find(settings).documents
    took.append((time.perf_counter() - began) * 1000)
print(json.dumps({"took": took, "skills": len(skills), "documents": len(documents), "folders": files.dirs_read}))
"""


class Table(Protocol):
    def add(self, what: str, values: list[float], unit: str, target: str) -> None: ...


def _plant(base: Path) -> Path:
    """A workspace of 500 folders with 100 files each; the folder of work is three below its root."""
    root = base / "ws"
    for folder in range(500):
        place = root / f"d{folder:03}"
        place.mkdir(parents=True)
        for file in range(100):
            os.close(os.open(place / f"f{file:02}.txt", os.O_CREAT | os.O_WRONLY))
    cwd = root / "d000" / "x" / "y"
    cwd.mkdir(parents=True)
    (root / ".git").mkdir()
    for folder in (root, root / "d000", cwd):
        (folder / "AGENTS.md").write_text("Be careful.\n" * 100)
    for number in range(SKILLS):
        for where in (root / ".agents" / "skills", base / "home" / ".agents" / "skills"):
            skill = where / f"skill-{number:02}"
            (skill / "scripts").mkdir(parents=True)
            (skill / "scripts" / "run.py").write_text("")
            front = f"name: skill-{number:02}\ndescription: Does task {number} the way it is done here, with care.\n"
            # a few lines of plain words need no YAML parser; every tenth skill says more
            more = "metadata:\n  short-description: Short.\n" if number % 10 == 0 else ""
            (skill / "SKILL.md").write_text(f"---\n{front}{more}---\n# Steps\n")
    return cwd


def discovery(table: Table, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as folder:
        base = Path(folder)
        cwd = _plant(base)
        for preload in ("preload", "fresh"):
            cold: list[float] = []
            again: list[float] = []
            for _ in range(rounds):
                done = subprocess.run(
                    [sys.executable, "-c", _LOOK, folder, str(cwd), preload], capture_output=True, text=True, check=True
                )
                seen = json.loads(done.stdout)
                # 2 skills folders, and each skill's own with its scripts
                assert (seen["skills"], seen["documents"], seen["folders"]) == (2 * SKILLS, 3, 2 + 4 * SKILLS)
                cold.append(seen["took"][0])
                again += seen["took"][1:]
            what = "AGENTS.md, 100 skills, 50,000 files: cold"
            table.add(what if preload == "preload" else what + " and loading the YAML parser", cold, "ms", "< 30")
            if preload == "preload":
                table.add("AGENTS.md, 100 skills, 50,000 files: unchanged", again, "ms", "< 3")
