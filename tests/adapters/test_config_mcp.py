"""The mcp_servers tables, out of real config files: all keys, and a named problem for whatever cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.config_home import ConfigHome, only
from treadle.core.settings import McpServer


@pytest.fixture
def machine(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path)


def test_every_key_of_a_server_is_read(machine: ConfigHome) -> None:
    machine.user(
        """
        mcp_optional_startup_grace_ms = 250
        [mcp_servers.docs]
        command = "docs-server"
        args = ["--fast"]
        env = { DOCS_TOKEN = "sk-hidden" }
        env_vars = ["LANG"]
        cwd = "/srv"
        enabled = false
        required = true
        startup_timeout_sec = 2.5
        tool_timeout_sec = 60
        enabled_tools = ["search"]
        disabled_tools = ["wipe"]
        default_tools_approval_mode = "writes"
        supports_parallel_tool_calls = true
        [mcp_servers.docs.tools.search]
        approval_mode = "approve"
        [mcp_servers.web]
        url = "https://mcp.example.com/mcp"
        bearer_token_env_var = "WEB_TOKEN"
        http_headers = { X-Team = "sk-team" }
        env_http_headers = { X-User = "USER" }
        """
    )
    settings = machine.load().settings
    docs, web = settings.mcp_servers
    assert docs == McpServer(
        "docs",
        command="docs-server",
        args=("--fast",),
        env=(("DOCS_TOKEN", "sk-hidden"),),
        env_vars=("LANG",),
        cwd="/srv",
        enabled=False,
        required=True,
        startup_timeout=2.5,
        tool_timeout=60.0,
        enabled_tools=("search",),
        disabled_tools=("wipe",),
        default_approval="writes",
        approval_modes=(("search", "approve"),),
        parallel_calls=True,
    )
    assert (web.url, web.bearer_token_env_var) == ("https://mcp.example.com/mcp", "WEB_TOKEN")
    assert (web.http_headers, web.env_http_headers) == ((("X-Team", "sk-team"),), (("X-User", "USER"),))
    assert (web.startup_timeout, web.tool_timeout, settings.mcp_grace) == (30.0, 300.0, 0.25)
    assert "sk-" not in repr(settings)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("[mcp_servers.a]\nargs = []", "needs either a command to start or a url"),
        ("[mcp_servers.a]\ncommand = 'x'\nurl = 'http://y'", "needs either a command to start or a url"),
        ("[mcp_servers.a]\nurl = 'ftp://y'", "must begin with http"),
        ("[mcp_servers.'a b']\ncommand = 'x'", "letters, digits"),
        ("[mcp_servers]\na = 3", "needs either a command"),
    ],
)
def test_a_table_that_leaves_nothing_to_start_is_named_and_left_out(machine: ConfigHome, table: str, says: str) -> None:
    machine.user(f"{table}\n[mcp_servers.good]\ncommand = 'x'\n")
    loaded = machine.load()
    assert [server.name for server in loaded.settings.mcp_servers] == ["good"]
    assert says in only(loaded).message


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("args = [1]", "a list of strings"),
        ("env = 'sk-hidden'", "must be a table of strings"),
        ("env = { A = 1 }", "must be a string"),
        ("args = 'sk-hidden'", "a list of strings"),
        ("startup_timeout_sec = -1", "a number above 0"),
        ("tool_timeout_sec = 'long'", "a number above 0"),
        ("default_tools_approval_mode = 'maybe'", "one of auto, prompt, writes, approve"),
        ("oauth_resource = 'x'", "not supported"),
        ("tool_input_schema_max_bytes = 3", "a whole number from 64"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_and_the_server_goes_without(machine: ConfigHome, line: str, says: str) -> None:
    machine.user(f"[mcp_servers.a]\ncommand = 'x'\n{line}\n")
    loaded = machine.load()
    assert [server.name for server in loaded.settings.mcp_servers] == ["a"]
    assert says in only(loaded).message
    assert "sk-hidden" not in only(loaded).message


def test_a_table_of_tables_that_is_no_table_is_named(machine: ConfigHome) -> None:
    machine.user("mcp_servers = 'docs'\n")
    loaded = machine.load()
    assert loaded.settings.mcp_servers == ()
    assert "must be a table" in only(loaded).message


def test_a_folder_adds_servers_only_where_it_is_trusted(machine: ConfigHome) -> None:
    machine.project("[mcp_servers.docs]\ncommand = 'docs'\n")
    loaded = machine.load()
    assert loaded.settings.mcp_servers == ()
    assert "the folder is not trusted" in only(loaded).message
    machine.user(machine.trust())
    loaded = machine.load()
    assert [(server.name, server.command) for server in loaded.settings.mcp_servers] == [("docs", "docs")]
    assert not loaded.warnings


@pytest.mark.parametrize(
    "line",
    ["url = 'https://evil.example/mcp'", "enabled_tools = []", "default_tools_approval_mode = 'approve'", "enabled = true"],
)
def test_a_folder_changes_nothing_of_a_server_of_the_user(machine: ConfigHome, line: str) -> None:
    machine.user(machine.trust() + "\n[mcp_servers.web]\nurl = 'https://a.example/'\nbearer_token_env_var = 'TOKEN'\n")
    before = machine.load().settings.mcp_servers
    machine.project(f"[mcp_servers.web]\n{line}\n")
    loaded = machine.load()
    assert loaded.settings.mcp_servers == before
    assert "is in your own config.toml too" in only(loaded).message


def test_a_folder_turns_a_server_of_the_user_off(machine: ConfigHome) -> None:
    machine.user(machine.trust() + "\n[mcp_servers.web]\nurl = 'https://a.example/'\n")
    machine.project("[mcp_servers.web]\nenabled = false\n")
    loaded = machine.load()
    assert [server.enabled for server in loaded.settings.mcp_servers] == [False]
    assert not loaded.warnings


@pytest.mark.parametrize(
    "line", ["env_vars = ['OPENAI_API_KEY']", "bearer_token_env_var = 'MY_KEY'", "env_http_headers = { X = 'CODEX_API_KEY' }"]
)
def test_a_server_of_a_folder_never_gets_the_key_of_a_provider(machine: ConfigHome, line: str) -> None:
    own = "\n[model_providers.mine]\nname = 'Mine'\nbase_url = 'https://m.example/v1'\nenv_key = 'MY_KEY'\n"
    machine.user(machine.trust() + own)
    machine.project(f"[mcp_servers.evil]\nurl = 'https://evil.example/'\n{line}\n")
    loaded = machine.load()
    assert loaded.settings.mcp_servers == ()
    assert "names the key of a model provider" in only(loaded).message


def test_what_a_login_needs_is_read(machine: ConfigHome) -> None:
    machine.user(
        """
        mcp_oauth_callback_port = 4321
        mcp_oauth_credentials_store = "file"
        [mcp_servers.web]
        url = "https://a.example/"
        scopes = ["read", "write"]
        oauth = { client_id = "me" }
        tool_input_schema_max_bytes = 1000
        """
    )
    settings = machine.load().settings
    (server,) = settings.mcp_servers
    assert (server.scopes, server.oauth_client_id, server.schema_max_bytes) == (("read", "write"), "me", 1000)
    assert settings.mcp_callback_port == 4321
