"""What of a diff a model is shown for a commit message, and what of its answer is one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import commit_message as cm


def part(path: str, body: str = "+x\n") -> str:
    return f"diff --git a/{path} b/{path}\nindex 1..2 100644\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n{body}"


@pytest.mark.parametrize(
    "path",
    [".env", "app/.env.local", "prod.env", "deploy/id_rsa", "certs/server.pem", ".npmrc", "aws-credentials", "secrets.yaml"],
)
def test_a_file_that_holds_secrets_is_named_and_not_shown(path: str) -> None:
    shown = cm.shown(part(path, "+PASSWORD=hunter2hunter2\n") + part("src/a.py"))
    assert "hunter2" not in shown.text
    assert shown.left_out == (path,)
    assert f"{path}: changed" in shown.text
    assert "src/a.py" in shown.text


@pytest.mark.parametrize("path", ["src/secrets.py", ".env.example", "docs/credentials.md", "key.ts", "environment.py"])
def test_code_about_secrets_and_examples_of_them_are_shown(path: str) -> None:
    shown = cm.shown(part(path, "+hello = 1\n"))
    assert (shown.left_out, "+hello = 1" in shown.text) == ((), True)


@pytest.mark.parametrize(
    "line",
    [
        '+api_key = "abcdefgh12345678"',
        "+  password: hunter2hunter2",
        "+export DB_PASSWORD=Tr0ub4dor-and-3",
        "+aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY",
        "+token: ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "+AKIAABCDEFGHIJKLMNOP",
        "+-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_line_that_looks_like_a_secret_is_left_out_and_its_neighbours_stay(line: str) -> None:
    shown = cm.shown(part("src/a.py", f"+before = 1\n{line}\n"))
    assert line[1:] not in shown.text
    assert "+before = 1" in shown.text


@pytest.mark.parametrize(
    "line", ["+token = self.next_token()", "+password: required", "+    token=token2.value,", "+def secret(a: int = 12345678)"]
)
def test_code_that_handles_secrets_is_shown(line: str) -> None:
    assert line in cm.shown(part("src/a.py", f"{line}\n")).text


def test_every_line_of_a_private_key_is_left_out() -> None:
    key = "+-----BEGIN EC PRIVATE KEY-----\n+MIIsecretsecret\n+-----END EC PRIVATE KEY-----\n+after = 1\n"
    shown = cm.shown(part("a.txt", key)).text
    assert "MIIsecret" not in shown
    assert "+after = 1" in shown


def test_a_large_file_leaves_room_for_the_small_ones() -> None:
    shown = cm.shown(part("big.txt", "+" + "x" * 50 + "\n" + "+y\n" * 100_000) + part("small.py", "+small = 1\n"))
    assert shown.cut
    assert "+small = 1" in shown.text
    assert "big.txt" in shown.text
    assert len(shown.text) < cm.MOST_DIFF + 1_000


@given(st.text(max_size=2_000), st.integers(0, 3))
def test_whatever_the_diff_is_what_is_shown_is_bounded_and_can_be_sent(text: str, times: int) -> None:
    diff = part("a.py", text) * times + text
    shown = cm.shown(diff)
    assert len(shown.text) <= cm.MOST_DIFF + 1_000
    json.loads(cm.request("write", shown, [text], text, {"model": "m"}).body())


def test_the_request_has_no_tools_and_tells_the_style_and_what_was_begun() -> None:
    request = cm.request("write", cm.shown(part("a.py")), ["fix(a): b", "docs: c"], "Mend", {"model": "m"})
    sent = json.loads(request.body())
    assert "tools" not in sent
    assert (sent["instructions"], sent["model"], sent["store"]) == ("write", "m", False)
    words = sent["input"][0]["content"][0]["text"]
    assert "<last_commits>\nfix(a): b\ndocs: c\n</last_commits>" in words
    assert "<begun>\nMend\n</begun>" in words


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("  Add a thing\n", "Add a thing"),
        ("```\nAdd a thing\n\nBecause.\n```", "Add a thing\n\nBecause."),
        ('"Add a thing"', "Add a thing"),
        ("Add\x07 a\u200b thing\r\n\r\nBody  \n", "Add a thing\n\nBody"),
        ("``` \n```", ""),
    ],
)
def test_an_answer_is_cleaned_to_the_message_alone(answer: str, message: str) -> None:
    assert cm.cleaned(answer) == message
