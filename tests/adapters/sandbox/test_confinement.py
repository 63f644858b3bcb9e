"""What a confined command tries and must not get; and what it must still be able to do."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_bench import SECRET, Bench

from treadle.adapters.sandbox import linux, pick
from treadle.core.errors import ToolFailure, TreadleError
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import CommandSpec

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


async def test_the_sandbox_is_available_here(bench: Bench) -> None:
    status = await bench.sandbox.status()
    assert (status.kind, status.available, status.reason) == ("bubblewrap", True, None)


async def test_a_command_may_write_in_the_workspace(bench: Bench) -> None:
    result = await bench.run("mkdir -p src/deep && echo hello > src/deep/file && mv src/deep moved && cat moved/file")
    assert (result.code, result.text) == (0, "hello\n")
    assert (bench.workspace / "moved" / "file").read_text() == "hello\n"


@pytest.mark.parametrize("folder", ["{outside}", "/etc", "/usr", "/", "{home}", "/var/tmp", "/dev", "/sys", "/proc"])
async def test_a_command_may_not_write_elsewhere(bench: Bench, folder: str) -> None:
    target = Path(folder.format(outside=bench.outside, home=bench.home)) / f"treadle-{os.getpid()}"
    await bench.run(f"echo x > {target}")
    assert not target.exists()


async def test_read_only_means_not_even_the_workspace(bench: Bench) -> None:
    result = await bench.run("echo x > file; cat /etc/hostname", bench.policy("read-only"))
    assert "Read-only file system" in result.text
    assert list(bench.workspace.iterdir()) == []


async def test_slash_tmp_is_writable_unless_excluded(bench: Bench) -> None:
    allowed = await bench.run(f"echo x > {bench.outside}/x", bench.policy(tmp=str(bench.outside).startswith("/tmp/")))
    assert allowed.code == 0 or not str(bench.outside).startswith("/tmp/")
    assert (await bench.run(f"echo x > {bench.outside}/y")).code != 0


async def test_tmpdir_is_writable_unless_it_would_open_the_disk(bench: Bench) -> None:
    policy = SandboxPolicy("workspace-write", (str(bench.workspace),), exclude_slash_tmp=True)
    assert (await bench.run("echo x > $TMPDIR/x", policy, TMPDIR=str(bench.outside))).code == 0
    for absurd in ("/", "/etc", "/usr", str(Path.home()), "/home", "relative"):
        result = await bench.run(f"echo x > {bench.home}/x; test -w /etc", policy, TMPDIR=absurd)
        assert result.code != 0, absurd
        assert not (bench.home / "x").exists()


@pytest.mark.parametrize("root", ["/", "/proc", "/dev/shm", "/no/such/folder"])
async def test_an_absurd_or_missing_root_refuses_the_command(bench: Bench, root: str) -> None:
    with pytest.raises(TreadleError, match=root):
        await bench.run("true", SandboxPolicy("workspace-write", (root,)))


async def test_a_root_that_became_a_link_is_not_followed(bench: Bench) -> None:
    assert (await bench.run("true")).code == 0
    shutil.rmtree(bench.workspace)
    bench.workspace.symlink_to(bench.outside)
    with pytest.raises(TreadleError, match="replaced by a link"):
        await bench.run("echo x > x")


async def test_a_missing_working_folder_is_told_to_the_model(bench: Bench) -> None:
    with pytest.raises(ToolFailure, match="does not exist"):
        await bench.sandbox.spawn(CommandSpec(("true",), "/no/such/folder"), bench.policy())


@pytest.mark.parametrize("name", [".git", ".codex", ".agents", ".vscode"])
@pytest.mark.parametrize("present", [True, False])
async def test_protected_folders_stay_as_they_are(bench: Bench, name: str, present: bool) -> None:
    folder = bench.workspace / name
    if present:
        folder.mkdir()
        (folder / "config").write_text("mine")
    script = f"mkdir -p {name}/hooks; echo x > {name}/config; rm -rf {name}; mv {name} away; ln -s /tmp {name}; echo x > {name}/y"
    await bench.run(script)
    await bench.run("true")
    await bench.sandbox.close()
    if present:
        assert [(p.name, p.read_text()) for p in folder.iterdir()] == [("config", "mine")]
    else:
        assert list(bench.workspace.iterdir()) == []


async def test_a_git_pointer_file_and_its_repository_are_protected(bench: Bench) -> None:
    common = bench.workspace / "store" / "repo"
    gitdir = common / "worktrees" / "one"
    gitdir.mkdir(parents=True)
    (gitdir / "commondir").write_text("../..\n")
    (common / "config").write_text("mine")
    (bench.workspace / ".git").write_text("gitdir: store/repo/worktrees/one\n")
    await bench.run(
        "echo x > .git; echo x > store/repo/config; echo x > store/repo/worktrees/one/HEAD; mv store away; mkdir -p store/repo"
    )
    assert (bench.workspace / ".git").read_text().startswith("gitdir:")
    assert (common / "config").read_text() == "mine"
    assert not (gitdir / "HEAD").exists()


async def test_a_dangling_git_pointer_cannot_be_made_true(bench: Bench) -> None:
    (bench.workspace / ".git").write_text("gitdir: store/repo\n")
    await bench.run("mkdir -p store/repo/hooks; echo x > store/repo/config")
    await bench.sandbox.close()
    assert not (bench.workspace / "store").exists()


async def test_a_linked_git_folder_cannot_be_exchanged(bench: Bench) -> None:
    real = bench.workspace / "real"
    real.mkdir()
    (real / "config").write_text("mine")
    (bench.workspace / "src").mkdir()
    (bench.workspace / ".git").symlink_to("real")
    result = await bench.run("rm .git; mkdir -p .git/hooks; echo x > real/config; mv real away; echo x > src/file")
    assert result.code == 0
    assert os.readlink(bench.workspace / ".git") == "real"
    assert (real / "config").read_text() == "mine"
    assert (bench.workspace / "src" / "file").exists()


async def test_nested_repositories_and_submodules_are_protected(bench: Bench) -> None:
    (bench.workspace / "nested" / ".git").mkdir(parents=True)
    (bench.workspace / "nested" / ".git" / "config").write_text("mine")
    deepest = bench.workspace / "a/b/c/d/e/f/.git"
    deepest.mkdir(parents=True)
    (deepest / "config").write_text("mine")
    (bench.workspace / "deep" / "er" / "module").mkdir(parents=True)
    (bench.workspace / ".gitmodules").write_text('[submodule "m"]\n\tpath = deep/er/module\n')
    attacks = (
        "echo x > nested/.git/config",
        "echo x > a/b/c/d/e/f/.git/config",
        "mv a/b z",
        "mkdir -p deep/er/module/.git/hooks",
        "mv nested n2",
        "mv deep d2",
    )
    await bench.run("; ".join((*attacks, "mkdir -p deep/er/module/.git/hooks")))
    assert (bench.workspace / "nested" / ".git" / "config").read_text() == "mine"
    assert (deepest / "config").read_text() == "mine"
    assert [p.name for p in (bench.workspace / "deep" / "er" / "module").iterdir()] == []


async def test_a_parent_folder_cannot_be_renamed_from_under_the_protection(tmp_path: Path, bench: Bench) -> None:
    project = bench.outside / "a" / "project"
    (project / ".git").mkdir(parents=True)
    (project / ".git" / "config").write_text("mine")
    policy = SandboxPolicy("workspace-write", (str(bench.outside), str(project)), exclude_slash_tmp=True)
    script = f"cd {bench.outside}; mv a b; mv a/project p; mkdir -p a/project/.git/hooks; echo x > a/project/ok"
    await bench.run(script, policy)
    assert [p.name for p in (project / ".git").iterdir()] == ["config"]
    assert (project / "ok").exists()


async def test_the_agents_own_state_is_protected_inside_a_root(bench: Bench) -> None:
    everything = bench.workspace.parent
    policy = SandboxPolicy("workspace-write", (str(everything),), exclude_slash_tmp=True)
    await bench.run(f"cd {everything}; echo x > state/x; mv state elsewhere; rm -rf state; echo x > fine", policy)
    assert (everything / "fine").exists()
    assert not (everything / "state" / "x").exists()
    assert (everything / "state" / "placeholders" / "lock").exists()


@pytest.mark.parametrize("place", ["present", "empty", "missing/codex", "link", "link/inner", "."])
async def test_what_the_next_start_reads_cannot_be_planted(
    tmp_path: Path, bench: Bench, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = bench.workspace / place
    (bench.workspace / "empty").mkdir()
    for name in ("present", "target"):
        (bench.workspace / name).mkdir()
        (bench.workspace / name / "AGENTS.md").write_text("mine")
    (bench.workspace / "link").symlink_to("target")
    monkeypatch.setenv("CODEX_HOME", str(home))
    sandbox = pick(tmp_path / "state")
    attacks = (
        f"mkdir -p {home}/skills",
        f"mv {home} moved",
        f"rm -rf {home}",
        "rm link",
        f"mkdir -p {home}",
        f"echo x > {home}/config.toml",
    )
    try:
        result = await replace(bench, sandbox=sandbox).run("; ".join((*attacks, "echo x > present/../fine; true")))
    finally:
        await sandbox.close()
    assert result.code == 0
    assert not (home / "config.toml").exists()
    assert not (home / "skills").exists()
    assert (bench.workspace / "fine").exists() is not place.startswith(("link", "."))
    assert {p.read_text() for p in bench.workspace.glob("*/AGENTS.md")} == {"mine"}


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
async def test_the_credential_file_cannot_be_read(bench: Bench, mode: str) -> None:
    policy = bench.policy("read-only" if mode == "read-only" else "workspace-write")
    result = await bench.run(f"cat {bench.home}/auth.json; cp {bench.home}/auth.json copy; cat copy; ls {bench.home}", policy)
    assert SECRET not in result.text
    assert "auth.json" in result.text


@pytest.mark.parametrize("knob", ["kernel/core_pattern", "vm/overcommit_memory", "net/ipv4/ip_forward", "kernel/hostname"])
async def test_kernel_knobs_are_read_only(bench: Bench, knob: str) -> None:
    """Nothing is changed even if this fails: the value is written back to itself."""
    result = await bench.run(f'v=$(cat /proc/sys/{knob}); echo "$v" > /proc/sys/{knob} && echo WROTE')
    assert "WROTE" not in result.text


async def test_the_rest_of_proc_has_nothing_to_write(bench: Bench) -> None:
    script = f"""{PYTHON} - <<'END'
import os
for folder, names, files in os.walk("/proc"):
    names[:] = [name for name in names if not name.isdigit() and name not in ("self", "thread-self")]
    for name in files:
        path = os.path.join(folder, name)
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            continue
        print(path)
END"""
    assert (await bench.run(script)).text == ""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


async def test_a_listening_port_is_out_of_reach_without_network_and_in_reach_with_it(
    bench: Bench, listener: socket.socket
) -> None:
    script = f"exec 3<>/dev/tcp/127.0.0.1/{listener.getsockname()[1]} && echo CONNECTED"
    assert "CONNECTED" not in (await bench.run(script)).text
    assert "CONNECTED" not in (await bench.run(script, bench.policy("read-only"))).text
    assert "CONNECTED" in (await bench.run(script, bench.policy(network=True))).text


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET"])
@pytest.mark.parametrize("abstract", [False, True])
async def test_unix_sockets_of_the_host_are_out_of_reach(bench: Bench, network: bool, kind: str, abstract: bool) -> None:
    name = f"\0treadle-test-{os.getpid()}-{kind}" if abstract else str(bench.workspace / "s")
    with closing(socket.socket(socket.AF_UNIX, getattr(socket, kind))) as server:
        server.bind(name)
        if kind != "SOCK_DGRAM":
            server.listen()
        call = f"import socket; socket.socket(socket.AF_UNIX, socket.{kind}).connect({name!r}); print('CONNECTED')"
        result = await bench.run(f'{PYTHON} -c "{call}"', bench.policy(network=network))
    assert "CONNECTED" not in result.text
    absent = abstract and not network and kind != "SOCK_DGRAM"  # there is no such name in the command's own network
    assert ("ConnectionRefusedError" if absent else "PermissionError") in result.text


async def test_development_work_goes_on(bench: Bench) -> None:
    """A private loopback server, threads, a socket pair, subprocesses and shared memory."""
    script = f"""{PYTHON} - <<'END'
import asyncio, multiprocessing, socket, subprocess
async def main():
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await reader.read()
    await asyncio.to_thread(subprocess.run, ["true"], check=True)
asyncio.run(main())
a, b = socket.socketpair(); a.sendall(b"x"); assert b.recv(1) == b"x"
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(abs, [-1, -2]) == [1, 2]
print("works")
END"""
    assert (await bench.run(script)).text == "works\n"


async def test_dangerous_system_calls_are_refused(bench: Bench) -> None:
    script = f"""{PYTHON} - <<'END'
import ctypes, errno, os, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
def call(name, *args):
    if libc.syscall(*args) >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        print(name, os.strerror(ctypes.get_errno()))
call("unshare", 272 if x86 else 97, 0x10000000)
call("clone3", 435, 0, 0)
call("io_uring_setup", 425, 1, 0)
call("keyctl", 250 if x86 else 219, 0, -3, 0)
call("bpf", 321 if x86 else 280, 0, 0, 0)
call("userfaultfd", 323 if x86 else 282, 0)
call("mount", 165 if x86 else 40, 0, 0, 0, 0, 0)
for family, kind in ((40, 1), (17, 3), (2, 3), (38, 5), (29, 3)):
    try:
        socket.socket(family, kind); print("socket", family, kind)
    except PermissionError:
        pass
try:
    socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); print("datagram pair")
except PermissionError:
    pass
open("tool", "w").close()
for setuid in (lambda: os.chmod("tool", 0o4755), lambda: os.close(os.open("new", os.O_CREAT | os.O_WRONLY, 0o4755))):
    try:
        setuid(); print("setuid")
    except PermissionError:
        pass
END"""
    assert (await bench.run(script)).text == ""
    assert (bench.workspace / "tool").stat().st_mode & 0o4000 == 0


async def test_other_processes_are_not_seen_and_not_signalled(bench: Bench) -> None:
    sleeper = await asyncio.create_subprocess_exec("/bin/sleep", "60")
    try:
        await bench.run(f"kill -9 {sleeper.pid}; kill -9 -1", bench.policy(network=True))
        assert sleeper.returncode is None
        sleeper.send_signal(0)
    finally:
        sleeper.kill()
        await sleeper.wait()


async def test_nothing_is_inherited_but_what_was_given(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREADLE_TEST_SECRET", SECRET)
    read, write = os.pipe()
    os.set_inheritable(read, True)
    try:
        for policy in (bench.policy(), bench.policy("danger-full-access")):
            listing = await bench.run("ls -l /proc/self/fd", policy)
            open_files = [line.split(" -> ")[1] for line in listing.text.splitlines() if " -> " in line]
            assert len([target for target in open_files if not target.endswith("/fd")]) == 3
            assert SECRET not in (await bench.run("env; cat /proc/self/environ", policy)).text
        assert SECRET not in (await bench.run("cat /proc/1/environ")).text
    finally:
        os.close(read)
        os.close(write)


async def test_loader_variables_reach_the_command_but_not_the_wrapper(bench: Bench) -> None:
    result = await bench.run("echo $LD_LIBRARY_PATH; tr '\\0' '\\n' < /proc/1/environ", LD_LIBRARY_PATH="/nowhere", OTHER="yes")
    assert result.text.splitlines()[0] == "/nowhere"
    assert "LD_LIBRARY_PATH" not in result.text.split("\n", 1)[1]
    assert "OTHER=yes" in result.text


async def test_a_machine_without_bubblewrap_refuses_and_says_why(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "find_bubblewrap", lambda: None)
    bare = linux.LinuxSandbox(bench.outside / "state", hidden=(), own=(), fallback=False)
    try:
        status = await bare.status()
        assert not status.available
        assert "apt install bubblewrap" in (status.reason or "")
        with pytest.raises(TreadleError, match="apt install bubblewrap"):
            await _sentence(
                bare.spawn(CommandSpec(("/bin/sh", "-c", f"echo x > {bench.outside}/x"), "/"), SandboxPolicy("read-only"))
            )
        assert not (bench.outside / "x").exists()
        process = await bare.spawn(CommandSpec(("/bin/true",), "/"), SandboxPolicy("danger-full-access"))
        assert await process.wait() == 0
    finally:
        await bare.close()


async def test_a_bubblewrap_that_fails_is_reported_with_advice(bench: Bench) -> None:
    broken = bench.outside / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    sandbox = linux.LinuxSandbox(bench.outside / "state", hidden=(), own=(), bubblewrap=str(broken), fallback=False)
    try:
        status = await sandbox.status()
        assert (status.kind, status.available) == ("none", False)
        assert "setting up uid map: Permission denied" in (status.reason or "")
    finally:
        await sandbox.close()


async def _sentence(spawning: object) -> None:
    try:
        await spawning  # type: ignore[misc]
    except TreadleError as error:
        raise TreadleError(error.sentence()) from error
