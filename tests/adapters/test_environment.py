"""adapters.environment: what a command inherits, and what it never sees."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.adapters.environment import FIXED, child_environment, known_secrets, secrets_in
from treadle.core.settings import McpServer, Provider, Settings, ShellEnvironment

OWN = {"PATH": "/usr/bin", "HOME": "/home/me", "EDITOR": "vi", "LANG": "de_DE.UTF-8", "TERM": "xterm-256color"}


def test_everyday_variables_are_inherited_and_output_is_made_plain():
    assert child_environment(OWN, ShellEnvironment()) == {"PATH": "/usr/bin", "HOME": "/home/me", "EDITOR": "vi", **FIXED}


@pytest.mark.parametrize(
    "name",
    [
        *("OPENAI_API_KEY", "github_token", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "GOOGLE_APPLICATION_CREDENTIALS"),
        *("MY_PRIVATE_X", "DB_PASS", "GH_PAT", "NPM_CONFIG__AUTH", "MYSQL_PWD", "SESSION_COOKIE"),
    ],
)
def test_what_is_named_like_a_secret_is_dropped_unless_asked_for(name: str):
    assert name not in child_environment({**OWN, name: "x"}, ShellEnvironment())
    assert child_environment({**OWN, name: "x"}, ShellEnvironment(ignore_default_excludes=True))[name] == "x"


@pytest.mark.parametrize("name", ["OLDPWD", "PWD", "GIT_AUTHOR_NAME", "PATH_INFO", "COMPASS", "XAUTHORITY"])
def test_what_only_looks_like_a_secrets_name_is_inherited(name: str) -> None:
    assert child_environment({**OWN, name: "x"}, ShellEnvironment())[name] == "x"


@pytest.mark.parametrize(
    "name",
    [
        "SSH_AUTH_SOCK",
        "DBUS_SESSION_BUS_ADDRESS",
        "LD_PRELOAD",
        "BASH_ENV",
        "ENV",
        "PYTHONPATH",
        "PYTHONHOME",
        "TREADLE_HOME",
        "VSCODE_IPC_HOOK_CLI",
        "ELECTRON_RUN_AS_NODE",
        "GIT_ASKPASS",
        "BASH_FUNC_ls%%",
    ],
)
def test_what_belongs_to_the_sidecar_or_speaks_for_the_user_is_always_dropped(name: str):
    assert name not in child_environment({**OWN, name: "x"}, ShellEnvironment(ignore_default_excludes=True))


def test_the_key_of_a_provider_is_dropped_whatever_its_name_and_wherever_it_is_repeated():
    own = {**OWN, "ACME_AUTH": "abcdefgh-1", "HEADERS": "Authorization: Bearer abcdefgh-1", "OTHER": "stored-value-2"}
    policy = ShellEnvironment(ignore_default_excludes=True)
    found = child_environment(own, policy, secret_names=["acme_auth"], secrets=["stored-value-2"])
    assert not {"ACME_AUTH", "HEADERS", "OTHER"} & set(found)


def test_a_short_key_does_not_empty_the_environment():
    found = child_environment({**OWN, "K": "vi"}, ShellEnvironment(), secret_names=["K"])
    assert found["EDITOR"] == "vi"
    assert "K" not in found


def test_inherit_core_keeps_the_few_and_none_keeps_nothing():
    assert set(child_environment(OWN, ShellEnvironment(inherit="core"))) == {"PATH", "HOME", *FIXED}
    assert child_environment(OWN, ShellEnvironment(inherit="none")) == FIXED


def test_the_users_own_values_win_over_inherited_and_fixed_ones():
    found = child_environment(OWN, ShellEnvironment(set=(("EDITOR", "ed"), ("TERM", "ansi"), ("MY_TOKEN", "t"))))
    assert (found["EDITOR"], found["TERM"], found["MY_TOKEN"]) == ("ed", "ansi", "t")


def test_patterns_exclude_and_include_without_regard_to_case():
    policy = ShellEnvironment(exclude=("edit*",))
    assert "EDITOR" not in child_environment(OWN, policy)
    policy = ShellEnvironment(include_only=("pa*", "x"), set=(("X", "1"), ("Y", "2")))
    assert child_environment(OWN, policy) == {"PATH": "/usr/bin", "X": "1", **FIXED}


def test_libraries_that_a_package_put_first_are_taken_away():
    own = {**OWN, "LD_LIBRARY_PATH": "/bundle", "LD_LIBRARY_PATH_ORIG": "/mine"}
    assert child_environment(own, ShellEnvironment())["LD_LIBRARY_PATH"] == "/mine"
    assert child_environment({**OWN, "LD_LIBRARY_PATH": "/mine"}, ShellEnvironment())["LD_LIBRARY_PATH"] == "/mine"


@pytest.mark.parametrize(
    "value",
    [
        "postgres://me:hunter2@db.example/app",
        "https://user:p%40ss@proxy.example:3128",
        "redis://:only-a-password@cache/0",
        "a list of amqp+ssl://u:p@ss@queue and others",
    ],
)
def test_an_address_with_a_password_in_it_stays_here(value: str) -> None:
    assert "DATABASE_URL" not in child_environment({"DATABASE_URL": value}, ShellEnvironment())
    kept = child_environment({"DATABASE_URL": value}, ShellEnvironment(ignore_default_excludes=True))
    assert kept["DATABASE_URL"] == value


@pytest.mark.parametrize(
    "value", ["postgres://me@db/app", "http://proxy:8080", "https://host/a:b@c", "git@host:me/app.git", "a:b@c", "C:\\x@y"]
)
def test_an_address_without_a_password_goes_through(value: str) -> None:
    assert child_environment({"ADDRESS": value}, ShellEnvironment())["ADDRESS"] == value


def test_secrets_are_known_wherever_they_are_configured() -> None:
    provider = Provider(
        "p",
        "P",
        "",
        env_key="ACME_KEY",
        bearer_token="bearer-of-acme",
        http_headers=(("X-Api-Key", "header-of-acme"), ("X-Title", "a title of mine")),
        env_http_headers=(("X-More", "ACME_MORE"),),
        query_params=(("api_key", "query-of-acme"), ("version", "2026-11-22-preview")),
    )
    server = McpServer(
        "docs",
        env=(("DOCS_TOKEN", "token-of-docs"), ("DOCS_MODE", "a mode of docs")),
        env_vars=("DOCS_SECRET", "DOCS_HOME"),
        bearer_token_env_var="DOCS_BEARER",
        http_headers=(("Authorization", "Bearer header-of-docs"),),
        env_http_headers=(("X-More", "DOCS_MORE"),),
    )
    names = ("ACME_KEY", "ACME_MORE", "DOCS_SECRET", "DOCS_HOME", "DOCS_BEARER", "DOCS_MORE", "OPENAI_API_KEY", "OTHER_KEY")
    own = {name: f"value-of-{name}" for name in names} | {"CODEX_API_KEY": "short"}
    found = known_secrets(own, Settings("/", "m", provider, mcp_servers=(server,)))
    assert found == {
        *("bearer-of-acme", "header-of-acme", "query-of-acme", "token-of-docs", "Bearer header-of-docs", "header-of-docs"),
        *(f"value-of-{name}" for name in names if name not in ("DOCS_HOME", "OTHER_KEY")),
    }


@pytest.mark.parametrize(
    ("arguments", "secrets"),
    [
        (("--api-key", "value-1", "--fast"), {"value-1"}),
        (("--token=value-2",), {"value-2"}),
        (("-y", "remote", "https://a.test", "--header", "Authorization: Bearer value-3"), {"Bearer value-3", "value-3"}),
        (("--header", "X-Api-Key:value-4"), {"value-4"}),
        (("postgres://me:value-5@db/app",), {"value-5"}),
        (("ghp_abcdefghijkl", "sk-proj-abcdefgh"), {"ghp_abcdefghijkl", "sk-proj-abcdefgh"}),
        (("--keyboard", "--password", "--force", "task-list", "--path", "/w/api_key", "key"), set()),
        (("--tokenizer", "large-model", "--key-file", "/w/key.pem", "MONKEY=chimpanzee", "Author: nobody"), set()),
        (("--client_secret", "value-7", "-e", "API_KEY=value-8"), {"value-7", "value-8"}),
        (("DB_PASSWORD=value-6",), {"value-6"}),
    ],
)
def test_secrets_are_known_among_arguments(arguments: tuple[str, ...], secrets: set[str]) -> None:
    assert set(secrets_in(arguments)) == secrets
    wanted = {value for value in secrets if len(value) >= 8}
    assert known_secrets({}, Settings("/", "m", Provider("p", "P", ""), mcp_servers=(McpServer("s", args=arguments),))) == wanted


_NAMES = st.text("aAbB_*?[]!\n\u00df", min_size=1, max_size=6)


@given(names=st.lists(_NAMES, max_size=6), patterns=st.lists(_NAMES, max_size=4))
def test_excluded_is_what_fnmatch_matches_without_regard_to_case(names: list[str], patterns: list[str]) -> None:
    policy = ShellEnvironment(exclude=tuple(patterns), ignore_default_excludes=True)
    left = {name for name in names if not any(fnmatchcase(name.upper(), pattern.upper()) for pattern in patterns)}
    assert child_environment(dict.fromkeys(names, "x"), policy).keys() - FIXED.keys() == left
