"""A real Neovim, as Debian has it, with nothing but its own LSP client: see neovim/session.lua for what its user does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fakes import call, custom, reply, text
from fakes.house import PATCH, House, outputs
from fakes.responses import ModelServer

pytestmark = pytest.mark.e2e
SESSION = Path(__file__).parent / "neovim" / "session.lua"


def neovim(house: House) -> dict[str, object]:
    """What a session saw."""
    program = shutil.which("nvim")
    assert program is not None, "Neovim is missing. Get it with: sudo apt-get install neovim"
    home = house.workspace.parent
    environment = {
        **os.environ,
        **house.environ,
        "CODEX_HOME": str(house.homes.codex),
        "TREADLE_HOME": str(house.homes.treadle),
        "TREADLE_TEST_COMMAND": json.dumps([sys.executable, "-m", "treadle", "serve"]),
        "TREADLE_TEST_FILE": "hello.py",
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "LANG": "C.UTF-8",
    }
    ran = subprocess.run(
        [program, "--headless", "--clean", "-n", "-i", "NONE", "-c", f"luafile {SESSION}", "-c", "cquit 3"],
        cwd=house.workspace,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=110,
        text=True,
    )
    assert ran.returncode == 0, f"{ran.stdout[-8000:]}\n{ran.stderr[-8000:]}"
    return json.loads(ran.stdout)


def test_a_user_of_neovim_explains_fixes_and_undoes(tmp_path: Path, model_server: ModelServer) -> None:
    house = House(tmp_path, model_server)
    house.configure('sandbox_mode = "workspace-write"\n' + house.configuration)
    outside = {"cmd": "touch there", "sandbox_permissions": "require_escalated", "justification": "To mark it?"}
    explained = reply(text("It **prints**.\n\nNothing more."))
    model_server.script(
        [explained, reply(custom("apply_patch", PATCH)), reply(call("exec_command", outside)), reply(text("Fixed."))]
    )
    seen = neovim(house)

    typed = "# typed, not saved: \U0001f600\n"
    offered = ["Document 'print' (Treadle)", "Explain 'print' (Treadle)", "Write tests for 'print' (Treadle)"]
    assert seen["choices"] == [offered, ["Fix: 'helo' is misspelt (Treadle)", *offered], ["Keep change (+1 \u22121)", "Undo"]]
    assert seen["explanation"] == "# print\n\nIt **prints**.\n\nNothing more."
    assert seen["messages"][0].startswith("It **prints**.\nThe whole explanation: ") and seen["messages"][1:] == ["Fixed."]  # type: ignore[index]
    assert (seen["fixed"], seen["modified"]) == (f"{typed}print('hello')", True)
    assert seen["lenses"] == [[1, "Keep change (+1 \u22121)"], [1, "Undo"]]
    assert seen["undone"] == f"{typed}print('helo')" and seen["left"] == []
    assert seen["on_disk"] == "print('helo')"
    assert "Treadle" in seen["progress"]  # type: ignore[operator]
    ((question, *_, deny),) = seen["questions"]  # type: ignore[misc]
    assert question.startswith("Treadle wants to run, in ") and "touch there" in question and deny.endswith("Deny")
    assert (house.workspace / "there").exists()
    asked = model_server.requests[0].json["input"][-1]["content"][-1]["text"]
    assert f"```python\n{typed}print('helo')\n```" in asked
    assert "line 2: error (spell): 'helo' is misspelt" in model_server.requests[1].raw.decode()
    assert "unsaved changes in the user's editor" in outputs(model_server.requests[2].json)[0]
