"""[treadle.prices."MODEL"] of the configuration -> prices: USD per million tokens of input, cached input and output.

Without `cached`, cached input costs as much as other input. A price that is not whole is reported and left out, never guessed.
"""

from __future__ import annotations

from ..core.prices import Price
from .config_values import Values

_TABLE = ("treadle", "prices")


def prices(values: Values) -> tuple[tuple[str, Price], ...]:
    """(model, price), sorted by model."""
    found: list[tuple[str, Price]] = []
    for model in values.names(*_TABLE):
        given, cached, made = (values.amount(*_TABLE, model, part) for part in ("input", "cached", "output"))
        if given is None or made is None:
            message = "needs `input` and `output`, in USD per million tokens; there is no price for this model."
            values.wrong((*_TABLE, model), message)
        else:
            found.append((model, Price(given, given if cached is None else cached, made)))
    return tuple(found)
