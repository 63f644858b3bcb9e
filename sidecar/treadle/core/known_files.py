"""What the model last saw of each file, as digests: by its own patches and by the reads that we saw. Pure; one a thread; bounded.

A file that is not known may have any content: nothing is said of it. Being wrong costs a note or a second read, never a change in
the wrong place: that is prevented where a patch is matched with the file as it is now.
"""

from __future__ import annotations

from hashlib import blake2b

LIMIT = 4_000
"Files a thread remembers; the one noted longest ago is forgotten first."


class KnownFiles:
    """Paths are absolute with symlinks resolved."""

    def __init__(self) -> None:
        self._digests: dict[str, bytes] = {}

    def note(self, path: str, data: bytes | None) -> None:
        """The model knows this content now; None: that there is no such file."""
        self._digests.pop(path, None)
        if data is not None:
            self._digests[path] = _digest(data)
        while len(self._digests) > LIMIT:
            del self._digests[next(iter(self._digests))]

    def changed(self, path: str, data: bytes) -> bool:
        """Whether the model saw other content than this."""
        known = self._digests.get(path)
        return known is not None and known != _digest(data)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
