"""Prose for the model, as files that people read and diff. Only loads; nothing is composed here."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def load(name: str) -> str:
    """The text of `NAME.md` beside this file, without its last newline."""
    return Path(__file__).with_name(f"{name}.md").read_text("utf-8").strip()
