"""Model over the Responses API: one POST, and the stream of its answer.

Promises: one pooled, kept-alive client for all requests; a stream that is abandoned or cancelled stops reading at once and its
connection is closed; a wait for connection, head or next event has an end; what a slow consumer has not taken is bounded. Never
retries, never changes the bytes of a prompt, never lets a key into a log or an error. httpx is imported with the first request.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ... import __version__
from ...core.prompt import Request
from ...core.replies import Compacted, ReplyEvent
from ...core.settings import Provider, Settings
from . import httpx_alone
from .errors import Faults
from .events import ReplyReader
from .sse import EventTooLarge, SseParser

if TYPE_CHECKING:
    import httpx

UNREAD_LIMIT = 256 * 1024
"Bytes of the stream that may await the consumer before reading pauses."
ERROR_BODY_LIMIT = 64 * 1024
ERROR_BODY_SECONDS = 10.0
COMPACTED_LIMIT = 16 * 1024 * 1024
SOON_SECONDS = 0.005
"A new connection costs more than this."
END_SECONDS = 2.0
"How long the end of a stream may lag behind response.completed for its connection to be kept."
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ResponsesModels:
    """All models behind the Responses API; owns the connections. `credentials` gives the key of a provider."""

    def __init__(self, credentials: Callable[[Provider], str | None], environ: Mapping[str, str] | None = None) -> None:
        self._credentials = credentials
        self._environ = os.environ if environ is None else environ
        self._connections = Connections()

    def get(self, provider: Provider, settings: Settings) -> ResponsesModel:
        return ResponsesModel(provider, self._connections, self._credentials, self._environ)

    async def close(self) -> None:
        await self._connections.close()


class ResponsesModel:
    """One provider."""

    def __init__(
        self,
        provider: Provider,
        connections: Connections,
        credentials: Callable[[Provider], str | None],
        environ: Mapping[str, str],
    ) -> None:
        self._provider = provider
        self._connections = connections
        self._credentials = credentials
        self._environ = environ

    async def stream(self, request: Request) -> AsyncIterator[Sequence[ReplyEvent]]:
        """See runtime.ports.Model. Batches are as large as what has come since the last one was taken."""
        faults, headers = self._prepare(request)
        response = await self._open(request, headers, faults)
        answer = Answer(response, ReplyReader(faults), faults)
        try:
            async for batch in answer.batches(self._provider.stream_idle_timeout):
                yield batch
        finally:
            if answer.completed:
                await self._connections.finish(answer)
            else:
                await answer.close()

    async def compact(self, request: Request) -> Compacted:
        """See runtime.ports.Model."""
        from . import compact  # noqa: PLC0415

        faults, headers = self._prepare(request)
        headers["Accept"] = "application/json"
        # the head comes when the work is done
        limit = self._provider.connect_timeout + self._provider.stream_idle_timeout
        response = await self._send("/responses/compact", compact.body(request), headers, faults, limit)
        if response.status_code != 200:
            raise faults.status(response.status_code, response.headers, await self._short_body(response))
        return compact.read(await _whole_body(response, faults, limit), faults)

    async def close(self) -> None:
        """The connections belong to ResponsesModels."""

    def _prepare(self, request: Request) -> tuple[Faults, dict[str, str]]:
        provider = self._provider
        key = (self._credentials(provider) or provider.bearer_token or "").strip()
        configured = dict(provider.http_headers)
        for name, variable in provider.env_http_headers:
            if value := self._environ.get(variable, "").strip():
                configured[name] = value
        secrets = [key, *configured.values(), *(value for _, value in provider.query_params)]
        # Short values such as "1" or "beta" are no secrets, and hiding them would garble every sentence.
        faults = Faults(provider, request.model, tuple(sorted((s for s in secrets if len(s) >= 8), key=len, reverse=True)))
        if provider.env_key and not key:
            raise faults.no_key()
        headers = {
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": f"treadle/{__version__}",
            "originator": "treadle",
        }
        if request.thread_id:
            headers["session_id"] = request.thread_id
        if key:
            headers["Authorization"] = f"Bearer {key}"
        for name, value in configured.items():
            headers = {k: v for k, v in headers.items() if k.lower() != name.lower()}
            headers[name] = value
        for name, value in headers.items():
            # Checked here because the errors of the HTTP library would quote the value.
            if not (value.isascii() and value.isprintable()):
                raise faults.unsendable("The API key" if name == "Authorization" else f"The configured header {name!r}")
        return faults, headers

    async def _open(self, request: Request, headers: dict[str, str], faults: Faults) -> httpx.Response:
        limit = self._provider.connect_timeout + self._provider.header_timeout
        response = await self._send("/responses", request.body(), headers, faults, limit)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code == 200 and kind in ("text/event-stream", ""):
            return response
        body = await self._short_body(response)
        raise (
            faults.not_a_stream(kind, body)
            if response.status_code == 200
            else faults.status(response.status_code, response.headers, body)
        )

    async def _send(self, path: str, content: bytes, headers: dict[str, str], faults: Faults, limit: float) -> httpx.Response:
        """The answer's head. Raises ModelError when none comes within `limit` seconds."""
        httpx_alone.load()
        import httpx  # noqa: PLC0415

        provider = self._provider
        url = provider.base_url.rstrip("/") + path
        wait = httpx.Timeout(None, connect=provider.connect_timeout, pool=provider.connect_timeout)
        try:
            client = self._connections.client(url)
            params = httpx.QueryParams(provider.query_params) if provider.query_params else None
            message = client.build_request("POST", url, content=content, headers=headers, params=params, timeout=wait)
            async with asyncio.timeout(limit):
                return await client.send(message, stream=True)
        except TimeoutError:
            raise faults.no_head(limit) from None
        except httpx.TransportError as error:
            raise faults.transport(error, began=False) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError, OSError) as error:
            # A base_url or proxy variable that is no URL; a SOCKS proxy without its package; certificates that cannot be read.
            raise faults.setup(error) from None

    async def _short_body(self, response: httpx.Response) -> bytes:
        """What fits; an error without its body is still an error."""
        import httpx  # noqa: PLC0415

        body = b""
        try:
            async with asyncio.timeout(min(ERROR_BODY_SECONDS, self._provider.stream_idle_timeout)):
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > ERROR_BODY_LIMIT:
                        break
        except (httpx.HTTPError, TimeoutError):
            pass
        finally:
            await response.aclose()
        return body


class Answer:
    """The stream of one answer: a task reads ahead, so that all that is there already reaches the consumer as one batch."""

    def __init__(self, response: httpx.Response, reader: ReplyReader, faults: Faults) -> None:
        self._response = response
        self._reader = reader
        self._faults = faults
        self._batch: list[ReplyEvent] = []
        self._unread = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._failure: Exception | None = None
        self.task = asyncio.create_task(self._read(), name="model answer")

    @property
    def completed(self) -> bool:
        return self._reader.completed

    async def batches(self, idle: float) -> AsyncIterator[list[ReplyEvent]]:
        while True:
            if not self._news.is_set():
                try:
                    async with asyncio.timeout(idle):
                        await self._news.wait()
                except TimeoutError:
                    raise self._faults.idle(idle) from None
            self._news.clear()
            batch, self._batch = self._batch, []
            self._unread = 0
            self._room.set()
            ended = self._reader.completed or self._failure is not None
            if batch:
                yield batch
            if ended:
                if not self._reader.completed and self._failure is not None:
                    raise self._failure
                return

    async def close(self) -> None:
        """Stop reading; the connection is closed unless the stream had ended."""
        self.task.cancel()
        await asyncio.wait((self.task,))
        # a task that is cancelled before its first step never comes to its own clean-up
        await self._response.aclose()

    async def _read(self) -> None:
        import httpx  # noqa: PLC0415

        response, parser, reader = self._response, SseParser(), self._reader
        plain = "content-encoding" not in response.headers
        fed = 0
        try:
            async for chunk in response.aiter_raw() if plain else response.aiter_bytes():
                if reader.completed:
                    continue  # on to the end, so that the connection can serve the next request
                fed += len(chunk)
                events = parser.feed(chunk)
                if events:
                    # Only events are signs of life: a gateway may send comments for a model that has died.
                    self._news.set()
                    reader.read(events, self._batch)
                    self._unread += fed
                    fed = 0
                if self._unread > UNREAD_LIMIT:
                    self._room.clear()
                    await self._room.wait()
            if not reader.completed:
                raise self._faults.closed_early()
        except httpx.HTTPError as error:
            self._failure = self._faults.transport(error, began=True)
        except EventTooLarge:
            self._failure = self._faults.too_large()
        except Exception as error:  # a ModelError, or our bug: both are for the consumer to raise
            self._failure = error
        finally:
            self._news.set()
            await response.aclose()


class Connections:
    """The pooled clients: one for plain HTTP on this machine, which needs no proxy and no certificates, one for the rest."""

    def __init__(self) -> None:
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def client(self, url: str) -> httpx.AsyncClient:
        """Raises ValueError for a URL that is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:  # .port raises over 65535
            raise ValueError("base_url is not an address that begins with http:// or https://")
        near = parts.scheme == "http" and parts.hostname in _LOOPBACK
        client = self._clients.get(near)
        if client is None:
            client = self._clients[near] = _client(near)
        return client

    async def finish(self, answer: Answer) -> None:
        """Let a completed answer come to its end, so that the next request finds its connection free; but do not wait long."""
        try:
            done, _ = await asyncio.wait((answer.task,), timeout=SOON_SECONDS)
        except asyncio.CancelledError:
            await answer.close()
            raise
        if done:
            return
        self._ending.add(answer.task)
        answer.task.add_done_callback(self._ending.discard)
        asyncio.get_running_loop().call_later(END_SECONDS, answer.task.cancel)

    async def close(self) -> None:
        for task in tuple(self._ending):
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        clients, self._clients = tuple(self._clients.values()), {}
        for client in clients:
            await client.aclose()


def _client(near: bool) -> httpx.AsyncClient:
    from urllib.request import getproxies  # noqa: PLC0415

    import httpx  # noqa: PLC0415

    for name in ("httpx", "httpcore"):
        # They log addresses with the query, which may hold a key.
        logging.getLogger(name).setLevel(logging.WARNING)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=120.0)
    from .transport import JoiningTransport  # noqa: PLC0415

    if near:
        return httpx.AsyncClient(transport=JoiningTransport(None, limits), trust_env=False)
    if not getproxies():
        return httpx.AsyncClient(transport=JoiningTransport(httpx.create_ssl_context(), limits))
    direct = {f"all://[{host}]" if ":" in host else f"all://{host}": None for host in _LOOPBACK}
    return httpx.AsyncClient(limits=limits, mounts=direct)


async def _whole_body(response: httpx.Response, faults: Faults, limit: float) -> bytes:
    """Raises ModelError when it does not come whole, or is longer than any answer should be."""
    import httpx  # noqa: PLC0415

    body = bytearray()
    try:
        async with asyncio.timeout(limit):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > COMPACTED_LIMIT:
                    raise faults.too_large()
    except TimeoutError:
        raise faults.idle(limit) from None
    except httpx.HTTPError as error:
        raise faults.transport(error, began=True) from None
    finally:
        await response.aclose()
    return bytes(body)
