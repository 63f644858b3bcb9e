"""Ctrl-C while the program is still starting: it ends with 130 and says nothing of Python, whatever it was just importing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from fakes.sidecar import program

_SPY = """import os, sys

class Field:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), 2)

class Spy:
    "Writes down what is imported; at one module the program is sent SIGINT, once."

    @staticmethod
    def find_spec(name, path=None, target=None):
        with open(os.environ["SPY_FILE"], "a", encoding="utf-8") as file:
            file.write(name + "\\\\n")
        if name == os.environ.get("SPY_AT"):
            del os.environ["SPY_AT"]
            if os.environ.get("SPY_MAKES") == "a class":
                type("Made", (), {"field": Field()})
            os.kill(os.getpid(), 2)

sys.meta_path.insert(0, Spy)
""".replace("\\\\n", "\\n")
_CONFIG = """model = "m"
model_provider = "nobody"
[model_providers.nobody]
name = "Nobody"
base_url = "http://127.0.0.1:9/v1"
request_max_retries = 0
"""
_JSON_LINES = {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "tests", "version": "1"}}}
_ACP = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": 1, "clientCapabilities": {}}}
_LSP = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}}
_BODY = json.dumps(_LSP)
STARTS = {
    "app-server": json.dumps(_JSON_LINES) + "\n",
    "acp": json.dumps(_ACP) + "\n",
    "serve": f"Content-Length: {len(_BODY)}\r\n\r\n{_BODY}",
    "exec go": "",
    "doctor": "",
    "threads": "",
}
SOME = 4


def start(folder: Path, words: str, at: str | None = None, makes: str = "") -> tuple[int, str, list[str]]:
    """How it ended, what it said on standard error, and what of ours it began to import."""
    argv, variables = program(os.geteuid())
    (folder / "sitecustomize.py").write_text(_SPY)
    (folder / "config.toml").write_text(_CONFIG)
    (seen := folder / "seen").unlink(missing_ok=True)
    own = {"HOME": str(folder), "CODEX_HOME": str(folder), "TREADLE_HOME": str(folder / "treadle"), "SPY_FILE": str(seen)}
    env = {"PATH": os.environ["PATH"], **variables, **own, "PYTHONPATH": f"{folder}{os.pathsep}{variables['PYTHONPATH']}"}
    env |= {"SPY_AT": at, "SPY_MAKES": makes} if at is not None else {}
    ran = subprocess.run(
        [*argv, *words.split()], env=env, cwd=folder, input=STARTS[words], capture_output=True, text=True, timeout=60
    )
    _, _, ours = seen.read_text().partition("treadle.__main__\n")
    # the module that begins it all begins with these two, which take no time
    return ran.returncode, ran.stderr, ours.removeprefix("__future__\ngc\n").split()


@pytest.mark.parametrize("words", STARTS)
def test_a_start_that_is_interrupted_ends_quietly(words: str, tmp_path: Path) -> None:
    _, said, names = start(tmp_path, words)
    assert "Traceback" not in said
    # in this order on any machine: what comes after it is loaded by several tasks
    names = list(dict.fromkeys(names[: names.index("treadle.app") + 1] if "treadle.app" in names else names))
    for at in dict.fromkeys((*names[:: len(names) // SOME], names[-1])):
        code, said, imported = start(tmp_path, words, at)
        assert at in imported
        if code == 0 and at != names[0]:  # a door that listened already, and has ended in good order; its log may tell of that
            assert "Traceback" not in said, at
        else:
            assert (code, said) in ((130, ""), (130, "treadle: interrupted\n")), at


@pytest.mark.parametrize("words", ["app-server", "exec go", "doctor"])
def test_so_does_one_that_is_interrupted_while_a_class_is_made(words: str, tmp_path: Path) -> None:
    """An error with another name, to some versions of Python."""
    code, said, imported = start(tmp_path, words, "json", "a class")
    assert "json" in imported
    assert (code, said) == (130, "")
