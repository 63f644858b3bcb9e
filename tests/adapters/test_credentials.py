"""Where a key comes from, and the one sentence when there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.config_home import ConfigHome
from treadle.adapters.config_providers import LOCAL, OLLAMA, OPENAI
from treadle.adapters.credentials import Credentials, StoredKeys
from treadle.core.errors import ModelError
from treadle.core.settings import Provider

MINE = Provider("mine", "Mine", "http://x", env_key="MINE_KEY", env_key_instructions="Ask Ann for one.")


@pytest.mark.parametrize(
    ("provider", "environ", "auth", "key"),
    [
        (OPENAI, {"OPENAI_API_KEY": " a ", "CODEX_API_KEY": "b"}, {"OPENAI_API_KEY": "c"}, "a"),
        (OPENAI, {"CODEX_API_KEY": "b"}, {"OPENAI_API_KEY": "c"}, "b"),
        (OPENAI, {}, {"OPENAI_API_KEY": "c"}, "c"),
        (MINE, {"MINE_KEY": "m"}, {}, "m"),
        (Provider("t", "T", "http://x", env_key="NONE", bearer_token="token"), {}, {}, "token"),
        (OLLAMA, {"OPENAI_API_KEY": "a"}, {"OPENAI_API_KEY": "c"}, None),
        (LOCAL, {"OPENAI_API_KEY": "a"}, {}, None),
    ],
)
def test_a_key_is_found(
    tmp_path: Path, provider: Provider, environ: dict[str, str], auth: dict[str, str], key: str | None
) -> None:
    (tmp_path / "auth.json").write_text(json.dumps(auth))
    assert Credentials(tmp_path, environ)(provider) == key


@pytest.mark.parametrize("auth", [None, "", "{", "[]", '{"OPENAI_API_KEY": 3}', '{"OPENAI_API_KEY": " "}'])
def test_a_missing_key_names_the_variable_and_the_setting(tmp_path: Path, auth: str | None) -> None:
    if auth is not None:
        (tmp_path / "auth.json").write_text(auth)
    with pytest.raises(ModelError) as failed:
        Credentials(tmp_path, {})(OPENAI)
    assert (failed.value.kind, failed.value.retryable) == ("unauthorized", False)
    assert "OPENAI_API_KEY" in failed.value.sentence()
    assert "model_provider" in failed.value.sentence()


def test_the_providers_own_instructions_are_passed_on_and_its_key_is_not_openais(tmp_path: Path) -> None:
    (tmp_path / "auth.json").write_text('{"OPENAI_API_KEY": "openai-only"}')
    with pytest.raises(ModelError) as failed:
        Credentials(tmp_path, {"OPENAI_API_KEY": "openai-only"})(MINE)
    assert failed.value.sentence().endswith("Ask Ann for one.")
    assert "openai-only" not in failed.value.sentence()


def test_a_provider_that_is_not_defined_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'typo' is not defined"):
        Credentials(tmp_path, {"OPENAI_API_KEY": "a"})(Provider("typo", "typo", ""))


def test_a_provider_without_an_address_is_refused_with_its_own_sentence(tmp_path: Path) -> None:
    loaded = ConfigHome(tmp_path)
    loaded.user('model_provider = "mine"\n[model_providers.mine]\nname = "Mine"\n')
    with pytest.raises(ModelError, match=r"\[model_providers.mine\] in config.toml has no base_url"):
        Credentials(tmp_path, {})(loaded.load().settings.provider)


def test_stored_keys_and_tokens_are_known_and_those_before_them(tmp_path: Path) -> None:
    file, stored = tmp_path / "auth.json", StoredKeys(tmp_path)
    assert stored() == []
    tokens = {"id_token": "i", "access_token": "a", "refresh_token": "r", "account_id": "is no secret"}
    file.write_text(json.dumps({"OPENAI_API_KEY": None, "tokens": tokens}))
    assert sorted(stored()) == ["a", "i", "r"]
    file.write_text(json.dumps({"OPENAI_API_KEY": "k", "tokens": tokens | {"access_token": "b", "id_token": 7}}))
    assert sorted(stored()) == ["a", "b", "i", "k", "r"]
    for broken in ("", "[]", '{"tokens": 1}', '{"tokens": []}'):
        file.write_text(broken)
        assert sorted(stored()) == ["a", "b", "i", "k", "r"], broken


def test_of_stored_keys_that_were_renewed_again_and_again_the_last_ones_are_known(tmp_path: Path) -> None:
    file, stored = tmp_path / "auth.json", StoredKeys(tmp_path)
    for number in range(1000):
        file.write_text(json.dumps({"tokens": {"refresh_token": "stays", "access_token": f"token {number}"}}))
        found = stored()
    assert len(found) < 100 and {"stays", "token 998", "token 999"} <= set(found)
