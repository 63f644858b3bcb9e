"""Failures and warnings as a client reads them."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypeAliasType

from .base import Wire


class HttpStatus(Wire):
    http_status_code: int | None


class HttpConnectionFailed(Wire):
    http_connection_failed: HttpStatus


class ResponseStreamConnectionFailed(Wire):
    response_stream_connection_failed: HttpStatus


class ResponseStreamDisconnected(Wire):
    response_stream_disconnected: HttpStatus


class ResponseTooManyFailedAttempts(Wire):
    response_too_many_failed_attempts: HttpStatus


CodexErrorInfo = TypeAliasType(
    "CodexErrorInfo",
    Literal[
        "contextWindowExceeded",
        "usageLimitExceeded",
        "rateLimitExceeded",
        "serverOverloaded",
        "modelNotFound",
        "cyberPolicy",
        "internalServerError",
        "unauthorized",
        "badRequest",
        "sandboxError",
        "other",
    ]
    | HttpConnectionFailed
    | ResponseStreamConnectionFailed
    | ResponseStreamDisconnected
    | ResponseTooManyFailedAttempts,
)


class TurnError(Wire):
    message: str
    "One sentence for the user, with the way out."
    codex_error_info: CodexErrorInfo | None
    additional_details: str | None
    misalignment: None


class ErrorNotification(Wire):
    thread_id: str
    turn_id: str
    error: TurnError
    will_retry: bool
    "True: the turn goes on by itself."


class WarningNotification(Wire):
    thread_id: str | None
    message: str


class ConfigWarningNotification(Wire):
    summary: str
    details: str | None
    path: str | None = None
