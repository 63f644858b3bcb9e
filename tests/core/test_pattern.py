"""What stands in for a compiled regular expression does what that does; and every one in the sidecar can be compiled."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import treadle
from treadle.core.pattern import Late, late


def _patterns() -> dict[str, Late]:
    found: dict[str, Late] = {}
    for module in pkgutil.walk_packages(treadle.__path__, "treadle."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Late):
                found[f"{module.name}.{name}"] = value
    return found


PATTERNS = _patterns()


def test_there_are_patterns() -> None:
    assert len(PATTERNS) > 50


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_of_the_sidecar_can_be_compiled(name: str) -> None:
    assert re.compile(PATTERNS[name].pattern, PATTERNS[name].flags).groups == PATTERNS[name].groups


def test_a_late_pattern_matches_as_a_compiled_one() -> None:
    pattern = late(r"(?P<one>a)(b)?", re.IGNORECASE)
    for _ in range(2):
        found = pattern.match("Ab")
        assert found is not None
        assert found.groups() == ("A", "b")
        assert pattern.sub("x", "abA") == "xx"
        assert [m.start() for m in pattern.finditer("ab ab")] == [0, 3]
        assert pattern.groupindex == {"one": 1}
    assert late(rb"a+").findall(b"baab") == [b"aa"]


def test_a_mistake_in_a_pattern_shows_itself_at_the_first_use() -> None:
    pattern = late("(")
    with pytest.raises(re.error):
        pattern.match("")
    with pytest.raises(re.error):
        pattern.search("")
