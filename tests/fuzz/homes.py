"""A home for one example, and what holds of every configuration, whatever stands in the files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fakes.config_home import ConfigHome
from treadle.adapters.config import Loaded
from treadle.adapters.config_values import MOST_PROBLEMS
from treadle.core.settings import Settings

CANARY = "sk-canary-0123456789"
"Stands where secrets stand: no sentence may repeat it."
SENTENCE = 1_000
"Characters of a sentence, the path of the file aside."


@contextmanager
def home() -> Iterator[ConfigHome]:
    with tempfile.TemporaryDirectory() as folder:
        yield ConfigHome(Path(folder))


def judged(loaded: Loaded) -> Settings:
    assert len(loaded.warnings) <= MOST_PROBLEMS + 1
    for problem in loaded.warnings:
        said = problem.sentence()
        assert problem.file
        assert len(said) <= SENTENCE + len(problem.file), said[:200]
        assert said.isprintable(), said
        assert "Traceback" not in said
        assert CANARY not in said
    return loaded.settings


def judged_of(machine: ConfigHome) -> Loaded:
    loaded = machine.load()
    judged(loaded)
    return loaded
