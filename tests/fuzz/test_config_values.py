"""config.toml and its neighbours as nobody should write them: settings and sentences come out, never a traceback or a wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from fakes.config_home import KEY
from fuzz.common import cases, fuzzed
from fuzz.homes import CANARY, home, judged, judged_of
from treadle.adapters.config import Loaded, load
from treadle.adapters.config_values import SECRET_KEYS
from treadle.core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SCHEMA: dict[str, Any] = json.loads((ROOT / "extension" / "schema" / "config.schema.json").read_text("utf-8"))


def loaded_from(data: bytes) -> tuple[Settings, Loaded]:
    """The same bytes as the user's file and as a trusted folder's own."""
    with home() as machine:
        (machine.home / "config.toml").write_bytes(data)
        machine.system.write_text(machine.trust())
        (machine.root / ".codex").mkdir()
        (machine.root / ".codex" / "config.toml").write_bytes(data)
        loaded = machine.load()
        settings = judged(loaded)
        assert judged(machine.load()) == settings
        return settings, loaded


@pytest.mark.parametrize("path", cases("config", "*.toml"))
def test_files_that_broke_something_once_end_in_a_sentence(path: Path) -> None:
    _, loaded = loaded_from(path.read_bytes())
    assert loaded.warnings


TOKENS = [
    *(
        "model",
        "a",
        "b",
        ".",
        "=",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        ",",
        "\n",
        "\r\n",
        "\r",
        " ",
        "\t",
        "#",
        '"',
        "'",
        '"""',
        "'''",
    ),
    *(
        "\\",
        "\\u0000",
        "\\ud800",
        "\\U00110000",
        "0x",
        "1e999",
        "-",
        "+",
        "_",
        "inf",
        "nan",
        "true",
        "1979-05-27T07:32:00Z",
        "25:61",
    ),
    *(
        "profile",
        "profiles",
        "mcp_servers",
        "model_providers",
        "hooks",
        "treadle",
        "é",
        "\ufeff",
        "\0",
        "\u2028",
        "\x7f",
        "9" * 5_000,
    ),
]


@fuzzed(120)
@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from(TOKENS), max_size=40).map("".join).map(str.encode)
    | st.text().map(str.encode)
)
def test_any_bytes_end_in_settings(data: bytes) -> None:
    loaded_from(data)


def keys(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every key and every table; * stands for a name."""
    if path:
        yield path
    below = dict(schema.get("properties", {}))
    if isinstance(schema.get("additionalProperties"), dict) and path[:2] != ("profiles", "*"):
        below["*"] = schema["additionalProperties"]
    for key, inner in below.items():
        yield from keys(inner, (*path, key))


KEYS = sorted(set(keys(SCHEMA)))
NAMES = st.sampled_from(["s", "p", "w", "a.b", "", " ", "né", "x" * 300, "../..", "a\nb", "\0", "openai", "local"])
ATOMS = st.one_of(
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -(10**400), 0, -1, 1 << 53]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", " ", "\0", "~nobody-here/x", "/", "..", "http://", "x" * 2_000, "trusted", "never"]),
    st.just(date(2024, 1, 2)),
    st.just(datetime(2024, 1, 2, 3, 4, 5)),
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEPT = {"model": "kept", "model_verbosity": "low", "tool_output_token_limit": 4321}


@st.composite
def mutated(draw: st.DrawFn) -> tuple[dict[str, Any], set[str]]:
    """A file of which some keys are set to anything, and the first words of those."""
    data: dict[str, Any] = dict(KEPT)
    touched: set[str] = set()
    for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4)):
        path = [draw(NAMES) if word == "*" else word for word in key]
        table: Any = data
        for word in path[:-1]:
            table = table.setdefault(word, {}) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table[path[-1]] = draw(VALUES)
            touched.add(path[0])
    return data, touched


def written(data: dict[str, Any]) -> bytes:
    return tomlkit.dumps(data).encode("utf-8", "surrogatepass")


@fuzzed(250)
@given(mutated())
def test_a_value_of_any_type_at_any_key_costs_that_key_only(made: tuple[dict[str, Any], set[str]]) -> None:
    data, touched = made
    with home() as machine:
        (machine.home / "config.toml").write_bytes(written(data))
        loaded = machine.load()
        settings = judged(loaded)
    read = not any("valid TOML" in p.message or "UTF-8" in p.message or "too long" in p.message for p in loaded.warnings)
    found = {
        "model": settings.model,
        "model_verbosity": settings.verbosity,
        "tool_output_token_limit": settings.tool_output_tokens,
    }
    for key, value in KEPT.items():
        if read and key not in touched and not touched & {"profile", "profiles", "model_provider", "local"}:
            assert found[key] == value


@fuzzed(50)
@given(mutated(), mutated())
def test_a_folders_own_file_and_a_profile_hold_no_better(
    user: tuple[dict[str, Any], set[str]], own: tuple[dict[str, Any], set[str]]
) -> None:
    with home() as machine:
        (machine.home / "config.toml").write_bytes(written({**user[0], "profile": "x", "profiles": {"x": own[0]}}))
        machine.system.write_text(machine.trust())
        (machine.root / ".codex").mkdir()
        (machine.root / ".codex" / "config.toml").write_bytes(written(own[0]))
        judged(machine.load())


def hiding() -> Iterator[Any]:
    """A secret as what it should be, and as what people make of it."""
    yield from (CANARY, [CANARY], {"A": CANARY}, [[CANARY]], {"A": [CANARY]}, {"A": {"B": CANARY}}, [{"A": CANARY}])


@pytest.mark.parametrize("key", [key for key in KEYS if SECRET_KEYS & set(key)], ids=".".join)
def test_no_sentence_repeats_a_secret(key: tuple[str, ...]) -> None:
    for value in hiding():
        data: dict[str, Any] = {}
        table = data
        for word in key[:-1]:
            table = table.setdefault("s" if word == "*" else word, {})
        table["s" if key[-1] == "*" else key[-1]] = value
        for broken in (b"", b"\n= broken"):
            loaded_from(written(data) + broken)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
DOTTED = st.lists(
    st.sampled_from(["model", "a", ".", '"', "'", "=", " ", "\n", "[", "]", "{}", "#", "0", "é", "\ud800"]), max_size=8
)


@fuzzed(100)
@given(st.dictionaries(DOTTED.map("".join) | st.sampled_from([".".join(k) for k in KEYS]), JSON, max_size=4))
def test_any_override_ends_in_settings(overrides: dict[str, Any]) -> None:
    with home() as machine:
        files, work = machine.home, str(machine.cwd)
        judged(load(codex_home=files, cwd=work, overrides=overrides, environ=KEY, system=machine.system))


def test_an_override_of_endless_depth_is_named() -> None:
    with home() as machine:
        deep = ".".join(["a"] * 10_000)
        loaded = load(codex_home=machine.home, cwd=str(machine.cwd), overrides={deep: 1}, environ=KEY, system=machine.system)
        judged(loaded)
        assert any("nested" in problem.message for problem in loaded.warnings)


def test_two_files_of_great_depth_are_refused_and_not_merged() -> None:
    with home() as machine:
        deep = "[" + ".".join(["a"] * 3_000) + "]\nb = 1"
        machine.user(deep)
        machine.system.write_text(deep)
        assert sum("nested" in problem.message for problem in judged_of(machine).warnings) == 2
