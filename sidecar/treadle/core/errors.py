"""Failures that a user can act on. Every one carries one sentence and, where there is one, the way out.

The model's mistakes are not here: they become outputs of calls. Our own bugs are not here either: they are exceptions.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

ModelErrorKind: TypeAlias = Literal[
    "unauthorized",  # 401, 403, no key
    "model_not_found",  # 404 for a model
    "bad_request",  # other 4xx
    "context_overflow",
    "rate_limited",  # 429
    "quota",  # 429 that waiting does not cure; plan or quota used up
    "overloaded",  # 503, server_is_overloaded
    "server",  # other 5xx, response.failed
    "unreachable",  # connect, DNS, TLS; no answer at all
    "stream_cut",  # the stream began and did not complete
    "policy",  # refused by the provider's policy
    "other",
]


class TreadleError(Exception):
    """A failure with a sentence for the user. `hint` is the way out; `details` may be long and technical."""

    def __init__(self, message: str, *, hint: str | None = None, details: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def sentence(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class ModelError(TreadleError):
    """A request to a model that failed. `retryable` is the adapter's judgement, `retry_after` the server's wish (seconds)."""

    def __init__(
        self,
        message: str,
        *,
        kind: ModelErrorKind = "other",
        retryable: bool = False,
        status: int | None = None,
        retry_after: float | None = None,
        hint: str | None = None,
        details: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, details=details)
        self.kind = kind
        self.retryable = retryable
        self.status = status
        self.retry_after = retry_after


class ConfigError(TreadleError):
    """A setting that cannot be used: names file, line and key."""


class RequestRefused(TreadleError):
    """An op that cannot be carried out now, e.g. a steer without a running turn. Becomes a JSON-RPC error."""

    def __init__(self, message: str, *, code: int = -32600, data: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


def open_elsewhere(thread_id: str) -> RequestRefused:
    """Another process has claimed the thread. `data.reason` says so to a client that offers ways out."""
    words = f"thread {thread_id} is open in another process: close it there first"
    return RequestRefused(words, data={"reason": "openElsewhere"})


class ToolFailure(TreadleError):
    """A call that failed in a way the model should read and may mend."""
