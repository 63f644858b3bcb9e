"""A kept thread whose records make no sense, told in one sentence. Mends nothing: what is kept stays as it is.

Whatever a bad disk, another program or a newer version left there must neither reach a client as a failure of ours nor be loaded
in part: a thread is whole, or it is not opened.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator

from ..core.errors import TreadleError

_log = logging.getLogger(__name__)
_SENSELESS = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


@contextlib.contextmanager
def sound(thread_id: str) -> Generator[None]:
    """Around what is made of a thread's items. Raises TreadleError when nothing can be made of them."""
    try:
        yield
    except _SENSELESS as error:
        _log.exception("the records of thread %s", thread_id)
        newer = "newer Treadle" in str(error)
        why = "it was written by a newer Treadle, which can open it" if newer else "what is kept of it is damaged"
        raise TreadleError(
            f"The thread {thread_id} cannot be opened: {why}.",
            hint=f"`treadle threads export {thread_id} --format jsonl` writes out what there is; no other thread is touched.",
            details=f"{type(error).__name__}: {str(error)[:200]}",
        ) from error
