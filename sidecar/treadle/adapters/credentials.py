"""The key of a provider: from the environment, the configuration, or $CODEX_HOME/auth.json. Read when needed, written never.

A key is returned to the caller and nowhere else: not logged, not put into messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..core.errors import ModelError
from ..core.settings import Provider
from .config import stored_key, stored_secrets

_MOST_KNOWN = 64
"Of stored keys, with those of before."


class Credentials:
    """Callable: provider -> key, or None for one that needs none. Raises ModelError(unauthorized) with the way out."""

    def __init__(self, codex_home: Path, environ: Mapping[str, str]) -> None:
        self._codex_home = codex_home
        self._environ = environ

    def __call__(self, provider: Provider) -> str | None:
        if provider.wire == "local":
            return None
        if provider.refusal:
            raise ModelError(provider.refusal, kind="bad_request")
        if not provider.base_url:
            raise ModelError(
                f"The model provider {provider.id!r} is not defined.",
                kind="bad_request",
                hint=f"Add [model_providers.{provider.id}] with a base_url to config.toml, or choose another model_provider.",
            )
        if provider.bearer_token:
            return provider.bearer_token
        if provider.env_key is None:
            return None
        key = self._environ.get(provider.env_key, "").strip()
        if not key and provider.env_key == "OPENAI_API_KEY":
            key = self._environ.get("CODEX_API_KEY", "").strip() or stored_key(self._codex_home) or ""
        if key:
            return key
        hint = provider.env_key_instructions or (
            f"Set {provider.env_key} where the editor or terminal is started, or choose another model_provider, "
            "for example local, in config.toml."
        )
        raise ModelError(
            f"There is no API key for {provider.name}: the environment variable {provider.env_key} is not set.",
            kind="unauthorized",
            hint=hint,
        )


class StoredKeys:
    """Callable: what $CODEX_HOME/auth.json holds now or held before, as long as this process has seen it: what was handed to a
    command, or lies in a file, is not gone when another program renews it."""

    def __init__(self, codex_home: Path) -> None:
        self._codex_home = codex_home
        self._known: dict[str, None] = {}

    def __call__(self) -> list[str]:
        for key in stored_secrets(self._codex_home):
            self._known.pop(key, None)
            self._known[key] = None
        for old in list(self._known)[:-_MOST_KNOWN]:
            del self._known[old]
        return list(self._known)
