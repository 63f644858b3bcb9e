"""An MCP server of the older protocol, by hand: it says what no library would say. Run as a child, with the name of a trick.

python fakes/mcp_rogue.py TRICK [FOLDER]
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MEGABYTE = 1024 * 1024
TOOL = {"name": "run", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}
FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
Message = dict[str, Any]


def say(message: Message) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def ask(id: str, **params: Any) -> None:
    say({"id": id, "method": "elicitation/create", "params": params})


def many_tools(message: Message) -> Message:
    return {"tools": [{**TOOL, "name": f"tool {number}"} for number in range(100_000)]}


def endless_pages(message: Message) -> Message:
    return {"tools": [TOOL], "nextCursor": "again"}


def long_texts(message: Message) -> Message:
    return {"tools": [{**TOOL, "name": f"t{number}", "description": "x" * 8_000} for number in range(200)]}


def odd_names(message: Message) -> Message:
    names = ["a.b", "a b", "a/b", "ü" * 200, "x" * 500, "run", "run", "\u202egnp.exe", "y" * 5_000]
    return {"tools": [{**TOOL, "name": name} for name in names]}


def no_tools(message: Message) -> Message:
    return {"tools": "none", "nextCursor": 3}


def large(message: Message) -> Message:
    return {"content": [{"type": "text", "text": "x" * (100 * MEGABYTE)}]}


def chatty(message: Message) -> Message:
    token = message["params"]["_meta"]["progressToken"]
    for number in range(5_000):
        params = {"progressToken": token, "progress": number, "message": "y" * 2_000}
        say({"method": "notifications/progress", "params": params})
    return {"content": [{"type": "text", "text": "said all"}]}


def garbage(message: Message) -> Message:
    for line in (
        "",
        "null",
        "[]",
        "{",
        '{"jsonrpc": "2.0"}',
        '{"jsonrpc":"2.0","id":999,"result":{}}',
        "\x00\x1b[31m",
        "9" * 10_000,
    ):
        sys.stdout.write(line + "\n")
    sys.stdout.buffer.write(b"\xff\xfe\n")
    say({"method": "notifications/unknown", "params": {"x": 1}})
    say({"id": "q", "method": "sampling/createMessage", "params": {}})
    return {"content": [{"type": "text", "text": "after the garbage"}]}


def not_a_result(message: Message) -> Message:
    return {"content": 3}


def loud(message: Message) -> Message:
    sys.stderr.write(f"the key is {os.environ.get('KEY')}\n" + "noise\n" * 1_000_000)
    sys.stderr.flush()
    return {"content": [{"type": "text", "text": "said"}]}


def dies_loudly(message: Message) -> Message:
    sys.stderr.write("out of memory\n")
    sys.stderr.flush()
    os._exit(9)


def mortal(message: Message) -> Message:
    """Dies when it is told to."""
    if message["params"].get("arguments", {}).get("die"):
        return dies_loudly(message)
    return {"content": [{"type": "text", "text": "alive"}]}


def storms(message: Message) -> Message:
    """Says very often that its list has changed."""
    for _ in range(2_000):
        say({"method": "notifications/tools/list_changed"})
    return {"content": [{"type": "text", "text": "stormed"}]}


def asks(message: Message) -> Message:
    """A form in the middle of a call; what it was answered is the result."""
    ask("form", message="Who are you?", requestedSchema=FORM)
    return {"content": [{"type": "text", "text": json.dumps(answer_to("form"))}]}


def sends(message: Message) -> Message:
    ask("url", mode="url", message="Pay here.", url="https://pay.example/1", elicitationId="e1")
    return {"content": [{"type": "text", "text": json.dumps(answer_to("url"))}]}


def keeps_asking(message: Message) -> Message:
    for number in range(50):
        ask(str(number), message="Again?", requestedSchema=FORM)
        answer = answer_to(str(number))
    return {"content": [{"type": "text", "text": json.dumps(answer)}]}


def needs_url(message: Message) -> Message:
    wanted = {"message": "Log in.", "url": "https://login.example/", "elicitationId": "e2"}
    return {"error": {"code": -32042, "message": "log in", "data": {"elicitations": [wanted]}}}


def answer_to(id: str) -> Any:
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("id") == id and "method" not in message:
            return message.get("result") or message.get("error")
    return None


_TRICKS = (large, chatty, garbage, not_a_result, loud, dies_loudly, mortal, storms, asks, sends, keeps_asking, needs_url)
CALLS: dict[str, Callable[[Message], Message]] = {function.__name__: function for function in _TRICKS}
LISTS: dict[str, Callable[[Message], Message]] = {
    function.__name__: function for function in (many_tools, endless_pages, long_texts, odd_names, no_tools)
}


def answer(trick: str, folder: Path, message: Message) -> Message:
    match message["method"]:
        case "initialize":
            version = message["params"]["protocolVersion"]
            known = {"name": "rogue", "version": "1"}
            return {"result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": known}}
        case "tools/list":
            with (folder / "lists").open("a") as lists:
                lists.write("x")
            return {"result": LISTS[trick](message) if trick in LISTS else {"tools": [TOOL]}}
        case "tools/call" if trick in CALLS:
            result = CALLS[trick](message)
            return result if "error" in result else {"result": result}
        case "tools/call":
            return {"result": {"content": [{"type": "text", "text": "ran"}]}}
        case "ping":
            return {"result": {}}
        case _:
            return {"error": {"code": -32601, "message": "no such method"}}


def main() -> None:
    trick, folder = sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else ".")
    for line in sys.stdin:
        message = json.loads(line)
        if "method" not in message or "id" not in message:
            if trick == "outside" and message.get("method") == "notifications/initialized":
                ask("outside", message="Who?", requestedSchema=FORM)
            elif message.get("id") == "outside":
                (folder / "answered.part").write_text(json.dumps(message.get("result")))
                (folder / "answered.part").rename(folder / "answered")
            continue
        say({"id": message["id"], **answer(trick, folder, message)})
        if trick == "dies" and message["method"] == "tools/list":
            return


if __name__ == "__main__":
    main()
