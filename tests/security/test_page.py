"""SECURITY.md names files and tests as evidence: all of them are there, and what it promises to be tested has a test."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:sidecar|extension|tests|protocol)/[^`\s]*)`", PAGE)))


@cache
def functions_in(path: Path) -> frozenset[str]:
    return frozenset(
        node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("named", NAMED)
def test_what_is_named_is_there(named: str) -> None:
    name, _, test = named.partition("::")
    path = ROOT / name
    assert path.exists(), f"{name} is gone"
    assert not test or test in functions_in(path), f"{name} has no {test}"


def rows(heading: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_control_has_its_place_and_its_test() -> None:
    found = rows("What is protected, and how")
    assert len(found) > 20
    for path, control, code, test in found:
        assert path and control
        assert re.search(r"`(sidecar|extension)/", code), path
        assert "`tests/" in test, path


def test_every_path_of_injection_has_a_test_or_says_that_it_has_no_control() -> None:
    found = rows("Prompt injection")
    assert len(found) > 15
    for path, kept_out, kept_in, test in found:
        assert "`tests/" in test or "**" in kept_out + kept_in, path


def test_it_is_found_from_the_first_page() -> None:
    assert "SECURITY.md" in (ROOT / "README.md").read_text()
