"""Tools that the provider runs itself: listed after the built-in ones, never called through us."""

from __future__ import annotations

from .items import JsonObject
from .settings import Settings


def hosted(settings: Settings) -> list[JsonObject]:
    """Their entries in the tool list; only for providers that are known to have them."""
    if not settings.provider.web_search or settings.web_search == "disabled":
        return []
    return [{"type": "web_search", "external_web_access": settings.web_search == "live"}]
