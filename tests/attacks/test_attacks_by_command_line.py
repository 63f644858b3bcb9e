"""`treadle sandbox`: the core of the attempts once more, and what is special about a program that a shell starts."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import KEY, OTHER_SECRET, Arena, Site
from fakes.sidecar import as_user, program

WAIT = 60


class Terminal:
    """A user's terminal: what is typed, and what is seen."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()

    def type(self, text: bytes) -> None:
        os.write(self.ours, text)

    def seen(self, until: bytes) -> bytes:
        text, deadline = b"", time.monotonic() + WAIT
        while until not in text:
            ready, _, _ = select.select([self.ours], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, text
            text += os.read(self.ours, 65536)
        return text

    def close(self) -> None:
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def site(arena: Arena) -> Iterator[Site]:
    """Of every user in turn."""
    made = arena.site()
    yield made
    made.close()


@pytest.fixture
def any_site(arenas: dict[str, Arena]) -> Iterator[Site]:
    """For what is the same for all users."""
    made = arenas["user"].site()
    yield made
    made.close()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def line(
    site: Site, words: Sequence[str], *, roots: bool = True, excluded: bool = True, **env: str
) -> tuple[list[str], dict[str, Any]]:
    """How to start it: roots are the workspace and nothing else, /tmp included."""
    argv, variables = program(site.arena.uid)
    only = [f"sandbox_workspace_write.{key}=true" for key in ("exclude_slash_tmp", "exclude_tmpdir_env_var")] if excluded else []
    given = ["--root", str(site.workspace)] if roots else []
    environment = {**os.environ, **site.arena.environment(), **site.variables, **variables, **env}
    options = as_user(site.arena.uid) | {"cwd": str(site.workspace), "env": environment}
    return [*argv, "sandbox", *(word for key in only for word in ("-c", key)), *given, *words], options


def start(site: Site, *words: str, **more: Any) -> subprocess.Popen[bytes]:
    argv, options = line(site, words)
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(argv, **(options | streams | more))


def run(site: Site, *words: str, roots: bool = True, stdin: Any = None, text: bytes | None = None, **env: str) -> Any:
    argv, options = line(site, words, roots=roots, **env)
    given = {"input": text} if text is not None else {"stdin": stdin or subprocess.DEVNULL}
    return subprocess.run(argv, capture_output=True, timeout=WAIT, **given, **options)


def said(site: Site, script: str, *options: str, **more: Any) -> str:
    told = run(site, *options, "--", "bash", "-c", script, **more)
    return (told.stdout + told.stderr).decode()


def gone(marks: Sequence[str]) -> bool:
    """Whether the host has no process with such words any more."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        if not any(alive(mark) for mark in marks):
            return True
        time.sleep(0.01)
    return False


def alive(mark: str) -> bool:
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and mark.encode() in Path(f"/proc/{entry}/cmdline").read_bytes():
                return True
    return False


def test_exit_code_and_streams_are_the_commands(any_site: Site) -> None:
    told = run(any_site, "--", "sh", "-c", "cat; echo err >&2; exit 7", text=b"in\0put")
    assert (told.returncode, told.stdout, told.stderr) == (7, b"in\0put", b"err\n")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGPIPE, signal.SIGHUP, signal.SIGUSR1]
)
def test_a_command_that_a_signal_ended_says_so(any_site: Site, number: signal.Signals) -> None:
    assert run(any_site, "sh", "-c", f"kill -{number.value} $$").returncode == 128 + number


def test_the_modes_are_the_agents(any_site: Site) -> None:
    assert run(any_site, "touch", "made").returncode == 0
    assert run(any_site, "--mode", "workspace-write", "touch", "made").returncode == 0
    assert run(any_site, "--mode=read-only", "touch", "made").returncode == 1
    assert run(any_site, "--mode", "danger-full-access", "--", "touch", str(any_site.outside / "made")).returncode == 0
    assert (any_site.outside / "made").exists()


def test_roots_that_are_given_are_the_only_ones(any_site: Site) -> None:
    assert run(any_site, "--cwd", str(any_site.outside), "touch", "made").returncode == 1
    assert run(any_site, "-C", str(any_site.workspace), "touch", "made", roots=False).returncode == 0
    assert run(any_site, "touch", str(any_site.outside / "made"), roots=False).returncode == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--mode", "nothing", "--", "touch", "made"],
        ["--mode"],
        ["--root", "/no/such/folder", "--", "touch", "made"],
        ["--mode", "read-only", "--root", "/no/such/folder", "--", "touch", "made"],
        ["--cwd", "/no/such/folder", "touch", "made"],
        ["--no-such-option", "touch", "made"],
        ["--network=yes", "touch", "made"],
        ["-c", "novalue", "touch", "made"],
        ["--"],
        [],
    ],
)
def test_a_line_that_makes_no_sense_runs_nothing(any_site: Site, words: list[str]) -> None:
    told = run(any_site, *words)
    assert (told.returncode, told.stdout) == (2, b"")
    assert told.stderr.startswith(b"treadle: ")
    assert not (any_site.workspace / "made").exists()


@pytest.mark.parametrize("root", ["/", "/proc", "/dev", "/sys"])
def test_an_absurd_root_runs_nothing(any_site: Site, root: str) -> None:
    told = run(any_site, "--root", root, "--", "touch", "made")
    assert told.returncode == 126
    assert not (any_site.workspace / "made").exists()


@pytest.mark.parametrize(
    "script",
    [
        "echo pwned > $OUT/target.txt",
        "echo pwned > .git/hooks/pre-commit; git config core.fsmonitor x; mv .git gone",
        "mkdir -p .codex .vscode .agents; echo pwned > .codex/config.toml; echo pwned > .vscode/tasks.json",
        "mv $WS/.. $WS/../../moved; mkdir -p $WS/.git/hooks; echo x > $WS/.git/hooks/pre-commit",
        "echo pwned > /proc/1/root$OUT/target.txt; echo pwned > /proc/$PPID/root$OUT/target.txt",
        "for f in /proc/1/fd/* /proc/self/fd/*; do echo pwned > $f/../../outside/target.txt; echo pwned > $f$OUT/target.txt; done",
        "unshare -Urm sh -c 'mount -o remount,bind,rw / ; echo pwned > $OUT/target.txt'",
        "mount -o remount,rw /; umount $WS/.git; echo pwned > .git/config",
    ],
)
def test_nothing_is_changed_that_must_not_be(site: Site, script: str) -> None:
    run(site, "--", "bash", "-c", script)
    assert not site.changed


def test_services_of_the_host_are_out_of_reach(site: Site) -> None:
    speak = "import os,socket\nfor f,k,a in ((1,1,os.environ['UNIX_STREAM']),(1,2,os.environ['UNIX_DGRAM']),"
    speak += "(1,1,'\\0'+os.environ['ABSTRACT_STREAM']),(2,1,('127.0.0.1',int(os.environ['TCP4'])))):\n"
    speak += "  try: s=socket.socket(f,k); s.connect(a); s.send(os.environ['SAY'].encode())\n  except OSError as e: print(e)"
    run(site, "--", site.arena.python, "-I", "-c", speak)
    site.arena.host.settle()
    assert not site.arena.host.has_heard(site.token)
    assert run(site, "--mode", "danger-full-access", "--", site.arena.python, "-I", "-c", speak).returncode == 0
    site.arena.host.settle()
    assert site.arena.host.has_heard(site.token)


def test_secrets_stay_with_us(site: Site) -> None:
    seen = said(site, "env; cat /proc/1/environ /proc/self/environ /proc/[0-9]*/environ; cat $ARENA/codex/auth.json")
    assert not any(secret in seen for secret in (KEY, OTHER_SECRET, "sk-treadle-stored-key"))
    assert "SSH_AUTH_SOCK" not in seen
    assert "TREADLE_SANDBOX=workspace-write" in seen


def test_no_descriptor_is_handed_on(site: Site) -> None:
    outside = os.open(site.outside / "target.txt", os.O_RDWR)
    with start(site, "--", "bash", "-c", f"ls /proc/self/fd /proc/1/fd; echo pwned >&{outside}", pass_fds=(outside,)) as child:
        told, _ = child.communicate(timeout=WAIT)
    os.close(outside)
    assert not site.changed
    own, _, _ = told.decode().partition("/proc/self/fd:")[2].partition("\n\n")
    assert set(own.split()) <= {"0", "1", "2", "3"}


def test_a_file_given_to_read_cannot_be_written(site: Site) -> None:
    with (site.outside / "target.txt").open("rb") as given:
        told = run(site, "--", "bash", "-c", "cat; echo pwned > /proc/self/fd/0; echo pwned >&0", stdin=given)
    assert told.stdout == b"untouched\n"
    assert not site.changed


def test_an_output_given_to_write_cannot_be_read_or_cut(any_site: Site) -> None:
    target = any_site.base / "log"
    target.write_text("before\n")
    with target.open("ab") as given, start(any_site, "--", "bash", "-c", "echo more; : > /proc/self/fd/1", stdout=given) as child:
        child.wait(WAIT)
    assert target.read_text() == "before\nmore\n"


def test_programs_of_the_workspace_are_not_taken_for_ours(site: Site) -> None:
    tools = site.workspace / "bin"
    tools.mkdir()
    for name in ("bwrap", "prlimit", "setsid", "sh", "bash", "env", "python3", "python", "git", "id", "getconf", "ldconfig"):
        (tools / name).write_text("#!/bin/sh\necho pwned > $OUT/target.txt\n")
        (tools / name).chmod(0o755)
    told = run(site, "--", "/bin/echo", "fine", PATH=f"{tools}:{os.environ['PATH']}", SHELL=str(tools / "bash"))
    assert told.stdout == b"fine\n"
    assert not site.changed


@pytest.mark.parametrize("name", ["LD_PRELOAD", "LD_AUDIT"])
def test_a_library_of_the_workspace_is_not_loaded_outside(site: Site, name: str) -> None:
    source = site.workspace / "evil.c"
    source.write_text(
        "#include <stdio.h>\n#include <stdlib.h>\n__attribute__((constructor)) static void go(void) {"
        ' FILE *f = fopen(getenv("MARK"), "w"); if (f) { fputs("pwned", f); fclose(f); } }\n'
        "unsigned int la_version(unsigned int v) { return v; }\n"
    )
    library, mark = site.workspace / "evil.so", str(site.outside / "loaded")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    variables = {name: str(library), "MARK": mark}
    subprocess.run(["/bin/true"], check=True, env=variables)
    assert (site.outside / "loaded").exists()
    (site.outside / "loaded").unlink()
    policy = site.policy("workspace-write", network=False, tmp=False)
    site.arena.sidecar.answer(site.begin("true", "sh", policy, env=variables))
    settings = ["-c", f'shell_environment_policy.set={{{name}="{library}", MARK="{mark}"}}']
    assert run(site, *settings, "--", "/bin/true").returncode == 0
    assert not site.changed


@pytest.mark.parametrize("odd", ["/", "/var", "/usr", "/etc", "//", "/tmp/..", "/proc/self/root", "", "relative"])
def test_an_odd_tmpdir_opens_nothing(site: Site, odd: str) -> None:
    argv, options = line(site, ["--", "sh", "-c", "echo pwned > $OUT/new.txt"], excluded=False, TMPDIR=odd)
    assert subprocess.run(argv, **options, capture_output=True).returncode != 0
    assert not site.changed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("mode", ["workspace-write", "danger-full-access"])
def test_a_signal_ends_it_with_all_that_was_started(site: Site, number: signal.Signals, mode: str) -> None:
    mark = f"{600 + number}.{os.getpid()}{site.token[6:10]}"
    script = f"trap '' HUP TERM; (setsid sleep {mark} &); nohup sleep {mark} & echo up; sleep {mark}"
    with start(site, "--mode", mode, "--", "bash", "-c", script) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        assert alive(mark)
        child.send_signal(number)
        code = child.wait(WAIT)
    assert code == (-9 if number == signal.SIGKILL else 128 + number)
    assert gone([mark])


def test_a_command_may_deal_with_an_interrupt(any_site: Site) -> None:
    with start(any_site, "--", "bash", "-c", "trap 'exit 9' INT; echo up; while :; do sleep 0.05; done") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        child.send_signal(signal.SIGINT)
        assert child.wait(WAIT) == 9


def test_who_stops_reading_ends_a_command_that_goes_on_printing(any_site: Site) -> None:
    with start(any_site, "--", "yes") as child:
        assert child.stdout is not None
        child.stdout.read(10)
        child.stdout.close()
        assert child.wait(WAIT) == 128 + signal.SIGPIPE


def test_children_that_are_left_end_with_the_command(any_site: Site) -> None:
    mark = f"650.{os.getpid()}{any_site.token[6:10]}"
    with start(any_site, "--", "bash", "-c", f"(setsid sleep {mark} &) ; sleep {mark} & exit 4") as child:
        assert child.wait(WAIT) == 4
    assert gone([mark])


def test_at_a_terminal_the_command_has_one_of_its_own(any_site: Site, terminal: Terminal) -> None:
    streams = {"stdin": terminal.theirs, "stdout": terminal.theirs, "stderr": terminal.theirs, "start_new_session": True}
    before = os.ttyname(terminal.theirs)
    script = "stty size; tty; test -t 0 && test -t 1 && test -t 2 && echo all; read line; echo got $line; exit 6"
    with start(any_site, "--", "bash", "-c", f"stty rows 9 cols 77 2>&-; {script}", **streams) as child:
        text = terminal.seen(b"all")
        assert b"9 77" in text
        assert before.encode() not in text
        terminal.type(b"words\n")
        terminal.seen(b"got words")
        assert child.wait(WAIT) == 6


def test_ctrl_c_at_a_terminal_goes_to_the_command(any_site: Site, terminal: Terminal) -> None:
    streams = {"stdin": terminal.theirs, "stdout": terminal.theirs, "stderr": terminal.theirs, "start_new_session": True}
    with start(
        any_site, "--", "bash", "-c", "trap 'echo caught; exit 8' INT; echo up; while :; do sleep 0.1; done", **streams
    ) as child:
        terminal.seen(b"up")
        terminal.type(b"\x03")
        terminal.seen(b"caught")
        assert child.wait(WAIT) == 8


def test_nothing_is_typed_into_the_users_terminal(site: Site, terminal: Terminal) -> None:
    script = "import fcntl,os\nfor fd in (0, 1, 2, os.open('/dev/tty', os.O_RDWR)):\n"
    script += (
        "  for c in b'pwned\\n':\n    try: fcntl.ioctl(fd, 0x5412, bytes([c]))\n    except OSError as e: print(e)\nprint('done')"
    )
    streams = {"stdin": terminal.theirs, "stdout": terminal.theirs, "stderr": terminal.theirs, "start_new_session": True}
    with start(site, "--", site.arena.python, "-I", "-c", script, **streams) as child:
        terminal.seen(b"done")
        child.wait(WAIT)
    os.set_blocking(terminal.theirs, False)
    with pytest.raises(BlockingIOError):
        os.read(terminal.theirs, 100)


def test_the_terminal_is_as_it_was_afterwards(any_site: Site, terminal: Terminal) -> None:
    import termios  # noqa: PLC0415

    before = termios.tcgetattr(terminal.theirs)
    streams = {"stdin": terminal.theirs, "stdout": terminal.theirs, "stderr": terminal.theirs, "start_new_session": True}
    for number in (None, signal.SIGTERM):
        with start(
            any_site, "--", "bash", "-c", "echo up; sleep 0.05; exec sleep $0", "600" if number else "0", **streams
        ) as child:
            terminal.seen(b"up")
            if number:
                child.send_signal(number)
            child.wait(WAIT)
        assert termios.tcgetattr(terminal.theirs) == before
