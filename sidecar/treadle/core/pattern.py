"""Regular expressions that are compiled when they are first used, not when their module is loaded.

Promises the same matches as `re.compile`, after the first use as fast. A mistake in a pattern shows itself only at that use: for
this tests/core/test_pattern.py compiles each. Must not be given to the functions of `re`, which know only compiled ones.
"""

from __future__ import annotations

import re
from typing import Any, cast, overload


@overload
def late(text: str, flags: int = 0) -> re.Pattern[str]: ...
@overload
def late(text: bytes, flags: int = 0) -> re.Pattern[bytes]: ...
def late(text: str | bytes, flags: int = 0) -> re.Pattern[Any]:
    """As `re.compile(text, flags)`."""
    return cast("re.Pattern[Any]", Late(text, flags))


class Late:
    """Stands in for a compiled pattern. What is asked of it once stays in its `__dict__`, where Python looks first."""

    def __init__(self, text: Any, flags: int) -> None:
        self._given: tuple[Any, int] = text, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        # the cache of `re` may have dropped it, but another name asked later gives an equal pattern
        text, flags = self._given
        compiled: re.Pattern[Any] = re.compile(text, flags)
        value = self.__dict__[name] = getattr(compiled, name)
        return value
