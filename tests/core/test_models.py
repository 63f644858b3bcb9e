"""Facts by model name: which row a name gets and what settings change about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from treadle.core.models import UNKNOWN, default_model, facts, facts_for, window_doubt
from treadle.core.settings import LocalModel, Provider, Settings

OPENAI = Provider("openai", "OpenAI", "http://x")


@pytest.mark.parametrize(
    ("model", "window", "custom", "effort", "prompt"),
    [
        ("gpt-5.5", 272_000, True, "medium", "standard"),
        ("gpt-5.5-2026-04-01", 272_000, True, "medium", "standard"),
        ("GPT-6.1-sol", 272_000, True, "medium", "standard"),
        ("gpt-5-mini", 272_000, True, "medium", "standard"),
        ("gpt-4.1", 1_000_000, False, None, "standard"),
        ("gpt-oss:20b", 128_000, False, "medium", "standard"),
        ("qwen2.5-coder-1.5b", 16_384, False, None, "compact"),
        ("somebody/else", UNKNOWN.context_window, True, None, "standard"),
        ("", UNKNOWN.context_window, True, None, "standard"),
    ],
)
def test_a_name_gets_its_row(model: str, window: int, custom: bool, effort: str | None, prompt: str) -> None:
    row = facts(model)
    assert (row.context_window, row.custom_tools, row.default_effort, row.prompt) == (window, custom, effort, prompt)
    assert row.default_effort is None or row.default_effort in row.efforts


def test_settings_win_over_the_row() -> None:
    settings = Settings(cwd="/", model="gpt-5.5", provider=OPENAI, context_window=5, tool_output_tokens=7)
    assert (facts_for(settings).context_window, facts_for(settings).tool_output_tokens) == (5, 7)


def test_a_provider_without_custom_tools_gets_none() -> None:
    provider = Provider("x", "X", "http://x", custom_tools=False)
    assert facts_for(Settings(cwd="/", model="gpt-5.5", provider=provider)).custom_tools is False
    assert facts_for(Settings(cwd="/", model="gpt-5.5", provider=OPENAI)).custom_tools is True


def test_the_embedded_model_has_the_window_it_was_started_with() -> None:
    local = Provider("local", "L", "", wire="local")
    row = facts_for(Settings(cwd="/", model="my.gguf", provider=local, local=LocalModel(context=4096)))
    assert (row.context_window, row.prompt, row.parallel_tool_calls, row.custom_tools) == (4096, "compact", False, False)


@pytest.mark.parametrize(
    ("provider", "size", "model"),
    [
        ("openai", "auto", "gpt-5.5"),
        ("mine", "auto", "gpt-5.5"),
        ("local", "auto", "qwen2.5-coder-1.5b"),
        ("local", "0.5b", "qwen2.5-coder-0.5b"),
    ],
)
def test_every_provider_has_a_default_model(provider: str, size: str, model: str) -> None:
    assert default_model(provider, size) == model


def test_a_window_that_is_only_assumed_is_said_with_the_way_out() -> None:
    provider = Provider("p", "P", "")
    unknown = Settings("/w", "somebody/else", provider)
    assert "model_context_window" in (window_doubt(unknown) or "")
    assert "128,000" in (window_doubt(unknown) or "")
    assert window_doubt(replace(unknown, context_window=32_000)) is None
    assert window_doubt(replace(unknown, model="gpt-5.5")) is None
