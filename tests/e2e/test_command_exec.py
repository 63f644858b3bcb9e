"""A client's own commands, over a real sidecar."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.sidecar import Refused, Sidecar

READS: dict[str, Any] = {"sandboxPolicy": {"type": "readOnly"}}
RO: dict[str, Any] = READS | {"disableTimeout": True}
FREE: dict[str, Any] = {"sandboxPolicy": {"type": "dangerFullAccess"}, "disableTimeout": True}
"The ten seconds that a command has otherwise may be too few for a busy machine."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(scope="module")
def variables(home: Path) -> dict[str, str]:
    folders = {"HOME": str(home), "CODEX_HOME": str(home / "codex"), "TREADLE_HOME": str(home / "treadle")}
    return {**folders, "OPENAI_API_KEY": "sk-a-secret-of-the-provider"}


@pytest.fixture(scope="module")
def sidecar(variables: dict[str, str]) -> Iterator[Sidecar]:
    made = Sidecar(variables)
    yield made
    made.close()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


def writing(*roots: Path, **more: Any) -> dict[str, Any]:
    """Nothing but these roots: the tests' own folders lie in /tmp."""
    policy = {"type": "workspaceWrite", "writableRoots": [str(root) for root in roots]}
    policy |= {"excludeSlashTmp": True, "excludeTmpdirEnvVar": True} | more
    return {"sandboxPolicy": policy, "disableTimeout": True}


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def marked(mark: str) -> list[int]:
    """Processes of the host whose command line holds this."""
    found: list[int] = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and mark.encode() in Path(f"/proc/{entry}/cmdline").read_bytes():
                found.append(int(entry))
        except OSError:
            continue
    return found


def test_both_streams_and_the_exit_code_are_answered(sidecar: Sidecar) -> None:
    told = sidecar.run("sh", "-c", "echo out; echo err >&2; exit 3", **RO)
    assert told == {"exitCode": 3, "stdout": "out\n", "stderr": "err\n"}


@pytest.mark.parametrize(("name", "number"), [("TERM", 15), ("KILL", 9), ("ABRT", 6), ("SEGV", 11), ("USR1", 10)])
def test_a_command_ended_by_a_signal_says_which(sidecar: Sidecar, name: str, number: int) -> None:
    assert sidecar.run("sh", "-c", f"kill -{name} $$", **RO)["exitCode"] == 128 + number


def test_a_program_that_is_not_there_is_the_shells_127(sidecar: Sidecar) -> None:
    told = sidecar.run("no-such-program", **RO)
    assert told["exitCode"] == 127
    assert "no-such-program" in told["stderr"]


def test_without_a_policy_the_configuration_decides(sidecar: Sidecar, workspace: Path) -> None:
    told = sidecar.run("sh", "-c", "pwd; touch made", cwd=str(workspace))
    assert (told["stdout"], told["exitCode"]) == (f"{workspace}\n", 1)


def test_the_roots_of_a_policy_are_the_only_ones(sidecar: Sidecar, workspace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    told = sidecar.run("sh", "-c", f"touch here; touch {workspace}/there", cwd=str(other), **writing(workspace))
    assert "Read-only file system" in told["stderr"]
    assert (workspace / "there").exists()
    assert not (other / "here").exists()


def test_a_policy_without_roots_means_the_folder_of_the_command(sidecar: Sidecar, workspace: Path, tmp_path: Path) -> None:
    told = sidecar.run("sh", "-c", f"touch here; touch {tmp_path}/there", cwd=str(workspace), **writing())
    assert told["exitCode"] == 1
    assert os.listdir(workspace) == ["here"]
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(("profile", "code"), [(":read-only", 1), (":workspace", 0), (":danger-full-access", 0)])
def test_a_permission_profile_is_a_policy_by_name(sidecar: Sidecar, workspace: Path, profile: str, code: int) -> None:
    assert sidecar.run("touch", "made", cwd=str(workspace), permissionProfile=profile)["exitCode"] == code


def test_variables_are_the_agents_with_the_clients_on_top(sidecar: Sidecar) -> None:
    told = sidecar.run("env", env={"MINE": "1", "NO_COLOR": None, "LD_PRELOAD": ""}, **RO)
    seen = dict(line.split("=", 1) for line in told["stdout"].splitlines())
    assert (seen["MINE"], seen["TREADLE_SANDBOX"], seen["TERM"]) == ("1", "read-only", "dumb")
    assert "NO_COLOR" not in seen
    assert "sk-a-secret-of-the-provider" not in told["stdout"]


def test_input_is_written_in_order_and_ended(sidecar: Sidecar) -> None:
    running = sidecar.send("command/exec", command=["cat"], processId="cat", streamStdin=True, **RO)
    for piece in (b"one ", b"two ", b"x" * 300_000):
        sidecar.type("cat", piece)
    sidecar.type("cat", b" three", close=True)
    assert sidecar.answer(running)["stdout"] == "one two " + "x" * 300_000 + " three"


def test_without_an_input_there_is_nothing_to_read(sidecar: Sidecar) -> None:
    assert sidecar.run("cat", **RO) == {"exitCode": 0, "stdout": "", "stderr": ""}


def test_a_stream_comes_before_the_answer_and_is_not_in_it(sidecar: Sidecar) -> None:
    script = "echo one; read x; echo $x >&2"
    running = sidecar.send(
        "command/exec", command=["sh", "-c", script], processId="s", streamStdin=True, streamStdoutStderr=True, **RO
    )
    assert sidecar.printed("s", b"one\n") == b"one\n"
    sidecar.type("s", b"two\n")
    assert sidecar.printed("s", b"two\n") == b"two\n"
    assert sidecar.answer(running) == {"exitCode": 0, "stdout": "", "stderr": ""}


def test_a_terminal_has_a_size_job_control_and_ctrl_c(sidecar: Sidecar) -> None:
    running = sidecar.send("command/exec", command=["bash", "-i"], processId="t", tty=True, size={"rows": 7, "cols": 33}, **RO)
    sidecar.type("t", b"stty size; tty\n")
    assert b"7 33" in sidecar.printed("t", b"\r\n/dev/")
    sidecar.call("command/exec/resize", processId="t", size={"rows": 8, "cols": 44})
    sidecar.type("t", b"stty size\n")
    sidecar.printed("t", b"8 44")
    sidecar.type("t", b"PS1=pro''mpt:\n")
    sidecar.printed("t", b"prompt:")
    # said by the program itself: from then on it has the terminal, and not the shell that started it
    sidecar.type("t", b"sh -c 'echo st\"\"arted; exec sleep 600'; echo co''de $?\n")
    sidecar.printed("t", b"started")
    sidecar.type("t", b"\x03")
    # what is typed before the shell is back at its prompt may be thrown away
    sidecar.printed("t", b"prompt:")
    sidecar.type("t", b"echo code $?\n")
    sidecar.printed("t", b"code 130")
    sidecar.type("t", b"sleep 600 & jobs; kill %1; exit 5\n")
    assert sidecar.answer(running)["exitCode"] == 5


def test_what_is_past_the_cap_is_forgotten_and_the_command_goes_on(sidecar: Sidecar) -> None:
    script = "head -c 3000000 /dev/zero | tr '\\0' a; echo b >&2; exit 9"
    told = sidecar.run("sh", "-c", script, outputBytesCap=10, **RO)
    assert told == {"exitCode": 9, "stdout": "a" * 10, "stderr": "b\n"}
    assert len(sidecar.run("sh", "-c", script, **RO)["stdout"]) == 1024 * 1024
    assert len(sidecar.run("sh", "-c", script, disableOutputCap=True, **RO)["stdout"]) == 3_000_000


def test_a_capped_stream_says_so_once(sidecar: Sidecar) -> None:
    running = sidecar.send(
        "command/exec", command=["seq", "100000"], processId="cap", streamStdoutStderr=True, outputBytesCap=4, **RO
    )
    assert sidecar.answer(running)["exitCode"] == 0
    last = sidecar.deltas["cap"].get()
    assert (last["deltaBase64"], last["capReached"], last["stream"]) == ("MQoyCg==", True, "stdout")
    assert sidecar.deltas["cap"].empty()


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(sidecar: Sidecar) -> None:
    mark = "611.0611"
    script = f"echo begun; trap '' TERM; setsid sleep {mark} & sleep {mark}"
    # a busy machine needs more time until it says something
    for timeout in (300, 3_000, 30_000):
        told = sidecar.run("sh", "-c", script, timeoutMs=timeout, **READS)
        assert told["exitCode"] == 124
        assert all(gone(pid) for pid in marked(mark))
        if told["stdout"]:
            break
    assert told["stdout"] == "begun\n"


def test_a_command_can_be_terminated(sidecar: Sidecar) -> None:
    running = sidecar.send("command/exec", command=["sh", "-c", "trap '' TERM; sleep 600"], processId="k", **RO)
    assert sidecar.call("command/exec/terminate", processId="k") == {}
    assert sidecar.answer(running)["exitCode"] == 137
    with pytest.raises(Refused, match=r"-32600.*no command"):
        sidecar.call("command/exec/terminate", processId="k")


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"command": []}, -32600, "empty"),
        ({"command": [""]}, -32600, "empty"),
        ({"command": "true"}, -32602, "command"),
        ({"command": ["a\0b"]}, -32602, "NUL"),
        ({"command": ["true"], "tty": True}, -32600, "processId"),
        ({"command": ["true"], "streamStdin": True}, -32600, "processId"),
        ({"command": ["true"], "streamStdoutStderr": True}, -32600, "processId"),
        ({"command": ["true"], "processId": "p", "size": {"rows": 1, "cols": 1}}, -32602, "size"),
        ({"command": ["true"], "processId": "p", "tty": True, "size": {"rows": 0, "cols": 1}}, -32602, "size.rows"),
        ({"command": ["true"], "timeoutMs": -1}, -32602, "timeoutMs"),
        ({"command": ["true"], "timeoutMs": 1, "disableTimeout": True}, -32602, "disableTimeout"),
        ({"command": ["true"], "outputBytesCap": 1, "disableOutputCap": True}, -32602, "disableOutputCap"),
        ({"command": ["true"], "outputBytesCap": -1}, -32602, "outputBytesCap"),
        ({"command": ["true"], "cwd": "/no/such/folder"}, -32602, "no such folder"),
        ({"command": ["true"], "env": {"A=B": "1"}}, -32602, "env"),
        ({"command": ["true"], "permissionProfile": ":nope"}, -32600, ":workspace"),
        ({"command": ["true"], "permissionProfile": ":workspace", "sandboxPolicy": {"type": "readOnly"}}, -32600, "combined"),
        ({"command": ["true"], "sandboxPolicy": {"type": "workspaceWrite", "writableRoots": ["rel"]}}, -32602, "absolute"),
        ({"command": ["true"], "sandboxPolicy": {"type": "none"}}, -32602, "sandboxPolicy"),
    ],
)
def test_bad_words_are_refused_and_nothing_is_run(sidecar: Sidecar, params: dict[str, Any], code: int, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        sidecar.call("command/exec", **params)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("write", {"deltaBase64": "aGk="}, "-32600.*without an input"),
        ("write", {}, "-32602.*closeStdin"),
        ("write", {"deltaBase64": "!"}, "-32602.*base64"),
        ("resize", {"size": {"rows": 1, "cols": 1}}, "-32600.*no terminal"),
    ],
)
def test_what_a_command_cannot_take_is_refused(sidecar: Sidecar, method: str, params: dict[str, Any], words: str) -> None:
    running = sidecar.send("command/exec", command=["sleep", "600"], processId="plain", **RO)
    with pytest.raises(Refused, match="is running already"):
        sidecar.call("command/exec", command=["true"], processId="plain")
    with pytest.raises(Refused, match=words):
        sidecar.call(f"command/exec/{method}", processId="plain", **params)
    sidecar.call("command/exec/terminate", processId="plain")
    sidecar.answer(running)


def test_everything_ends_with_the_connection(variables: dict[str, str]) -> None:
    mark, other = "622.0622", Sidecar(variables)
    script = f"(setsid sleep {mark} &); echo up; exec sleep {mark}"
    for process_id in ("a", "b"):
        other.send("command/exec", command=["sh", "-c", script], processId=process_id, streamStdoutStderr=True, **RO)
        other.printed(process_id, b"up")
    pids = marked(mark)
    assert len(pids) >= 4
    assert other.hang_up() == 0
    assert all(gone(pid) for pid in pids)


def test_a_killed_sidecar_leaves_no_command_behind(variables: dict[str, str], workspace: Path) -> None:
    mark, other = "633.0633", Sidecar(variables)
    script = f"(setsid sleep {mark} &); echo up; exec sleep {mark}"
    for process_id, policy in (("a", writing(workspace)), ("b", FREE)):
        other.send("command/exec", command=["sh", "-c", script], processId=process_id, streamStdoutStderr=True, **policy)
        other.printed(process_id, b"up")
    pids = marked(mark)
    other.process.kill()
    assert all(gone(pid) for pid in pids)


def test_twenty_commands_at_once_lose_nothing(sidecar: Sidecar) -> None:
    asked = [sidecar.send("command/exec", command=["sh", "-c", f"seq 5000; exit {n}"], **RO) for n in range(20)]
    expected = "".join(f"{n}\n" for n in range(1, 5001))
    for n, id in enumerate(asked):
        assert sidecar.answer(id) == {"exitCode": n, "stdout": expected, "stderr": ""}
