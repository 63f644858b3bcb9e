"""Model over the Responses API: HTTP and server-sent events. Decides nothing; retries are runtime/retry.py's."""

from __future__ import annotations

from .http import ResponsesModel, ResponsesModels

__all__ = ["ResponsesModel", "ResponsesModels"]
