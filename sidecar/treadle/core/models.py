"""What is known about a model by its name: rows of data, prefix rules, and a cautious default for a name nobody knows.

Never asks a provider. What the user configured wins over a row (`window`). Windows are in tokens.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from .record import frozen
from .settings import Settings

Profile: TypeAlias = Literal["standard", "compact"]


@frozen
class ModelFacts:
    """`prompt` names the base instructions; `custom_tools` is what the model can do, the provider must allow it too."""

    context_window: int
    parallel_tool_calls: bool = True
    reasoning: bool = False
    default_effort: str | None = None
    efforts: tuple[str, ...] = ()
    verbosity: bool = False
    "Takes text.verbosity."
    default_verbosity: str | None = None
    custom_tools: bool = False
    prompt: Profile = "standard"
    tool_output_tokens: int = 10_000
    images: bool = False


_GPT = ModelFacts(
    context_window=272_000,
    reasoning=True,
    default_effort="medium",
    efforts=("low", "medium", "high", "xhigh"),
    verbosity=True,
    default_verbosity="low",
    custom_tools=True,
    images=True,
)
_SMALL = ModelFacts(context_window=16_384, parallel_tool_calls=False, prompt="compact", tool_output_tokens=1_500)
UNKNOWN = ModelFacts(context_window=128_000, custom_tools=True)
"A model behind somebody's Responses API: capable, but nothing about it is promised."

_PREFIXES: tuple[tuple[str, ModelFacts], ...] = (
    ("gpt-5.", _GPT),
    ("gpt-5", replace(_GPT, efforts=("minimal", "low", "medium", "high"), default_verbosity="medium")),
    ("gpt-4.1", ModelFacts(context_window=1_000_000, images=True)),
    ("gpt-4o", ModelFacts(context_window=128_000, images=True)),
    ("gpt-oss", ModelFacts(context_window=128_000, reasoning=True, default_effort="medium", efforts=("low", "medium", "high"))),
    ("openai/gpt-oss", ModelFacts(context_window=128_000, reasoning=True, efforts=("low", "medium", "high"))),
    ("gpt-", _GPT),
    ("o3", ModelFacts(context_window=200_000, reasoning=True, default_effort="medium", efforts=("low", "medium", "high"))),
    ("o4-mini", ModelFacts(context_window=200_000, reasoning=True, default_effort="medium", efforts=("low", "medium", "high"))),
    ("codex-", _GPT),
    ("qwen2.5-coder-0.5b", _SMALL),
    ("qwen2.5-coder-1.5b", _SMALL),
    ("qwen2.5-coder-3b", _SMALL),
)

DEFAULT_MODEL = {"openai": "gpt-5.5", "ollama": "gpt-oss:20b", "lmstudio": "openai/gpt-oss-20b", "local": "qwen2.5-coder-1.5b"}
LOCAL_MODELS = {"1.5b": "qwen2.5-coder-1.5b", "0.5b": "qwen2.5-coder-0.5b"}


def facts(model: str) -> ModelFacts:
    """The row whose prefix fits; the first one wins, longer prefixes come first."""
    name = model.lower()
    return next((row for prefix, row in _PREFIXES if name.startswith(prefix)), UNKNOWN)


def facts_for(settings: Settings) -> ModelFacts:
    """The facts under these settings: what the user configured, and what the provider cannot do, is taken into account."""
    known = facts(settings.model)
    if settings.provider.wire == "local":
        known = replace(
            known, context_window=settings.local.context, parallel_tool_calls=False, prompt="compact", custom_tools=False
        )
    return replace(
        known,
        context_window=settings.context_window or known.context_window,
        tool_output_tokens=settings.tool_output_tokens or known.tool_output_tokens,
        custom_tools=known.custom_tools and settings.provider.custom_tools,
    )


def known_window(settings: Settings) -> int | None:
    """The model's window; None for a model nobody knows, unless it was configured."""
    guessed = facts(settings.model) is UNKNOWN and settings.provider.wire != "local" and settings.context_window is None
    return None if guessed else facts_for(settings).context_window


def window_doubt(settings: Settings) -> str | None:
    """A sentence for the user when the window is only assumed; None when it is known."""
    if known_window(settings) is not None:
        return None
    assumed = facts_for(settings).context_window
    return (
        f"The context window of the model {settings.model!r} is not known; {assumed:,} tokens are assumed. "
        "Set model_context_window to what it has."
    )


def default_model(provider_id: str, size: str = "auto") -> str:
    """The model to ask for when none is configured. `size` is the embedded model's."""
    if provider_id == "local":
        return LOCAL_MODELS.get(size, DEFAULT_MODEL["local"])
    return DEFAULT_MODEL.get(provider_id, DEFAULT_MODEL["openai"])
