"""Logins to MCP servers on disk: tokens, and who we are to the server that gave them. One file that only its owner can read.

A token goes to the server that it was given for and nowhere else: into no log, no prompt, no child's environment. A file that
cannot be read is as good as none; one that cannot be written is said.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, field
from pathlib import Path
from typing import Any, cast

from ...core.errors import TreadleError
from ...core.items import JsonObject, dumps
from ...core.record import frozen
from ...core.settings import McpServer

MAX_BYTES = 1024 * 1024


@frozen
class Login:
    """What a login to a server has brought."""

    url: str
    "Of the server: the login is good for no other."
    access_token: str = field(repr=False)
    token_endpoint: str
    client: JsonObject = field(repr=False)
    "Who we are to the server that gives tokens, as it registered us."
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None
    "Seconds since the epoch."
    scope: str | None = None
    resource: str | None = None
    "What a token is asked for."


class TokenFile:
    """`path` is made when something is first kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, server: McpServer) -> Login | None:
        """None without a login to this server at this address."""
        entry: Any = self._entries().get(_key(server))
        try:
            login = Login(**cast("JsonObject", entry)) if isinstance(entry, dict) else None
        except TypeError:
            return None
        if login is None or login.url != server.url or not isinstance(cast(Any, login.access_token), str):
            return None
        return login

    def secrets(self) -> list[str]:
        """Of all logins: what must be seen by nobody else."""
        logins = [cast("JsonObject", entry) for entry in self._entries().values() if isinstance(entry, dict)]
        logins += [cast("JsonObject", login["client"]) for login in logins if isinstance(login.get("client"), dict)]
        names = ("access_token", "refresh_token", "client_secret", "registration_access_token")
        found = [login.get(name) for login in logins for name in names]
        return [token for token in found if isinstance(token, str)]

    def write(self, server: McpServer, login: Login | None) -> None:
        """None forgets it. Raises TreadleError when the file cannot be written."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._locked():
                entries = self._entries()
                entries.pop(_key(server), None)
                if login is not None:
                    entries[_key(server)] = asdict(login)
                handle, name = tempfile.mkstemp(dir=self._path.parent, suffix=".tmp")  # made with mode 0600
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(dumps(entries))
                os.replace(name, self._path)
        except OSError as error:
            raise TreadleError(f"The login cannot be kept in {self._path}: {error.strerror}.") from error

    def _entries(self) -> JsonObject:
        try:
            with self._path.open("rb") as file:
                found: Any = json.loads(file.read(MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return cast("JsonObject", found) if isinstance(found, dict) else {}

    @contextmanager
    def _locked(self) -> Generator[None]:
        """Alone among the processes of this user, where the system can do that."""
        handle = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            with suppress(ImportError):
                import fcntl  # noqa: PLC0415 - not on Windows

                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _key(server: McpServer) -> str:
    return f"{server.name}|{hashlib.sha256((server.url or '').encode()).hexdigest()[:16]}"
