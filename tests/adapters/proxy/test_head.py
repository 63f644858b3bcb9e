"""Heads of requests: what is wanted, what is sent on, and what is refused because it could be read in two ways."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.adapters.proxy.head import BadHead, parse

TOKEN = b"Proxy-Authorization: Basic " + base64.b64encode(b"treadle:secret") + b"\r\n"


def test_a_tunnel_names_its_host_port_and_token() -> None:
    wanted = parse(b"CONNECT a.com:443 HTTP/1.1\r\nHost: other.com:443\r\n" + TOKEN + b"\r\n")
    assert (wanted.host, wanted.port, wanted.tunnel, wanted.token) == ("a.com", 443, True, "secret")
    assert parse(b"CONNECT [::1]:22 HTTP/1.0\r\n\r\n").host == "[::1]"


def test_what_is_sent_on_names_the_host_that_was_judged_and_nothing_of_the_proxy() -> None:
    head = b"GET http://u:p@a.com:8080/x?y=1 HTTP/1.1\r\nHost: evil.com\r\n" + TOKEN
    head += (
        b"Proxy-Connection: keep-alive\r\nConnection: X-Own, keep-alive\r\nX-Own: 1\r\nAccept: */*\r\nContent-Length: 2\r\n\r\n"
    )
    wanted = parse(head)
    assert (wanted.host, wanted.port, wanted.tunnel) == ("a.com", 8080, False)
    expected = b"GET /x?y=1 HTTP/1.1\r\nhost: a.com:8080\r\naccept: */*\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"
    assert wanted.head == expected


@pytest.mark.parametrize(("target", "line"), [("http://a.com", b"/"), ("http://a.com?x", b"/?x"), ("http://a.com/b?x", b"/b?x")])
def test_a_path_is_there_in_every_case(target: str, line: bytes) -> None:
    assert parse(f"GET {target} HTTP/1.1\r\n\r\n".encode()).head.startswith(b"GET " + line + b" HTTP/1.1\r\nhost: a.com\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a.com\r\n\r\n",
        b"GET https://a.com/ HTTP/1.1\r\n\r\n",
        b"GET ftp://a.com/ HTTP/1.1\r\n\r\n",
        b"CONNECT a.com HTTP/1.1\r\n\r\n",
        b"CONNECT a.com:0 HTTP/1.1\r\n\r\n",
        b"CONNECT a.com:65536 HTTP/1.1\r\n\r\n",
        b"CONNECT a.com:443x HTTP/1.1\r\n\r\n",
        b"CONNECT a:b:443 HTTP/1.1\r\n\r\n",
        b"CONNECT a.com:443\r\n\r\n",
        b"connect a.com:443 HTTP/1.1\r\n\r\n",
        b"CONNECT  a.com:443 HTTP/1.1\r\n\r\n",
        b"CONNECT a.com:443 HTTP/2.0\r\n\r\n",
        b"GET http:///x HTTP/1.1\r\n\r\n",
        b"GET http://a.com/ HTTP/1.1\r\nA : b\r\n\r\n",
        b"GET http://a.com/ HTTP/1.1\r\n folded\r\n\r\n",
        b"GET http://a.com/ HTTP/1.1\r\nA: b\nHost: c\r\n\r\n",
        b"GET http://a.com/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET http://a.com/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_a_head_that_is_not_clear_is_refused(head: bytes) -> None:
    with pytest.raises(BadHead):
        parse(head)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    for head in (data, b"GET http://a.com/ HTTP/1.1\r\n" + data + b"\r\n\r\n", b"CONNECT " + data + b" HTTP/1.1\r\n\r\n"):
        try:
            wanted = parse(head)
        except BadHead:
            continue
        assert wanted.host and 0 < wanted.port < 65536
        assert wanted.head.count(b"\r\nhost: ") == (0 if wanted.tunnel else 1)
