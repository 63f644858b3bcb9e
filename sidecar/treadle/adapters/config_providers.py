"""Which provider answers, and how it is reached: the built-in rows and the user's `model_providers.*` tables.

Never falls back to another provider when the chosen one is not usable: words must not go where the user did not send them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from ..core.settings import Provider
from .config_files import ConfigProblem
from .config_values import Values

OPENAI = Provider(
    "openai", "OpenAI", "https://api.openai.com/v1", env_key="OPENAI_API_KEY", compact_endpoint=True, web_search=True
)
OLLAMA = Provider("ollama", "Ollama", "http://localhost:11434/v1", custom_tools=False)
LMSTUDIO = Provider("lmstudio", "LM Studio", "http://localhost:1234/v1", custom_tools=False)
LOCAL = Provider("local", "the built-in local model", "", wire="local", custom_tools=False)
BUILT_IN = {row.id: row for row in (OPENAI, OLLAMA, LMSTUDIO, LOCAL)}
UNREADABLE = "unreadable-config"
"Stands for the provider that a file names which could not be read. Nothing is ever sent to it."
RESERVED = ("openai", "local")

MAX_RETRIES = 100
_TABLE = "model_providers"


def provider(values: Values, environ: Mapping[str, str], *, has_openai_key: bool) -> Provider:
    """The configured provider, else OpenAI where there is a key for it, else the embedded model."""
    for name in RESERVED:
        if name in values.names(_TABLE):
            hint = "set openai_base_url, or give the table another name" if name == "openai" else "give the table another name"
            values.wrong((_TABLE, name), f"{name!r} is built in and cannot be redefined; {hint}.")
    if gap := values.gap("model_provider"):
        return _unknown(UNREADABLE, gap)
    chosen = values.text("model_provider") or ("openai" if has_openai_key else "local")
    if chosen == "openai":
        base = values.text("openai_base_url") or environ.get("OPENAI_BASE_URL") or OPENAI.base_url
        return replace(OPENAI, base_url=_address(values, ("openai_base_url",), base))
    if chosen == "local":
        return LOCAL
    if chosen not in BUILT_IN and (gap := values.gap(_TABLE, chosen)):
        return _unknown(chosen, gap)
    if chosen not in BUILT_IN and chosen not in values.names(_TABLE):
        values.wrong(("model_provider",), f"there is no provider {chosen!r}; add [{_TABLE}.{chosen}] with a base_url.")
        return Provider(chosen, chosen, "")
    return _custom(values, chosen)


def listed(raw: Mapping[str, Any], chosen: Provider) -> tuple[Provider, ...]:
    """All that `raw`, the configuration as written, lets the user choose from. Of those not in use only what may be shown."""
    tables: Any = raw.get(_TABLE)
    own = cast("dict[str, Any]", tables) if isinstance(tables, dict) else {}
    names = dict.fromkeys([*BUILT_IN, *(name for name in own if name not in RESERVED), chosen.id])
    return tuple(chosen if name == chosen.id else _shown(name, own.get(name)) for name in names)


def _shown(name: str, given: Any) -> Provider:
    start = BUILT_IN.get(name, Provider(name, name, ""))
    table = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    said = {key: table[key] for key in ("name", "base_url", "env_key") if isinstance(table.get(key), str)}
    token = table.get("experimental_bearer_token")
    return replace(start, bearer_token=token if isinstance(token, str) else None, **said)


def _unknown(name: str, gap: ConfigProblem) -> Provider:
    """Which provider, or what its address is, stands in a file that could not be read: better none than another one."""
    place = f"{gap.file}:{gap.line}" if gap.line else gap.file
    what = "which model provider to use" if name == UNREADABLE else f"what the model provider {name!r} is"
    other = "provider" if name == UNREADABLE else "built-in provider"
    way_out = f"mend it, or name the {other} with -c model_provider=..."
    return Provider(name, name, "", refusal=f"{place} cannot be used, and it may say {what}: {way_out}")


def _custom(values: Values, name: str) -> Provider:
    start = BUILT_IN.get(name, Provider(name, name, ""))
    key = (_TABLE, name)
    base = values.text(*key, "base_url") or start.base_url
    if not base:
        values.wrong(key, "has no base_url; requests to it will fail until it is set.")
    wire = values.text(*key, "wire_api")
    if wire not in (None, "responses"):
        values.wrong(
            (*key, "wire_api"), f'{wire!r} is not supported: the provider must speak the Responses API (wire_api = "responses").'
        )
    for unsupported in ("auth", "aws"):
        if values.has(*key, unsupported):
            values.wrong((*key, unsupported), "is not supported; use env_key or http_headers instead.")
    env_key = values.text(*key, "env_key")
    if env_key is None and values.flag(*key, "requires_openai_auth"):
        env_key = "OPENAI_API_KEY"
    missing = f"[model_providers.{name}] in config.toml has no base_url. Add it, or choose another model_provider."
    custom = values.flag(*key, "custom_tools", default=start.custom_tools)
    return replace(
        start,
        name=values.text(*key, "name") or start.name,
        base_url=_address(values, (*key, "base_url"), base),
        env_key=env_key,
        env_key_instructions=values.text(*key, "env_key_instructions"),
        bearer_token=values.text(*key, "experimental_bearer_token"),
        http_headers=values.pairs(*key, "http_headers"),
        env_http_headers=values.pairs(*key, "env_http_headers"),
        query_params=values.pairs(*key, "query_params"),
        request_max_retries=_retries(values, (*key, "request_max_retries"), start.request_max_retries),
        stream_max_retries=_retries(values, (*key, "stream_max_retries"), start.stream_max_retries),
        stream_idle_timeout=_seconds(values, (*key, "stream_idle_timeout_ms"), start.stream_idle_timeout),
        connect_timeout=_seconds(values, (*key, "connect_timeout_ms"), start.connect_timeout),
        header_timeout=_seconds(values, (*key, "header_timeout_ms"), start.header_timeout),
        custom_tools=values.flag(*key, "treadle_custom_tools", default=custom),
        web_search=values.flag(*key, "supports_web_search", default=start.web_search),
        compact_endpoint=values.flag(*key, "supports_compaction", default=start.compact_endpoint),
        refusal=None if base else missing,
    )


def _address(values: Values, key: tuple[str, ...], base: str) -> str:
    base = base.strip().rstrip("/")
    if base and not base.startswith(("http://", "https://")):
        values.wrong(key, "must begin with http:// or https://; requests to it will fail until it does.")
    return base


def _retries(values: Values, key: tuple[str, ...], default: int) -> int:
    found = values.number(*key)
    return default if found is None else min(found, MAX_RETRIES)


def _seconds(values: Values, key: tuple[str, ...], default: float) -> float:
    found = values.number(*key, least=1)
    return default if found is None else found / 1000
