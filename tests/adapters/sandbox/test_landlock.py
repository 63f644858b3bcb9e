"""The fallback without namespaces: what a command tries and must not get, what it can still do, what is put right after it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sandbox_bench import SECRET, Bench

from treadle.adapters.sandbox import landlock, strict
from treadle.adapters.sandbox.linux import LinuxSandbox
from treadle.core.errors import TreadleError
from treadle.core.settings import SandboxPolicy

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
pytestmark = pytest.mark.skipif(landlock.abi() < landlock.OLDEST_ABI, reason="this kernel has no Landlock")


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Bench]:
    """A machine on which bubblewrap fails as it does where user namespaces are forbidden."""
    for name in ("workspace", "outside", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "home" / "auth.json").write_text(SECRET)
    (tmp_path / "home" / "config.toml").write_text("readable\n")
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    hidden = (str(tmp_path / "home" / "auth.json"),)
    sandbox = LinuxSandbox(tmp_path / "state", hidden=hidden, own=(), bubblewrap=str(broken))
    yield Bench(sandbox, tmp_path / "workspace", tmp_path / "outside", tmp_path / "home")
    await sandbox.close()


def repository(folder: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)


def marked(mark: str) -> list[str]:
    """Processes with `mark` in their environment."""
    found: list[str] = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                found += [name] if mark.encode() in file.read() else []
        except OSError:
            continue
    return found


def program(source: str) -> str:
    return f"{PYTHON} - <<'END'\n{source}\nEND"


async def test_it_is_available_degraded_and_says_why(bare: Bench) -> None:
    status = await bare.sandbox.status()
    assert (status.kind, status.available, status.degraded) == ("landlock", True, True)
    assert "No permissions to create new namespace" in (status.reason or "")
    assert ".git" in (status.reason or "")


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
async def test_nothing_outside_can_be_written_removed_renamed_or_cut(bare: Bench, mode: str) -> None:
    policy = bare.policy("read-only" if mode == "read-only" else "workspace-write")
    (bare.outside / "kept").write_text("mine")
    (bare.outside / "folder").mkdir()
    kept = bare.outside / "kept"
    attacks = (
        f"echo x > {bare.outside}/new",
        f"echo x >> {kept}",
        f"rm -f {kept}",
        f"mv {kept} {bare.outside}/moved",
        f"ln {kept} {bare.workspace}/hard",
        f"ln -s x {bare.outside}/link",
        f"mkdir {bare.outside}/made",
        f"mkfifo {bare.outside}/fifo",
        f"rmdir {bare.outside}/folder",
        f"truncate -s 0 {kept}",
        f"echo x > /dev/pts/treadle; echo x > /etc/treadle-{os.getpid()}; echo x > /usr/treadle",
    )
    await bare.run("; ".join(attacks), policy)
    assert kept.read_text() == "mine"
    assert sorted(os.listdir(bare.outside)) == ["folder", "kept"]
    assert f"treadle-{os.getpid()}" not in os.listdir("/etc")


async def test_read_only_keeps_the_workspace_and_everybodys_metadata(bare: Bench) -> None:
    file = bare.workspace / "file"
    file.write_text("mine")
    os.chmod(file, 0o644)
    os.utime(file, (1_000_000, 1_000_000))
    before = file.stat()
    script = program(f"""
import errno, fcntl, os, struct
path = {str(file)!r}
fd = os.open(path, os.O_RDONLY)
def flags():
    fcntl.ioctl(fd, 0x40086602, struct.pack("q", 0x80))
for name, act in [
    ("write", lambda: open(path, "w")),
    ("chmod", lambda: os.chmod(path, 0o777)),
    ("fchmod", lambda: os.fchmod(fd, 0o777)),
    ("chown", lambda: os.chown(path, 65534, 65534)),
    ("fchown", lambda: os.fchown(fd, 65534, 65534)),
    ("lchown", lambda: os.lchown(path, 65534, 65534)),
    ("utime", lambda: os.utime(path)),
    ("futimes", lambda: os.utime(fd)),
    ("xattr", lambda: os.setxattr(path, "user.x", b"y")),
    ("fxattr", lambda: os.setxattr(fd, "user.x", b"y")),
    ("truncate", lambda: os.truncate(path, 0)),
    ("flags", flags),
]:
    try:
        act()
        print(name, "DONE")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
""")
    result = await bare.run(script, bare.policy("read-only"))
    said = dict(line.split() for line in result.text.splitlines())
    assert len(said) == 12
    assert said.pop("write") == "EACCES"
    assert set(said.values()) == {"EROFS"}
    after = file.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_uid) == (before.st_mode, before.st_mtime_ns, before.st_uid)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
async def test_nobody_outside_can_be_signalled_traced_or_looked_into(bare: Bench, mode: str) -> None:
    policy = bare.policy("read-only" if mode == "read-only" else "workspace-write")
    victim = await asyncio.create_subprocess_exec("/bin/sleep", "300", env={"SECRET": "never seen"})
    try:
        script = program(f"""
import ctypes, os, resource, signal
victim, parent = {victim.pid}, os.getppid()
libc = ctypes.CDLL(None)
for pid in (victim, {os.getpid()}, parent):
    for act in (
        lambda: os.kill(pid, signal.SIGKILL),
        lambda: print("READ", open(f"/proc/{{pid}}/environ").read()),
        lambda: print("READ", os.readlink(f"/proc/{{pid}}/fd/0")),
        lambda: print("READ", open(f"/proc/{{pid}}/mem", "rb")),
    ):
        try:
            act()
        except OSError:
            continue
    if libc.ptrace(16, pid, 0, 0) == 0:
        print("TRACED", pid)
try:
    resource.prlimit(victim, resource.RLIMIT_NOFILE, (1, 1))
    print("LIMITED")
except OSError:
    pass
""")
        result = await bare.run(f"exec {script}", policy)
        assert victim.returncode is None
    finally:
        victim.kill()
        await victim.wait()
    assert result.text == ""


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
async def test_without_network_there_is_no_way_to_a_listening_port(bare: Bench, mode: str) -> None:
    policy = bare.policy("read-only" if mode == "read-only" else "workspace-write")
    with closing(socket.create_server(("127.0.0.1", 0))) as listening, closing(socket.socket(socket.AF_UNIX)) as local:
        local.bind(f"\0treadle-test-{os.getpid()}")
        local.listen()
        script = program("""
import socket
kinds = [(socket.AF_INET, t) for t in (1, 2, 3)] + [(socket.AF_INET6, t) for t in (1, 2)]
kinds += [(socket.AF_UNIX, t) for t in (1, 2, 3, 5)] + [(40, 1), (17, 3), (38, 5)]
for family, kind in kinds:
    try:
        socket.socket(family, kind)
        print("SOCKET", family, kind)
    except OSError:
        pass
a, b = socket.socketpair()
a.send(b"works")
print(b.recv(9))
""")
        assert (await bare.run(script, policy)).text == "b'works'\n"
        reach = f"exec 3<>/dev/tcp/127.0.0.1/{listening.getsockname()[1]} && echo CONNECTED"
        assert "CONNECTED" not in (await bare.run(reach, policy)).text
        assert "CONNECTED" in (await bare.run(reach, bare.policy(network=True))).text


async def test_the_credential_file_cannot_be_read_and_its_neighbours_can(bare: Bench) -> None:
    result = await bare.run(f"cat {bare.home}/auth.json; cp {bare.home}/auth.json .; cat {bare.home}/config.toml; ls {bare.home}")
    assert SECRET not in result.text
    assert "readable" in result.text
    assert "auth.json" in result.text


async def test_a_credential_inside_a_writable_folder_stops_the_command(bare: Bench) -> None:
    around = SandboxPolicy("workspace-write", (str(bare.home),), exclude_slash_tmp=True, exclude_tmpdir=True)
    with pytest.raises(TreadleError, match="could read your login"):
        await bare.run("cat ~/auth.json", around)
    (bare.home / "auth.json").unlink()
    assert (await bare.run("echo ran", around)).text == "ran\n"


async def test_no_capability_no_new_privileges_and_no_namespaces(bare: Bench) -> None:
    result = await bare.run(
        "grep -E 'Cap(Eff|Prm|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status; unshare -Ur true || echo refused"
    )
    words = dict(line.split(":\t") for line in result.text.splitlines() if ":\t" in line)
    assert words["NoNewPrivs"] == "1"
    assert words["Seccomp"] == "2"
    assert {words["CapEff"], words["CapPrm"], words["CapAmb"]} == {"0" * 16}
    assert words["CapBnd"] == "0" * 16 or os.geteuid() != 0
    assert result.text.endswith("refused\n")


async def test_work_gets_done_in_the_workspace(bare: Bench) -> None:
    repository(bare.workspace)
    script = f"""set -e
mkdir -p src/deep; echo hello > src/deep/file; mv src/deep moved; ln -s moved link; chmod 755 moved
touch -d 2020-01-01 moved/file
git add -A; git -c user.name=a -c user.email=b commit -qm first; git status --short | wc -l
{PYTHON} -c 'import multiprocessing as m; print(m.Pool(2).map(abs, [-1, -2]))'
{PYTHON} -c 'import sqlite3; sqlite3.connect("db").execute("create table t (x)"); print("sqlite")'
sleep 300 & kill $!; wait $! || echo "signals $?"
echo x > /dev/null; echo tty > /dev/stderr
"""
    result = await bare.run(script)
    assert (result.code, result.text) == (0, "0\n[1, 2]\nsqlite\nsignals 143\ntty\n")


async def test_a_terminal_works_and_nobody_elses_can_be_written(bare: Bench) -> None:
    ours, theirs = os.openpty()
    result = await bare.run(
        f"test -t 1 && echo terminal > /dev/tty; echo again > /dev/stdout; echo x > {os.ttyname(theirs)}", tty=True
    )
    assert "terminal\r\nagain\r\n" in result.text
    os.set_blocking(ours, False)
    with pytest.raises(BlockingIOError):
        os.read(ours, 10)
    os.close(ours)
    os.close(theirs)


async def test_it_ends_with_all_that_it_started(bare: Bench) -> None:
    mark = f"TREADLE_TEST_MARK_{os.getpid()}_{time.monotonic_ns()}"
    daemon = "setsid sh -c 'trap : TERM HUP INT; echo up > alive; while :; do sleep 300; done' &"
    script = f"{daemon} while [ ! -e alive ]; do sleep 0.01; done"
    result = await bare.run(script, **{mark: "1"})
    assert result.code == 0
    assert marked(mark) == []


ATTACKS = {
    "a hook": ("echo evil > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit", ".git/hooks/pre-commit"),
    "a hook by rename": ("echo evil > x; mv x .git/hooks/pre-commit", ".git/hooks/pre-commit"),
    "the config": ("git config core.pager evil", ".git/config"),
    "the hooks exchanged": ("rm -rf .git/hooks; ln -s /tmp .git/hooks", ".git/hooks"),
    "the whole folder exchanged": ("mv .git away; cp -r away .git; echo evil >> .git/config", ".git"),
    "the folder above": ("mv nested gone; mkdir -p nested/.git/hooks; echo evil > nested/.git/config", "nested"),
    "the objects of others": ("echo /tmp > .git/objects/info/alternates", ".git/objects/info/alternates"),
    "the whole folder gone": ("rm -rf .git", ".git/config"),
    "an editor's task": ("mkdir .vscode; echo evil > .vscode/tasks.json", ".vscode"),
    "a skill": ("mkdir -p .agents/skills/x; echo evil > .agents/skills/x/SKILL.md", ".agents/skills"),
    "settings": ("echo evil > .codex/config.toml", ".codex/config.toml"),
    "settings by time": ("echo 'evil'> .codex/config.toml; touch -d 2020-01-01 .codex/config.toml", ".codex/config.toml"),
    "a mode": ("chmod +x .git/hooks/sample", ".git/hooks/sample"),
    "a nested repository": ("echo evil > nested/.git/hooks/pre-commit", "nested/.git/hooks/pre-commit"),
}


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    found: dict[str, tuple[int, bytes]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if any(part in (".git", ".vscode", ".agents", ".codex") for part in name.parts):
            content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            found[str(name)] = (path.lstat().st_mode, content)
    return found


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_is_protected_is_put_back_and_said(bare: Bench, name: str) -> None:
    for folder in (bare.workspace, bare.workspace / "nested"):
        repository(folder)
        (folder / ".git" / "hooks" / "sample").write_text("mine")
    for folder in (".codex", ".agents"):
        (bare.workspace / folder).mkdir()
        (bare.workspace / folder / "config.toml").write_text("mine")
    before = tree(bare.workspace)
    attack, path = ATTACKS[name]
    result = await bare.run(f"git status >/dev/null; {attack}; echo x > work")
    after = tree(bare.workspace)
    harmless = {
        key for key in {*before, *after} if ".git/" in key and not re.search(r"\.git/(config|hooks|info|objects/info)", key)
    }
    assert {k: v for k, v in after.items() if k not in harmless} == {k: v for k, v in before.items() if k not in harmless}
    assert "Treadle: this command changed what commands may not change:" in result.text
    assert f"{bare.workspace}/{path}" in result.text
    assert ("NOT put back" in result.text) is (name == "the whole folder gone")
    assert (bare.workspace / "work").exists()


async def test_a_command_that_leaves_it_alone_hears_nothing(bare: Bench) -> None:
    repository(bare.workspace)
    assert (await bare.run("echo x > file; git add file; git config --get core.bare")).text == "false\n"


async def test_a_root_that_became_a_link_is_not_followed(bare: Bench) -> None:
    assert (await bare.run("true")).code == 0
    bare.workspace.rmdir()
    bare.workspace.symlink_to(bare.outside)
    with pytest.raises(Exception, match="replaced by a link"):
        await bare.run("echo x > x")
    assert list(bare.outside.iterdir()) == []


async def test_many_at_once_and_a_killed_one(bare: Bench) -> None:
    results = await asyncio.gather(*(bare.run(f"echo {n} > {n}; cat {n}") for n in range(12)))
    assert [result.text for result in results] == [f"{n}\n" for n in range(12)]
    process = await bare.start("trap '' TERM INT HUP; setsid sleep 300 & sleep 300")
    await process.kill()
    assert await process.wait() == 128 + signal.SIGKILL


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_further_program_is_made_for_every_machine(machine: str) -> None:
    made = {strict.program(machine, read_only=r, network=n) for r in (True, False) for n in (True, False)}
    assert len(made) == 4
    assert all(len(code) % 8 == 0 and len(code) // 8 < 4096 for code in made)


async def test_a_policy_that_does_not_confine_is_not_touched(bare: Bench) -> None:
    result = await bare.run(f"echo x > {bare.outside}/x; echo ok", SandboxPolicy("danger-full-access"))
    assert (result.text, (bare.outside / "x").exists()) == ("ok\n", True)
