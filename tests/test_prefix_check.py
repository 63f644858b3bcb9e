"""The check that prompts only grow must itself be able to fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from fakes import PrefixMoved, text
from fakes.prefix import compare, first_difference, split_body
from fakes.responses import ModelServer

HEAD = b'{"model":"m","input_note":["input",[]],"prompt_cache_key":"k","input":['


def post(base_url: str, body: bytes, **headers: str) -> int:
    with urllib.request.urlopen(urllib.request.Request(base_url + "/responses", body, headers), timeout=60) as answer:
        answer.read()
        return answer.status


def body(*items: str, head: bytes = HEAD, tail: bytes = b'],"store":false}') -> bytes:
    return head + b",".join(json.dumps(i, ensure_ascii=False).encode() for i in items) + tail


@pytest.mark.parametrize(
    "after",
    [
        body("héllo"),
        body("héllo", "more"),
        body("héllo", "more", tail=b'],"text":{"verbosity":"low"}}'),
    ],
)
def test_a_request_that_grows_or_changes_only_its_tail_is_fine(after: bytes) -> None:
    assert compare(body("héllo"), after) is None
    assert compare(body(), after) is None


@pytest.mark.parametrize(
    ("after", "where"),
    [
        (body("hallo", "more"), "in the input"),
        (body(), "in the input"),
        (body("more", "héllo"), "in the input"),
        (body("héllo", head=HEAD.replace(b'"m"', b'"n"')), "before the input"),
        (body("héllo", head=HEAD.replace(b"[]]", b"[ ]]")), "before the input"),
    ],
)
def test_a_request_that_edits_what_was_sent_is_caught_at_the_byte(after: bytes, where: str) -> None:
    found = compare(body("héllo"), after)
    assert found is not None
    assert where in found and f"byte {first_difference(body('héllo'), after)}" in found


def test_the_end_of_the_input_is_found_by_reading_not_by_searching() -> None:
    prefix, opening = split_body(body('],"x":['))
    assert prefix == HEAD + b'"],\\"x\\":["'
    assert opening == len(HEAD) - 1


def test_the_server_raises_for_a_moved_prefix_once_and_threads_are_apart(model_server: ModelServer) -> None:
    model_server.script([text("ok")] * 3)
    for sent in (body("a"), body("z").replace(b'"k"', b'"other"'), body("b")):
        assert post(model_server.base_url, sent) == 200
    with pytest.raises(PrefixMoved, match=r"request 2.*moved at byte"):
        model_server.check_prefix()
    model_server.check_prefix()


def test_after_turns_were_taken_back_the_request_that_was_named_is_extended_and_no_other(model_server: ModelServer) -> None:
    model_server.script([text("ok")] * 5)
    post(model_server.base_url, body("a"))
    post(model_server.base_url, body("a", "b"))
    model_server.taken_back(to=0)
    post(model_server.base_url, body("a", "c"))
    model_server.check_prefix()
    model_server.taken_back(to=1)
    post(model_server.base_url, body("a", "c", "d"))
    with pytest.raises(PrefixMoved, match="request 3"):
        model_server.check_prefix()
    model_server.taken_back(to=None)
    post(model_server.base_url, body("z"))
    model_server.verify()
    model_server.taken_back(to=0)
    with pytest.raises(PrefixMoved, match="no request came after it"):
        model_server.verify()


@pytest.mark.parametrize(("first", "moved"), [(body("a", "x"), False), (body("a", "b", "x"), False), (body("b"), True)])
def test_the_first_request_of_a_fork_extends_one_of_the_thread_that_has_its_cache(
    first: bytes, moved: bool, model_server: ModelServer
) -> None:
    model_server.script([text("ok")] * 4)
    for sent in (body("a"), body("a", "b")):
        post(model_server.base_url, sent, session_id="parent")
    post(model_server.base_url, first, session_id="child")
    if moved:
        with pytest.raises(PrefixMoved, match="request 2"):
            model_server.check_prefix()
        return
    post(model_server.base_url, body("a", "b", "c"), session_id="parent")
    model_server.check_prefix()


def test_a_test_may_say_why_a_prefix_moves_but_then_it_must(model_server: ModelServer) -> None:
    model_server.script([text("ok")] * 2)
    model_server.moves_prefix("to see that it is allowed")
    post(model_server.base_url, body("a"))
    post(model_server.base_url, body("b"))
    model_server.verify()
    model_server.moves_prefix("to see that it is required")
    with pytest.raises(PrefixMoved, match="did not move"):
        model_server.verify()


def test_a_request_beyond_the_script_fails_the_check(model_server: ModelServer) -> None:
    with pytest.raises(urllib.error.HTTPError):
        post(model_server.base_url, body("a"))
    with pytest.raises(AssertionError, match="no reply left"):
        model_server.verify()


@pytest.mark.parametrize(("second", "code"), [(body("a", "b"), 0), (body("b"), 1)])
def test_as_a_program_it_serves_records_and_ends_with_the_verdict(tmp_path: Path, second: bytes, code: int) -> None:
    script, record = tmp_path / "script.json", tmp_path / "record.jsonl"
    script.write_text(json.dumps([{"text": "hello", "deltas": 2}, [{"reasoning": "r"}, {"call": "exec_command"}]]))
    command = [sys.executable, "-m", "fakes.responses", "--script", str(script), "--record", str(record)]
    place = str(Path(__file__).parent)
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}) as server:
        assert server.stdout is not None and server.stderr is not None
        base_url = json.loads(server.stdout.readline())["base_url"]
        post(base_url, body("a"))
        post(base_url, second)
        server.send_signal(signal.SIGTERM)
        words = server.stderr.read().decode()
        assert server.wait(20) == code
    assert ("moved at byte" in words) == bool(code)
    assert [json.loads(line)["body"].encode() for line in record.read_text().splitlines()] == [body("a"), second]
