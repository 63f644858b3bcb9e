"""Which provider answers and how it is reached, out of real config files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.config_home import KEY, ConfigHome, only


@pytest.fixture
def machine(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path)


def test_a_provider_of_ones_own_is_read_whole(machine: ConfigHome) -> None:
    machine.user(
        """
        model_provider = "mine"
        model = "m"
        [model_providers.mine]
        name = "Mine"
        base_url = "https://llm.example.com/v1/"
        env_key = "MINE_KEY"
        env_key_instructions = "Ask Ann."
        experimental_bearer_token = "secret-token"
        wire_api = "responses"
        query_params = { api-version = "2026-01-01" }
        http_headers = { X-Team = "a" }
        env_http_headers = { X-User = "USER" }
        request_max_retries = 1
        stream_max_retries = 1000
        stream_idle_timeout_ms = 2500
        websocket_connect_timeout_ms = 1
        supports_websockets = true
        custom_tools = false
        """
    )
    provider = machine.load().settings.provider
    assert (provider.id, provider.name, provider.base_url) == ("mine", "Mine", "https://llm.example.com/v1")
    assert (provider.env_key, provider.env_key_instructions, provider.bearer_token) == ("MINE_KEY", "Ask Ann.", "secret-token")
    assert provider.query_params == (("api-version", "2026-01-01"),)
    assert (provider.http_headers, provider.env_http_headers) == ((("X-Team", "a"),), (("X-User", "USER"),))
    assert (provider.request_max_retries, provider.stream_max_retries, provider.stream_idle_timeout) == (1, 100, 2.5)
    assert (provider.wire, provider.custom_tools) == ("responses", False)
    assert "secret-token" not in repr(provider)


@pytest.mark.parametrize(
    ("environ", "auth", "provider", "model"),
    [
        (KEY, None, "openai", "gpt-5.5"),
        ({"CODEX_API_KEY": "k"}, None, "openai", "gpt-5.5"),
        ({}, {"OPENAI_API_KEY": "k"}, "openai", "gpt-5.5"),
        ({}, {"OPENAI_API_KEY": None, "tokens": {}}, "local", "qwen2.5-coder-1.5b"),
        ({}, [], "local", "qwen2.5-coder-1.5b"),
        ({}, None, "local", "qwen2.5-coder-1.5b"),
    ],
)
def test_without_a_choice_the_key_decides(
    machine: ConfigHome, environ: dict[str, str], auth: Any, provider: str, model: str
) -> None:
    if auth is not None:
        (machine.home / "auth.json").write_text(json.dumps(auth))
    settings = machine.load(environ=environ).settings
    assert (settings.provider.id, settings.model) == (provider, model)


def test_the_model_of_another_provider_is_not_asked_of_the_embedded_one(machine: ConfigHome) -> None:
    machine.user('model = "gpt-5.5"\n[local]\nsize = "0.5b"')
    settings = machine.load(environ={}, model_provider="local").settings
    assert (settings.model, settings.provider.wire, settings.provider.custom_tools) == ("qwen2.5-coder-0.5b", "local", False)


@pytest.mark.parametrize(("name", "port"), [("ollama", 11434), ("lmstudio", 1234)])
def test_servers_on_this_machine_are_built_in(machine: ConfigHome, name: str, port: int) -> None:
    provider = machine.load(model_provider=name).settings.provider
    assert (provider.base_url, provider.custom_tools, provider.env_key) == (f"http://localhost:{port}/v1", False, None)


def test_openai_can_be_reached_at_another_address(machine: ConfigHome) -> None:
    machine.user('openai_base_url = "http://127.0.0.1:9/v1/"')
    assert machine.load().settings.provider.base_url == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("table", "key", "words"),
    [
        ('base_url = "http://x"\nwire_api = "chat"', "model_providers.mine.wire_api", "must speak the Responses API"),
        ('name = "x"', "model_providers.mine", "has no base_url"),
        ('base_url = "x.example.com"', "model_providers.mine.base_url", "must begin with http"),
        ('base_url = "http://x"\nauth = { command = "c" }', "model_providers.mine.auth", "is not supported"),
        ('base_url = "http://x"\nrequest_max_retries = -1', "model_providers.mine.request_max_retries", "whole number"),
    ],
)
def test_a_provider_that_cannot_work_is_said_at_once(machine: ConfigHome, table: str, key: str, words: str) -> None:
    machine.user('model_provider = "mine"\n[model_providers.mine]\n' + table)
    problem = only(machine.load())
    assert problem.key == key
    assert words in problem.message


def test_an_unknown_provider_is_never_replaced_by_another(machine: ConfigHome) -> None:
    machine.user('model_provider = "typo"')
    loaded = machine.load()
    assert (loaded.settings.provider.id, loaded.settings.provider.base_url) == ("typo", "")
    assert "there is no provider 'typo'" in only(loaded).message


def test_a_secret_never_appears_in_a_problem(machine: ConfigHome) -> None:
    machine.user('model_provider = "m"\n[model_providers.m]\nbase_url = "http://x"\nexperimental_bearer_token = ["s3cret"]')
    assert "s3cret" not in only(machine.load()).sentence()
