"""What went wrong with a request, in one sentence that a person can act on.

Promises: the provider's own words are shown where it gave any; each error says whether asking again can help; no key, token or
configured header value appears in a message, a hint or the details, even when the provider echoes it. Never retries.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, cast

from ...core.errors import ModelError
from ...core.pattern import late
from ...core.record import frozen
from ...core.settings import Provider

SAID_LIMIT = 400
"Characters of the provider's own sentence that are shown."
DETAILS_LIMIT = 2000

_OVERFLOW_CODES = {"context_length_exceeded", "exceed_context_size_error"}
_QUOTA_CODES = {"insufficient_quota", "usage_not_included", "usage_limit_reached", "billing_hard_limit_reached"}
_OVERLOADED_CODES = {"server_is_overloaded", "slow_down", "overloaded_error"}
_POLICY_CODES = {"cyber_policy", "content_filter", "content_policy_violation"}
_BAD_REQUEST_CODES = {"invalid_prompt", "invalid_request_error", "invalid_image", "bad_request"}
_OVERFLOW_WORDS = late(r"maximum context|context (length|window|size)|prompt is too long|too many input tokens", re.I)
_MODEL_WORDS = late(
    r"model.{0,80}(not (found|exist|supported|available)|does not exist|unknown)|(unknown|invalid) model", re.I | re.S
)
_UNIT = r"(?:ms|milliseconds?|h(?:ours?)?|m(?:in(?:utes?)?)?|s(?:ec(?:onds?)?)?)"
_TRY_AGAIN = late(rf"(?:try again|retry)(?: again)? (?:in|after)\s+((?:\d+(?:\.\d+)?\s*{_UNIT}\s*)+)", re.I)
_TIME_PART = late(r"(\d+(?:\.\d+)?)\s*(ms|milli|h|m|s)", re.I)
_UNIT_SECONDS = {"ms": 0.001, "milli": 0.001, "h": 3600.0, "m": 60.0, "s": 1.0}


@frozen
class Said:
    """What a provider wrote about a failure."""

    text: str = ""
    code: str = ""
    kind: str = ""


@frozen
class Faults:
    """Makes the errors of one request."""

    provider: Provider
    model: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        return self.provider.name or self.provider.id

    @property
    def address(self) -> str:
        """The base URL without a user name or password in it."""
        scheme, mark, rest = self.provider.base_url.partition("://")
        if not mark:
            return self.provider.base_url or "no address"
        host, slash, path = rest.partition("/")
        return scheme + mark + host.rpartition("@")[2] + slash + path

    def hide(self, text: str) -> str:
        for secret in self.secrets:
            if secret:
                text = text.replace(secret, "[hidden]")
        return text

    def no_key(self) -> ModelError:
        variable = self.provider.env_key
        return ModelError(
            f"There is no API key for {self.name}: the environment variable {variable} is not set.",
            kind="unauthorized",
            hint=self.provider.env_key_instructions
            or f"Set {variable} where the editor or terminal is started, or choose another model_provider.",
        )

    def unsendable(self, what: str) -> ModelError:
        return ModelError(
            f"{what} for {self.name} holds characters that cannot be sent in an HTTP header, such as a line break.",
            kind="unauthorized",
            hint="Set it again without them.",
        )

    def setup(self, error: Exception) -> ModelError:
        """The client could not be made, or the address is none."""
        if isinstance(error, OSError):
            return ModelError(
                f"{self.name} cannot be asked: the certificates cannot be read ({_clipped(error.strerror or str(error))}).",
                kind="unreachable",
                hint="Check SSL_CERT_FILE and SSL_CERT_DIR.",
            )
        return ModelError(
            f"{self.name} cannot be asked at {self.address}: {_ended(self.hide(_clipped(str(error))))}",
            kind="unreachable",
            hint=f"Check base_url of the provider {self.provider.id!r} and the proxy variables of the environment.",
        )

    def status(self, status: int, headers: Mapping[str, str], body: bytes) -> ModelError:
        said = self.said(body, headers.get("content-type", ""))
        after = retry_after(headers, said.text)
        request_id = headers.get("x-request-id")
        details = f"HTTP {status} from {self.address}" + (f", request id {request_id}" if request_id else "")
        if body:
            details += "\n" + body[:DETAILS_LIMIT].decode("utf-8", "replace")
        error = self._by_status(status, said, after)
        error.status = status
        error.retry_after = after if error.retryable else None
        error.details = self.hide(details)
        return error

    def _by_status(self, status: int, said: Said, after: float | None) -> ModelError:
        known = self._by_code(said)
        if known is not None:
            return known
        if status == 401:
            return self._error("did not accept the API key", said, "unauthorized", hint=self._key_hint())
        if status == 403:
            return self._error("refused access", said, "unauthorized", hint=self._key_hint())
        if status == 404:
            if _MODEL_WORDS.search(said.text):
                return self._no_model(said)
            return self._error(
                f"has nothing at {self.address}/responses (404)",
                said,
                "bad_request",
                hint=f"Check base_url of the provider {self.provider.id!r}; it usually ends in /v1.",
            )
        if status == 429:
            return self._error("is limiting requests (429)", said, "rate_limited", retryable=True)
        if status in (400, 413, 422) and _OVERFLOW_WORDS.search(said.text):
            return self._overflow(said)
        if status == 408:
            return self._error("timed out while it waited for the request (408)", said, "server", retryable=True)
        if status == 503:
            return self._error("is overloaded (503)", said, "overloaded", retryable=True)
        if status >= 500:
            return self._error(f"failed ({status})", said, "server", retryable=True)
        if status == 413:
            hint = "Start a new thread or attach less."
            return self._error("found the request too large (413)", said, "bad_request", hint=hint)
        if 300 <= status < 400:
            return self._error(
                f"redirects to another address ({status})",
                said,
                "bad_request",
                hint=f"Put the final address in base_url of the provider {self.provider.id!r}.",
            )
        return self._error(f"refused the request ({status})", said, "bad_request")

    def not_a_stream(self, content_type: str, body: bytes) -> ModelError:
        return ModelError(
            f"{self.name} did not answer with a stream of events but with {content_type or 'something else'}.",
            kind="other",
            status=200,
            hint=f"Check base_url of the provider {self.provider.id!r}: it must serve the Responses API.",
            details=self.hide(body[:DETAILS_LIMIT].decode("utf-8", "replace")),
        )

    def not_compacted(self, body: bytes) -> ModelError:
        return ModelError(
            f"{self.name} did not answer its compaction endpoint with a list of items.",
            kind="other",
            status=200,
            details=self.hide(body[:DETAILS_LIMIT].decode("utf-8", "replace")),
        )

    def reported(self, error: object) -> ModelError:
        """From the `error` member of response.failed, or an error event."""
        said = self._from_json(error)
        known = self._by_code(said)
        if known is None and said.code == "rate_limit_exceeded":
            known = self._error("is limiting requests", said, "rate_limited", retryable=True)
        if known is None:
            known = self._error("failed while it was answering", said, "server", retryable=True)
        if known.retryable:
            known.retry_after = retry_after({}, said.text)
        return known

    def incomplete(self, reason: str) -> ModelError:
        if reason == "content_filter":
            message = f"{self.name} stopped the answer: its content filter objected."
            return ModelError(message, kind="policy", hint="Rephrase the request.")
        return self._cut(f"stopped before the answer was complete ({reason})")

    def closed_early(self) -> ModelError:
        return self._cut("closed the stream before the answer was complete")

    def idle(self, seconds: float) -> ModelError:
        return self._cut(f"fell silent for {seconds:g} s in the middle of an answer")

    def too_large(self) -> ModelError:
        return ModelError(f"{self.name} sent an event that is too large to be an answer.", kind="other")

    def no_head(self, seconds: float) -> ModelError:
        return ModelError(
            f"{self.name} at {self.address} did not begin to answer within {seconds:g} s.",
            kind="unreachable",
            retryable=True,
            hint="Try again later, or check base_url and the network.",
        )

    def transport(self, error: Exception, began: bool) -> ModelError:
        """The connection failed. `began`: after the head of the answer had come."""
        if began:
            failure = self.closed_early()
            failure.details = self.hide(f"{type(error).__name__}: {error}")
            return failure
        reason, hint, retryable = _why(error)
        return ModelError(
            f"{self.name} cannot be reached at {self.address}: {reason}.",
            kind="unreachable",
            retryable=retryable,
            hint=hint or f"Check the network and base_url of the provider {self.provider.id!r}.",
            details=self.hide(f"{type(error).__name__}: {error}"),
        )

    def said(self, body: bytes, content_type: str) -> Said:
        text = body[: 64 * 1024].decode("utf-8", "replace")
        try:
            return self._from_json(json.loads(text))
        except (ValueError, RecursionError):
            plain = "" if "html" in content_type or text.lstrip().startswith("<") else text
            return Said(text=self.hide(_clipped(plain)))

    def _from_json(self, value: object) -> Said:
        for _ in range(2):  # {"error": {...}} or the error itself
            if isinstance(value, dict) and isinstance(cast("dict[str, Any]", value).get("error"), (dict, str)):
                value = cast("dict[str, Any]", value)["error"]
        if isinstance(value, str):
            return Said(text=self.hide(_clipped(value)))
        if not isinstance(value, dict):
            return Said()
        data = cast("dict[str, Any]", value)
        text = next((data[key] for key in ("message", "detail", "title") if isinstance(data.get(key), str)), "")
        code, kind = data.get("code"), data.get("type")
        return Said(
            text=self.hide(_clipped(text)),
            code=code if isinstance(code, str) else "",
            kind=kind if isinstance(kind, str) else "",
        )

    def _by_code(self, said: Said) -> ModelError | None:
        codes = {said.code, said.kind}
        if codes & _OVERFLOW_CODES:
            return self._overflow(said)
        if codes & _QUOTA_CODES:
            return self._error(
                "says that the quota or plan is used up",
                said,
                "quota",
                hint="Check plan and billing with the provider, or choose another model_provider.",
            )
        if codes & _POLICY_CODES:
            return self._error("refused the request by its policy", said, "policy")
        if codes & _OVERLOADED_CODES:
            return self._error("is overloaded", said, "overloaded", retryable=True)
        if said.code == "model_not_found":
            return self._no_model(said)
        if said.code in _BAD_REQUEST_CODES:
            return self._error("refused the request", said, "bad_request")
        return None

    def _no_model(self, said: Said) -> ModelError:
        what = f"does not offer the model {self.model!r}" if self.model else "does not offer this model"
        return self._error(what, said, "model_not_found", hint="Choose another model in the panel or by `model` in config.toml.")

    def _overflow(self, said: Said) -> ModelError:
        hint = "Compact the thread or start a new one."
        return self._error("cannot take a thread of this length", said, "context_overflow", hint=hint)

    def _cut(self, what: str) -> ModelError:
        return ModelError(f"{self.name} {what}.", kind="stream_cut", retryable=True)

    def _key_hint(self) -> str:
        if self.provider.env_key:
            extra = f" {self.provider.env_key_instructions}" if self.provider.env_key_instructions else ""
            return f"Check the key in the environment variable {self.provider.env_key}.{extra}"
        return f"Name the variable that holds the key by env_key of the provider {self.provider.id!r}."

    def _error(self, what: str, said: Said, kind: Any, *, retryable: bool = False, hint: str | None = None) -> ModelError:
        message = f"{self.name} {what}: {_ended(said.text)}" if said.text else f"{self.name} {what}."
        return ModelError(message, kind=kind, retryable=retryable, hint=hint)


def retry_after(headers: Mapping[str, str], text: str, now: float | None = None) -> float | None:
    """Seconds that the provider asks us to wait: by header, else by the words "try again in 1.2s"."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # rarely used, slow to load

    for key, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(key, "").strip()
        if not value:
            continue
        if re.fullmatch(r"\d{1,12}(\.\d{1,12})?", value):
            return float(value) * scale
        try:
            wanted = parsedate_to_datetime(value).timestamp()
            if now is None:  # by the clock of who asks for it, if it says what that shows: ours may be wrong
                now = parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else time.time()
            return max(wanted - now, 0.0)
        except (ValueError, OverflowError):
            continue
    match = _TRY_AGAIN.search(text)
    if match is None:
        return None
    return sum(float(number) * _UNIT_SECONDS[unit.lower()] for number, unit in _TIME_PART.findall(match.group(1)))


def _why(error: Exception) -> tuple[str, str | None, bool]:
    """(reason, hint, whether asking again can help)"""
    if type(error).__name__ in ("ConnectTimeout", "PoolTimeout"):
        return "no connection in time", None, True
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "If your network inspects TLS, set SSL_CERT_FILE to its certificate bundle."
            return f"its TLS certificate is not trusted ({cause.verify_message})", hint, False
        if isinstance(cause, ssl.SSLError):
            return "the TLS handshake failed", "Check whether base_url should begin with http:// or https://.", False
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved", None, True
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused", None, True
    if type(error).__name__ == "ProxyError":
        return "the proxy refused the connection", "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.", True
    if type(error).__name__ == "ConnectError":
        return "no connection", None, True
    return "the connection broke before an answer came", None, True


def _causes(error: BaseException) -> Iterator[BaseException]:
    todo: list[BaseException | None] = [error]
    for _ in range(32):
        if not todo:
            return
        current = todo.pop(0)
        if current is None:
            continue
        yield current
        if isinstance(current, BaseExceptionGroup):
            todo.extend(cast("BaseExceptionGroup[BaseException]", current).exceptions)
        todo += [current.__cause__, current.__context__]


def _clipped(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SAID_LIMIT else text[: SAID_LIMIT - 1] + "…"


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else text + "."
