"""Bytes to text and back: nothing is lost, and what is no text is said to be none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.encoding import decoded, displayed
from treadle.core.known_files import LIMIT, KnownFiles


@given(st.one_of(st.binary(max_size=200), st.text(max_size=80).map(lambda t: t.encode("utf-16", "surrogatepass"))))
def test_what_is_read_is_written_back_byte_by_byte(data: bytes) -> None:
    found = decoded(data)
    if found is None:
        assert b"\0" in data
    else:
        assert found.encoded(found.text) == data
    json.dumps(displayed(data), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("data", "codec", "text"),
    [
        ("é\n".encode(), "utf-8", "é\n"),
        (b"\xef\xbb\xbfa\n", "utf-8", "\ufeffa\n"),
        ("\ufeffé\n".encode("utf-16-le"), "utf-16-le", "\ufeffé\n"),
        ("\ufeffé\n".encode("utf-16-be"), "utf-16-be", "\ufeffé\n"),
        ("\ufeffé\n".encode("utf-32-le"), "utf-32-le", "\ufeffé\n"),
        ("plain é text\n".encode("utf-16-le"), "utf-16-le", "plain é text\n"),
        ("plain é text\n".encode("utf-16-be"), "utf-16-be", "plain é text\n"),
        (b"caf\xe9 \x93x\x94\n", "cp1252", "café “x”\n"),
        (b"caf\xe9 \x81\n", "latin-1", "café \x81\n"),
        (b"caf\xe9 \xc3\xa9\n", "utf-8", "caf\udce9 é\n"),
        (b"", "utf-8", ""),
    ],
)
def test_encodings_are_told_apart(data: bytes, codec: str, text: str) -> None:
    found = decoded(data)
    assert found is not None
    assert (found.codec, found.text) == (codec, text)


@pytest.mark.parametrize(
    "data", [b"a\0b\n", b"\0\0\0\0", b"\xff\xfea\0\n", b"\x7fELF\x02\x01\0\0", "\ufeffa\0b".encode("utf-16-le")]
)
def test_binary_files_are_no_text(data: bytes) -> None:
    assert decoded(data) is None


def test_a_file_is_changed_when_other_content_of_it_was_seen() -> None:
    known = KnownFiles()
    assert not known.changed("/a", b"1")
    known.note("/a", b"1")
    assert not known.changed("/a", b"1")
    assert known.changed("/a", b"2")
    known.note("/a", None)
    assert not known.changed("/a", b"2")


def test_the_file_seen_longest_ago_is_forgotten_first() -> None:
    known = KnownFiles()
    known.note("/first", b"1")
    known.note("/second", b"1")
    known.note("/first", b"1")
    for number in range(LIMIT - 1):
        known.note(f"/{number}", b"1")
    assert known.changed("/first", b"2")
    assert not known.changed("/second", b"2")
