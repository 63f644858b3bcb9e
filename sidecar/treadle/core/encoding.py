"""Bytes of a file -> text and back, so that what is not changed keeps its bytes. Pure.

UTF-8 first; UTF-16 and UTF-32 by their byte order mark, UTF-16 also by the pattern of its NULs. A file with stray bytes among
UTF-8 keeps them as surrogates; one with no valid UTF-8 beyond ASCII is taken for a single-byte encoding of western Europe, so
that new text can be written in it. Nothing here ever loses a byte: what cannot be read back the same is said to be no text.
"""

from __future__ import annotations

from .pattern import late
from .record import frozen

_SURROGATE = late("[\ud800-\udfff]")
_BEYOND_ASCII = late("[^\x00-\x7f\udc80-\udcff]")
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_SAMPLE = 8192
_MOSTLY = 0.8
"Of the code units of UTF-16 text without a mark, those that are ASCII or Latin-1."


@frozen
class Decoded:
    """`text` begins with U+FEFF where the file has a byte order mark."""

    text: str
    codec: str

    def encoded(self, text: str) -> bytes:
        """Another text as the file would hold it. Raises UnicodeEncodeError for a character that its encoding does not have."""
        errors = "surrogateescape" if self.codec == "utf-8" else "surrogatepass" if self.codec.startswith("utf") else "strict"
        return text.encode(self.codec, errors)


def decoded(data: bytes) -> Decoded | None:
    """The text of a file; None when it is not text."""
    if b"\0" not in data:
        return _marked(data) or _narrow(data)
    found = _marked(data) or _unmarked(data)
    return found if found and "\0" not in found.text else None


def displayed(data: bytes) -> str:
    """File content as text that any JSON encoder takes; what is no text becomes U+FFFD."""
    found = decoded(data)
    return data.decode("utf-8", "replace") if found is None else without_surrogates(found.text)


def without_surrogates(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _marked(data: bytes) -> Decoded | None:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return _exactly(data, codec)
    return None


def _unmarked(data: bytes) -> Decoded | None:
    sample = data[:_SAMPLE]
    units = len(sample) // 2
    if len(data) % 2 or not units:
        return None
    high, low = sample[1::2].count(0), sample[::2].count(0)
    if high >= units * _MOSTLY and not low:
        return _exactly(data, "utf-16-le")
    return _exactly(data, "utf-16-be") if low >= units * _MOSTLY and not high else None


def _exactly(data: bytes, codec: str) -> Decoded | None:
    try:
        return Decoded(data.decode(codec, "surrogatepass"), codec)
    except UnicodeDecodeError:
        return None


def _narrow(data: bytes) -> Decoded:
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "surrogateescape")
    if _BEYOND_ASCII.search(text):
        return Decoded(text, "utf-8")
    for codec in ("cp1252", "latin-1"):
        try:
            return Decoded(data.decode(codec), codec)
        except UnicodeDecodeError:
            continue
    raise AssertionError("Latin-1 has all bytes")
