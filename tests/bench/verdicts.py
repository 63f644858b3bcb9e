"""Cases of the policy: a verdict on a shell line, the very first one with the grammar to load, and the worst of lines."""

from __future__ import annotations

import subprocess
import sys
import time

from treadle.core import shell_line
from treadle.core.policy import NO_GRANTS, RunCommand, decide
from treadle.core.rules import RuleBook, parse
from treadle.core.settings import Provider, SandboxPolicy, Settings

from ..fakes.shell_lines import RULES, TABLE
from .inside import Table

LONG = (
    "cd src && CI=1 npm run build -- --flag 'x y' 2>&1 | tail -n 50 && git add -A && git commit -m \"$(cat msg)\" "
    '&& for f in *.py; do python -m pytest "$f" > out.txt; done'
)
FIRST = """
import time
from treadle.core.policy import NO_GRANTS, RunCommand, decide
from treadle.core.settings import Provider, SandboxPolicy, Settings
settings = Settings("/w", "m", Provider("p", "P", ""), sandbox=SandboxPolicy("workspace-write"))
began = time.perf_counter()
decide(RunCommand("git status", "/w"), settings, NO_GRANTS, True)
print((time.perf_counter() - began) * 1000)
"""
WORST = ("()" * 180, "a=(" * 130, "${a:-" * 400 + "x " * 6_000, "<" * 390, "a | " * 390, "'" * 9_999)


def verdicts(table: Table, rounds: int) -> None:
    book, _ = parse(RULES, "bench.rules")
    many = RuleBook(book.prefixes * 50)
    times = [took for _ in range(rounds) for line, _, _ in TABLE for took in (_took(line, book),)]
    table.add(f"verdict on each of {len(TABLE)} lines, not seen before", times, "ms", "< 1")
    table.add("verdict on a long line", [_took(LONG, book) for _ in range(20 * rounds)], "ms", "< 1")
    table.add(
        f"verdict with {len(many.prefixes)} rules", [_took("git status && make", many) for _ in range(20 * rounds)], "ms", "< 1"
    )
    table.add("verdict on lines made to be slow", [_took(line, book) for line in WORST], "ms", "")
    first = [float(subprocess.run([sys.executable, "-c", FIRST], capture_output=True, check=True).stdout) for _ in range(rounds)]
    table.add("the first verdict of a process, grammar loaded", first, "ms", "")


def _took(line: str, book: RuleBook) -> float:
    settings = Settings("/w", "m", Provider("p", "P", ""), sandbox=SandboxPolicy("workspace-write"), rules=book)
    shell_line.read.cache_clear()
    began = time.perf_counter()
    decide(RunCommand(line, "/w"), settings, NO_GRANTS, sandbox_available=True)
    return (time.perf_counter() - began) * 1000
