"""What a request costs: public list prices as rows of data, and the arithmetic. USD per million tokens.

Only models whose public price is certain have a row; for any other name there is no price, never a guess. What the user
configured under [treadle.prices."MODEL"] wins over a row and is used with any provider. Never asks a provider.
"""

from __future__ import annotations

from collections.abc import Mapping

from .pattern import late
from .record import frozen
from .replies import Usage

MILLION = 1_000_000
LISTED_PROVIDER = "openai"
"Whose list this is: the same name at another provider may cost something else."


@frozen
class Price:
    """USD per million tokens. `cached` is for input that came out of the provider's cache; reasoning is billed as output."""

    input: float
    cached: float
    output: float


FREE = Price(0.0, 0.0, 0.0)
_GPT_5 = Price(1.25, 0.125, 10.0)
_GPT_5_MINI = Price(0.25, 0.025, 2.0)
_GPT_5_2 = Price(1.75, 0.175, 14.0)

PRICES: Mapping[str, Price] = {
    "gpt-5": _GPT_5,
    "gpt-5-codex": _GPT_5,
    "gpt-5-mini": _GPT_5_MINI,
    "gpt-5-nano": Price(0.05, 0.005, 0.4),
    "gpt-5.1": _GPT_5,
    "gpt-5.1-codex": _GPT_5,
    "gpt-5.1-codex-max": _GPT_5,
    "gpt-5.1-codex-mini": _GPT_5_MINI,
    "gpt-5.2": _GPT_5_2,
    "gpt-5.2-codex": _GPT_5_2,
    "gpt-4.1": Price(2.0, 0.5, 8.0),
    "gpt-4.1-mini": Price(0.4, 0.1, 1.6),
    "gpt-4.1-nano": Price(0.1, 0.025, 0.4),
    "gpt-4o": Price(2.5, 1.25, 10.0),
    "gpt-4o-mini": Price(0.15, 0.075, 0.6),
    "o3": Price(2.0, 0.5, 8.0),
    "o4-mini": Price(1.1, 0.275, 4.4),
    "codex-mini-latest": Price(1.5, 0.375, 6.0),
}
_DATED = late(r"-\d{4}-\d{2}-\d{2}$")


def price_of(model: str, provider: str, configured: Mapping[str, Price], *, local: bool = False) -> Price | None:
    """The price of a model at a provider; None when nobody has told us. A model that runs on this machine is free."""
    if model in configured:
        return configured[model]
    if local:
        return FREE
    return PRICES.get(_DATED.sub("", model)) if provider == LISTED_PROVIDER else None


def cost(price: Price, usage: Usage) -> float:
    """USD for one request."""
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    fresh = usage.input_tokens - cached
    return (fresh * price.input + cached * price.cached + usage.output_tokens * price.output) / MILLION
