"""The Seatbelt profile, read as text: there is no Mac here."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from treadle.adapters.sandbox import macos, mounts
from treadle.adapters.sandbox.windows import RefusingSandbox
from treadle.core.errors import TreadleError
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import CommandSpec


def profile(argv: list[str]) -> tuple[str, dict[str, str]]:
    """(the rules, the parameters)"""
    assert argv[:2] == ["/usr/bin/sandbox-exec", "-p"]
    assert argv[-1] == "--"
    rest = argv[3:-1]
    assert rest[::2] == ["-D"] * (len(rest) // 2)
    return argv[2], dict(item.split("=", 1) for item in rest[1::2])


def test_writing_is_denied_by_default_and_allowed_only_below_the_roots(tmp_path: Path) -> None:
    rules, parameters = profile(macos.arguments(mounts.Writable((str(tmp_path),)), (), (), network=False))
    assert "(deny default)" in rules
    allowed = [line for line in rules.splitlines() if line.startswith("(allow file-write* (subpath")]
    assert allowed == ['(allow file-write* (subpath (param "P0")))']
    assert parameters["P0"] == str(tmp_path)
    assert "network" not in rules


def test_protected_folders_come_after_the_roots_even_where_they_are_missing(tmp_path: Path) -> None:
    rules, parameters = profile(macos.arguments(mounts.Writable((str(tmp_path),)), (), (), network=False))
    lines = rules.splitlines()
    for name in (".git", ".codex", ".agents", ".vscode"):
        key = next(key for key, path in parameters.items() if path == f"{tmp_path}/{name}")
        denied = lines.index(f'(deny file-write* (subpath (param "{key}")))')
        assert denied > lines.index('(allow file-write* (subpath (param "P0")))')


def test_parents_of_a_protected_folder_cannot_be_renamed(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "project"
    inner.mkdir(parents=True)
    rules, parameters = profile(macos.arguments(mounts.Writable((str(inner), str(tmp_path))), (), (), network=False))
    keys = {path: key for key, path in parameters.items()}
    assert f'(deny file-write-unlink (literal (param "{keys[str(tmp_path / "a")]}")))' in rules


def test_no_path_becomes_part_of_a_rule(tmp_path: Path) -> None:
    evil = tmp_path / '") (allow default) ("'
    evil.mkdir()
    rules, _ = profile(macos.arguments(mounts.Writable((str(evil),)), (), (), network=True))
    assert "(allow default)" not in rules
    assert rules.count("(") == rules.count(")")


def test_credentials_cannot_be_read_and_network_is_a_choice(tmp_path: Path) -> None:
    secret = str(tmp_path / "auth.json")
    rules, parameters = profile(macos.arguments(mounts.Writable(), (), (secret,), network=True))
    key = next(key for key, path in parameters.items() if path == secret)
    assert f'(deny file-read* file-write* (literal (param "{key}")))' in rules
    assert "(allow network-outbound (remote ip))" in rules


async def test_windows_refuses_and_names_the_way_out() -> None:
    sandbox = RefusingSandbox()
    assert "WSL" in ((await sandbox.status()).reason or "")
    with pytest.raises(TreadleError) as refused:
        await sandbox.spawn(CommandSpec(("cmd",), "C:\\"), SandboxPolicy("danger-full-access"))
    assert "WSL" in refused.value.sentence()
    await asyncio.wait_for(sandbox.close(), 60)
