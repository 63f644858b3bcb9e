"""How long the fuzzing runs, and where its committed cases are.

Without FUZZ_EXAMPLES each test runs the few examples that it names, the same ones each time, so that nothing goes red by chance.
With it (`make fuzz`) each runs so many, others each time; what fails is printed with the one line that repeats it.

The corpus: `corpus/SUBJECT/*`, a small file a case: something that broke once, or one of a kind. Each is replayed by the tests.
A `.txt` of bytes has one piece a line, as they arrive: `b"..."` of Python, with `+`, `* 1000` and brackets; `#` begins a comment.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings

CORPUS = Path(__file__).parent / "corpus"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES") or 0)
LONG = EXAMPLES > 0
PATIENCE = 300 + EXAMPLES
"Seconds for one test of the long form."
F = TypeVar("F", bound=Callable[..., Any])


def profile(short: int, share: float = 1, **more: Any) -> settings:
    """`short`: examples when nobody says how many. `share`: of FUZZ_EXAMPLES, for tests with dear examples."""
    if not LONG:
        more |= {"derandomize": True, "database": None}
    return settings(
        max_examples=max(int(EXAMPLES * share), 10) if LONG else short,
        deadline=None,
        print_blob=True,
        # to explain a failure takes longer than to see it
        phases=[phase for phase in Phase if phase is not Phase.explain],
        suppress_health_check=list(HealthCheck),
        **more,
    )


def fuzzed(short: int, share: float = 1, **more: Any) -> Callable[[F], F]:
    """For a test with `@given`: see `profile`."""

    def over(test: F) -> F:
        return profile(short, share, **more)(pytest.mark.timeout(PATIENCE)(test))

    return over


def cases(subject: str, pattern: str = "*") -> list[Any]:
    """The committed files of a subject, each as a parameter of a test with the file's name."""
    found = sorted(path for path in (CORPUS / subject).glob(pattern) if path.is_file())
    assert found, f"no cases in {CORPUS / subject}"
    return [pytest.param(path, id=path.stem) for path in found]


def pieces(path: Path) -> list[bytes]:
    """What a `.txt` of bytes says, piece after piece."""
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return [_bytes(ast.parse(line, mode="eval").body) for line in lines if line and not line.startswith("#")]


def _bytes(node: ast.expr) -> bytes:
    match node:
        case ast.Constant(value=bytes() as value):
            return value
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _bytes(left) + _bytes(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=ast.Constant(value=int() as times)):
            return _bytes(left) * times
        case _:
            raise ValueError(f"neither bytes nor + nor *: {ast.unparse(node)}")
