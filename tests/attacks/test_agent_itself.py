"""Attempts on what the agent starts from: its program, its settings, its store, its connection."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import Arena, Site
from fakes.sidecar import ROOT, Sidecar, as_user


@pytest.fixture
def site(arena: Arena) -> Iterator[Site]:
    made = arena.site()
    yield made
    made.close()


def run(site: Site, script: str, *roots: Path, language: str = "sh", tmp: bool = True) -> dict[str, Any]:
    policy = site.policy("workspace-write", network=False, tmp=tmp) | {"writableRoots": [str(root) for root in roots]}
    return site.arena.sidecar.answer(site.begin(script, language, policy))


@pytest.mark.parametrize(
    "script",
    [
        "echo pwned > $ARENA/codex/config.toml",
        "echo pwned > $ARENA/codex/AGENTS.md; mkdir $ARENA/codex/rules; echo pwned > $ARENA/codex/rules/default.rules",
        "mkdir -p $ARENA/codex/skills/evil; echo pwned > $ARENA/codex/skills/evil/SKILL.md",
        "mv $ARENA/codex $ARENA/gone; mkdir $ARENA/codex; echo pwned > $ARENA/codex/config.toml",
        "rm -rf $ARENA/codex; ln -s $WS $ARENA/codex",
        "mv $ARENA/codex/auth.json $ARENA/key; cat $ARENA/key; cp $ARENA/codex/auth.json .; cat auth.json",
        "umount $ARENA/codex/auth.json; ln $ARENA/codex/auth.json k; cat k",
    ],
)
def test_its_settings_inside_a_writable_folder(site: Site, script: str) -> None:
    told = run(site, script, site.arena.base)
    assert "sk-treadle-stored-key" not in told["stdout"]
    assert not site.changed
    assert (site.arena.codex / "config.toml").read_text() == 'model = "gpt-5.5"\n'
    assert sorted(os.listdir(site.arena.codex)) == ["auth.json", "config.toml"]


@pytest.mark.parametrize("script", ["echo pwned > $T/planted", "mv $T $T.gone; mkdir $T; echo pwned > $T/planted", "rm -rf $T"])
def test_its_own_folder_inside_a_writable_folder(site: Site, script: str) -> None:
    own = site.arena.treadle
    before = sorted(os.listdir(own))
    run(site, f"T={own}; {script}", site.arena.base)
    assert [name for name in before if name not in os.listdir(own)] == []
    assert not (own / "planted").exists()


def test_its_program_inside_a_writable_folder(arena: Arena) -> None:
    """Root may write the sources; an ordinary user may not anyway."""
    site = arena.site()
    planted = ROOT / "sidecar" / "treadle" / site.token
    try:
        run(site, f"touch {planted}; touch {ROOT}/sidecar/{site.token}; mv {ROOT}/sidecar {ROOT}/{site.token}", ROOT)
        assert not planted.exists()
        assert (ROOT / "sidecar" / "treadle").is_dir()
    finally:
        planted.unlink(missing_ok=True)
        (ROOT / "sidecar" / site.token).unlink(missing_ok=True)
        site.close()


def test_its_virtual_environment_inside_the_workspace(arena: Arena) -> None:
    site = arena.site()
    venv = site.workspace / ".venv"
    try:
        subprocess.run([arena.python, "-m", "venv", "--without-pip", venv], check=True, **as_user(arena.uid))
        packages = next(venv.glob("lib/*/site-packages"))
        path = os.pathsep.join([str(ROOT / "sidecar"), *(entry for entry in sys.path if entry.endswith("site-packages"))])
        through = [
            "env",
            f"PYTHONPATH={path}",
            str(venv / "bin" / "python"),
            "-c",
            "import runpy,sys; sys.argv[:] = sys.argv[4:]; runpy.run_module('treadle', run_name='__main__', alter_sys=True)",
        ]
        with_venv = Sidecar(arena.environment(), uid=arena.uid, cwd=str(arena.base), through=through)
        try:
            script = (
                f"echo pwned > {packages}/evil.pth; echo pwned > {venv}/bin/evil; mv {venv} gone; rm -f {venv}/pyvenv.cfg; true"
            )
            policy = site.policy("workspace-write", network=False, tmp=True)
            told = with_venv.run("bash", "-c", script, cwd=str(site.workspace), sandboxPolicy=policy)
            assert told["exitCode"] == 0
            assert not (packages / "evil.pth").exists()
            assert not (venv / "bin" / "evil").exists()
            assert (venv / "pyvenv.cfg").exists()
        finally:
            with_venv.close()
    finally:
        site.close()


def test_no_descriptor_of_it_is_there(site: Site) -> None:
    told = run(
        site,
        "print(sorted(os.listdir('/proc/self/fd')))\nprint([os.readlink(f'/proc/1/fd/{n}') for n in os.listdir('/proc/1/fd')])",
        site.workspace,
        language="py",
    )
    own, *first = told["stdout"].splitlines()
    assert set(eval(own)) <= {"0", "1", "2", "3"}
    assert not any(str(site.arena.base) in line or "memfd" in line for line in first)


def test_its_connection_cannot_be_spoken_on(site: Site) -> None:
    script = (
        "import glob\n"
        'line = b\'{"method":"pwned"}\\n\'\n'
        "for fd in range(3, 300):\n"
        "    attempt(lambda: os.write(fd, line))\n"
        "for path in glob.glob('/proc/[0-9]*/fd/*'):\n"
        "    if not path.startswith('/proc/self') and f'/{os.getpid()}/' not in path:\n"
        "        attempt(lambda: os.write(os.open(path, os.O_WRONLY | os.O_NONBLOCK), line))\n"
        "print('done')"
    )
    told = run(site, script, site.workspace, language="py")
    assert told["stdout"].endswith("done\n")
    assert "pwned" not in site.arena.sidecar.methods
    assert site.arena.sidecar.process.poll() is None


def test_a_link_of_the_home_is_protected_with_what_it_leads_to(arena: Arena) -> None:
    site = arena.site()
    real, name = site.workspace / "dotfiles", site.base / "linked"
    real.mkdir()
    (real / "config.toml").write_text('model = "gpt-5.5"\n')
    name.symlink_to(real)
    site.settle()
    linked = Sidecar(arena.environment() | {"CODEX_HOME": str(name)}, uid=arena.uid, cwd=str(arena.base))
    try:
        script = "echo pwned > dotfiles/config.toml; mv dotfiles gone; mkdir dotfiles; echo pwned > dotfiles/config.toml; true"
        policy = site.policy("workspace-write", network=False, tmp=False)
        linked.run("bash", "-c", script, cwd=str(site.workspace), sandboxPolicy=policy)
        assert (real / "config.toml").read_text() == 'model = "gpt-5.5"\n'
    finally:
        linked.close()
        shutil.rmtree(site.base / "linked", ignore_errors=True)
        site.close()
