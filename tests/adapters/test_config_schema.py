"""The schema of config.toml: it knows every key that the sidecar asks for and no other, and takes what people really write."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from fakes.config_home import ConfigHome
from treadle.adapters import config_network, config_values

ROOT = Path(__file__).resolve().parents[2]
SCHEMA: dict[str, Any] = json.loads((ROOT / "extension" / "schema" / "config.schema.json").read_text("utf-8"))
NAMED = ("model_providers", "mcp_servers", "projects", "permissions", "profiles")
"Tables whose keys are names that the user chooses."
READ_ELSEWHERE = {
    # out of the merged tables as written, not key by key
    *("ask_before_edits", "hide_agent_reasoning", "show_raw_agent_reasoning", "local.python", "hooks", "skills.config"),
}

EVERYTHING = """
model = "m"
model_provider = "p"
sandbox_mode = "workspace-write"
profile = "x"
default_permissions = "w"
[profiles.x]
model = "n"
[model_providers.p]
base_url = "https://example.com/v1"
requires_openai_auth = true
[mcp_servers.s]
command = "c"
[mcp_servers.s.tools.t]
approval_mode = "prompt"
[permissions.w.network]
allow = ["example.com"]
[treadle.network]
allow = ["example.org"]
[treadle.prices.m]
input = 1
output = 2
"""


def flat(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every key that is no table itself; * stands for a name."""
    below = dict(schema.get("properties", {}))
    if isinstance(schema.get("additionalProperties"), dict) and "properties" in schema["additionalProperties"]:
        below["*"] = schema["additionalProperties"]
    if not below or path == ("hooks",):
        yield path
        return
    for key, inner in below.items():
        if (*path, key) != ("profiles", "*"):
            yield from flat(inner, (*path, key))


def generic(key: tuple[str, ...]) -> str:
    words = list(key)
    if len(words) > 1 and words[0] in NAMED:
        words[1] = "*"
    if words[:2] == ["treadle", "prices"] and len(words) > 2:
        words[2] = "*"
    if words[:1] == ["mcp_servers"] and words[2:3] == ["tools"] and len(words) > 3:
        words[3] = "*"
    return ".".join(words)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every key that is asked for while a rich file is loaded, by any of the provider kinds."""
    found: set[str] = set()
    at, listed = config_values._at, config_network._said  # pyright: ignore[reportPrivateUsage]

    def looking(table: Any, key: tuple[str, ...]) -> Any:
        found.add(generic(key))
        return at(table, key)

    def saying(values: Any, layer: Any, key: tuple[str, ...], table: Any) -> Any:
        names = ("allow", "deny", "allowed_domains", "denied_domains", "domains", "enabled")
        found.update(generic((*key, name)) for name in names)
        return listed(values, layer, key, table)

    monkeypatch.setattr(config_values, "_at", looking)
    monkeypatch.setattr(config_network, "_said", saying)
    for number, provider in enumerate(("p", "openai")):
        (tmp_path / str(number)).mkdir()
        home = ConfigHome(tmp_path / str(number))
        home.user(EVERYTHING.replace('"p"', f'"{provider}"', 1))
        home.load(environ={})
    return found


def test_the_schema_has_the_keys_that_the_sidecar_asks_for_and_no_others(asked: set[str]) -> None:
    tables = {".".join(path[:depth]) for path in flat(SCHEMA) for depth in range(1, len(path))}
    described = {".".join(path) for path in flat(SCHEMA)}
    # asked for only to say that they are not supported, or that a built-in provider is not to be redefined
    refused = re.compile(r"model_providers\.\*\.(auth|aws)|mcp_servers\.\*\.(oauth_resource|experimental_environment)")
    unknown = {key for key in asked - described - tables if not refused.fullmatch(key) and not key.endswith(".*")}
    assert unknown == set()
    proxy = re.compile(r"features\.network_proxy|permissions\.\*\.network|treadle\.network|profiles")
    unused = {key for key in described - asked - READ_ELSEWHERE if not proxy.match(key)}
    assert unused == set()


def test_the_schema_is_one() -> None:
    Draft7Validator.check_schema(SCHEMA)


def examples() -> Iterator[Any]:
    yield pytest.param(EVERYTHING, id="everything")
    for page in (ROOT / "README.md", ROOT / "extension" / "README.md"):
        for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.S | re.M)):
            yield pytest.param(block, id=f"{page.parent.name}-{number}")
    starting = (ROOT / "extension" / "src" / "starting_config.ts").read_text("utf-8")
    lines = starting.partition("`")[2].rpartition("`")[0]
    for number, block in enumerate(lines.split("\n\n")):
        said = "\n".join(line.removeprefix("# ") for line in block.split("\n") if re.match(r"# (\[|\w+ = )", line))
        yield pytest.param(said, id=f"starting-{number}")


@pytest.mark.parametrize("text", list(examples()))
def test_what_is_shown_to_people_is_what_the_schema_and_the_sidecar_take(text: str, tmp_path: Path) -> None:
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(tomllib.loads(text))] == []
    home = ConfigHome(tmp_path)
    home.user(text)
    assert [warning.sentence() for warning in home.load().warnings] == []


@pytest.mark.parametrize(
    "text",
    [
        'sandbox_mode = "open"',
        'approval_policy = "sometimes"',
        "project_doc_max_bytes = -1",
        'project_doc_fallback_filenames = "CLAUDE.md"',
        '[mcp_servers.s]\nargs = "x"',
        '[profiles.x]\nmodel_verbosity = "loud"',
        "[treadle.history]\nmax_mb = 1",
        "[local]\ncontext = 1",
        '[hooks]\nStop = "x"',
    ],
)
def test_what_the_sidecar_would_not_take_is_marked(text: str, tmp_path: Path) -> None:
    assert list(Draft7Validator(SCHEMA).iter_errors(tomllib.loads(text)))
    home = ConfigHome(tmp_path)
    home.user('profile = "x"\n' + text if "profiles" in text else text)
    assert home.load().warnings
