"""The embedded model: a llama.cpp server as a child process, its weights, and the translation between it and Treadle.

Nothing outside this folder knows that the model speaks a constrained JSON: what leaves are ordinary messages and function calls.
"""

from __future__ import annotations

from .model import EmbeddedModel, open_local

__all__ = ["EmbeddedModel", "open_local"]
