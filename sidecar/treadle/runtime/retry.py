"""Whether and when a failed request to a model is made again: one rule, one counter.

Promises: all attempts at one request share one count, so the total is bounded by the larger of the provider's two limits and
never by their product; a wait that the provider asks for is kept, or the request is given up when it is too long. Decides only:
waits and sends nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

from ..core.errors import ModelError
from ..core.record import frozen
from ..core.settings import Provider

BASE_SECONDS = 0.2
LONGEST_BACKOFF = 30.0
LONGEST_WISH = 300.0
"A provider that asks for a longer wait is not waited for: the user should know now."
MOST_RETRIES = 100
JITTER = 0.1


@frozen
class Wait:
    """Ask again after `seconds`: retry number `attempt` of at most `of`."""

    seconds: float
    attempt: int
    of: int

    @property
    def notice(self) -> str:
        return f"Reconnecting... {self.attempt}/{self.of}"


@frozen
class GiveUp:
    """The error is final. `attempts`: how often the request was made."""

    attempts: int


Decision: TypeAlias = Wait | GiveUp


class Retry:
    """The retries of one request. A new request, e.g. the next step, begins with a new one."""

    def __init__(self, provider: Provider, chance: Callable[[], float] = random.random) -> None:
        """`chance` gives numbers from 0 to 1."""
        self._before = min(max(provider.request_max_retries, 0), MOST_RETRIES)
        self._after = min(max(provider.stream_max_retries, 0), MOST_RETRIES)
        self._chance = chance
        self._failures = 0

    def after(self, error: ModelError, received: bool) -> Decision:
        """What to do about a failed attempt. `received`: anything of the reply had come."""
        self._failures += 1
        limit = self._after if received else self._before
        if not error.retryable or self._failures > limit or (error.retry_after or 0.0) > LONGEST_WISH:
            return GiveUp(self._failures)
        return Wait(delay(self._failures, error.retry_after, self._chance()), self._failures, limit)


def delay(attempt: int, retry_after: float | None, chance: float) -> float:
    """Seconds before retry number `attempt`, from 1. A provider's wish is a deadline: never earlier, a little later."""
    if retry_after is not None and retry_after > 0:
        return retry_after * (1 + JITTER * chance)
    backoff = min(BASE_SECONDS * 2 ** (attempt - 1), LONGEST_BACKOFF)
    return backoff * (1 + JITTER * (2 * chance - 1))
