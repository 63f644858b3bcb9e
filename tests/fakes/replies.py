"""What a scripted model says: builders for outputs and replies, and their bytes on the wire.

Promises: the event sequence of the Responses API as OpenAI sends it (or, with style="llama", as llama.cpp does: no indices and no
sequence numbers). Time passes only at a `hold`, which a test releases; nothing here sleeps.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Hold:
    """The server waits here until the test releases `name`."""

    name: str


@dataclass(frozen=True)
class Output:
    """One output item. `pieces` are its deltas; a Hold may stand among them."""

    kind: Literal["message", "reasoning", "function_call", "custom_tool_call", "raw"]
    pieces: tuple[str | Hold, ...] = ()
    name: str = ""
    call_id: str | None = None
    encrypted: str | None = None
    item: Mapping[str, Any] | None = None

    @property
    def whole(self) -> str:
        return "".join(p for p in self.pieces if isinstance(p, str))


@dataclass(frozen=True)
class Reply:
    """One answer. A `fault` says how the connection ends after `after` events (None: after all of them)."""

    outputs: tuple[Output | Hold | bytes, ...] = ()
    end: Literal["completed", "failed", "incomplete", "error", "none"] = "completed"
    error: Mapping[str, Any] | None = None
    reason: str = "max_output_tokens"
    usage: Mapping[str, Any] | None = None
    fault: Literal["cut", "reset", "stall", "silent", "hangup"] | None = None
    after: int | None = None
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    style: Literal["openai", "llama"] = "openai"
    joined: bool = False
    "One HTTP chunk for all events instead of one for each."
    done_marker: bool = False


Speech = Reply | Output | Iterable[Output | Hold | bytes]


def _pieces(whole: str, deltas: int, hold: Mapping[int, str] | None = None) -> tuple[str | Hold, ...]:
    size = max(-(-len(whole) // max(deltas, 1)), 1)
    out: list[str | Hold] = []
    for number, start in enumerate(range(0, len(whole), size)):
        if hold and number in hold:
            out.append(Hold(hold[number]))
        out.append(whole[start : start + size])
    return tuple(out)


def text(whole: str, *, deltas: int = 1, hold: Mapping[int, str] | None = None) -> Output:
    """Assistant text. `hold` names a gate before the delta of that number."""
    return Output("message", _pieces(whole, deltas, hold))


def reasoning(summary: str = "Thinking.", *, deltas: int = 1, encrypted: str = "ENC") -> Output:
    return Output("reasoning", _pieces(summary, deltas), encrypted=encrypted)


def call(name: str, arguments: Mapping[str, Any] | str, *, call_id: str | None = None, deltas: int = 1) -> Output:
    whole = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Output("function_call", _pieces(whole, deltas), name=name, call_id=call_id)


def custom(name: str, given: str, *, call_id: str | None = None, deltas: int = 1) -> Output:
    return Output("custom_tool_call", _pieces(given, deltas), name=name, call_id=call_id)


def item(payload: Mapping[str, Any]) -> Output:
    """Any item at all, sent as it is."""
    return Output("raw", item=payload)


def hold(name: str) -> Hold:
    return Hold(name)


def raw(data: bytes) -> bytes:
    """Bytes of the event stream as they are: garbage, comments, unknown events. End an event with a blank line."""
    return data


def reply(*outputs: Output | Hold | bytes, **options: Any) -> Reply:
    return Reply(outputs, **options)


def error(status: int, body: Mapping[str, Any] | str | bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
    """An HTTP answer that is not a stream."""
    kind = "text/plain"
    if isinstance(body, Mapping):
        body, kind = json.dumps(body), "application/json"
    data = body.encode() if isinstance(body, str) else body
    return Reply(status=status, body=data, headers={"content-type": kind, **(headers or {})})


def said(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    """The usual body of an error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def failed(code: str, message: str, *outputs: Output | Hold | bytes) -> Reply:
    return Reply(outputs, end="failed", error={"code": code, "message": message})


def incomplete(reason: str, *outputs: Output | Hold | bytes) -> Reply:
    return Reply(outputs, end="incomplete", reason=reason)


FaultKind = Literal["cut", "reset", "stall", "silent", "hangup", "eof"]


def fault(kind: FaultKind, *outputs: Output | Hold | bytes, after: int | None = None) -> Reply:
    """cut: the connection closes. reset: with RST. stall: it stays open and silent. eof: a proper end without response.completed.
    silent: not even a head comes. hangup: closed before the head. `after`: that many events."""
    if kind == "eof":
        return Reply(outputs, end="none", after=after)
    return Reply(outputs, fault=kind, after=after)


def as_reply(speech: Speech) -> Reply:
    if isinstance(speech, Reply):
        return speech
    return Reply((speech,)) if isinstance(speech, Output) else Reply(tuple(speech))


def wire(answer: Reply, number: int, input_tokens: int) -> Iterator[bytes | Hold]:
    """The events of a reply in order, each as one bytes object. `number` makes the ids."""
    left = answer.after
    for event in _Wire(answer, number).all(input_tokens):
        if isinstance(event, bytes) and left is not None:
            if not left:
                return
            left -= 1
        yield event


class _Wire:
    def __init__(self, answer: Reply, number: int) -> None:
        self.answer = answer
        self.number = number
        self.sequence = 0
        self.items: list[dict[str, Any]] = []

    def all(self, input_tokens: int) -> Iterator[bytes | Hold]:
        answer = self.answer
        head = {"id": f"resp_{self.number}", "object": "response", "status": "in_progress", "output": []}
        yield self.event("response.created", response=head)
        yield self.event("response.in_progress", response=head)
        for output in answer.outputs:
            if isinstance(output, Output):
                yield from self.output(output)
            else:
                yield output
        usage = answer.usage or {
            "input_tokens": input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": sum(len(json.dumps(i)) for i in self.items) // 4,
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        usage = {"total_tokens": usage.get("input_tokens", 0) + usage.get("output_tokens", 0), **usage}
        done = {**head, "status": answer.end, "output": self.items, "usage": usage, "error": None, "incomplete_details": None}
        match answer.end:
            case "completed":
                yield self.event("response.completed", response=done)
            case "incomplete":
                yield self.event("response.incomplete", response={**done, "incomplete_details": {"reason": answer.reason}})
            case "failed":
                yield self.event("response.failed", response={**done, "error": answer.error, "usage": None})
            case "error":
                yield self.event("error", **(answer.error or {}))
            case "none":
                pass
        if answer.done_marker:
            yield b"data: [DONE]\n\n"

    def event(self, kind: str, index: int | None = None, **members: Any) -> bytes:
        data: dict[str, Any] = {"type": kind}
        if self.answer.style == "openai":
            data["sequence_number"] = self.sequence
            if index is not None:
                data["output_index"] = index
        self.sequence += 1
        return f"event: {kind}\ndata: {json.dumps(data | members)}\n\n".encode()

    def output(self, output: Output) -> Iterator[bytes | Hold]:
        index = len(self.items)
        if output.kind == "raw":
            payload = dict(output.item or {})
            self.items.append(payload)
            yield self.event("response.output_item.added", index, item=payload)
            yield self.event("response.output_item.done", index, item=payload)
            return
        prefix = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}[output.kind]
        item_id = f"{prefix}_{self.number}_{index}"
        start, done, delta, finished, part = self.shape(output, item_id)
        self.items.append(done)
        yield self.event("response.output_item.added", index, item=start)
        if part is not None:
            yield self.event(part.replace("done", "added"), index, item_id=item_id, **_part(output, ""))
        yield from self.deltas(delta, index, item_id, output)
        yield self.event(finished, index, item_id=item_id, **_finished(output))
        if part is not None:
            yield self.event(part, index, item_id=item_id, **_part(output, output.whole))
        yield self.event("response.output_item.done", index, item=done)

    def shape(self, output: Output, item_id: str) -> tuple[dict[str, Any], dict[str, Any], str, str, str | None]:
        """(item as added, item as done, delta event, event that ends the deltas, event that ends the part)"""
        whole = output.whole
        if output.kind == "message":
            base = {"id": item_id, "type": "message", "role": "assistant"}
            content = [{"type": "output_text", "text": whole, "annotations": [], "logprobs": []}]
            added, done = base | {"status": "in_progress", "content": []}, base | {"status": "completed", "content": content}
            return added, done, "response.output_text.delta", "response.output_text.done", "response.content_part.done"
        if output.kind == "reasoning":
            base = {"id": item_id, "type": "reasoning", "encrypted_content": output.encrypted}
            name = "response.reasoning_summary"
            done = base | {"summary": [{"type": "summary_text", "text": whole}]}
            return base | {"summary": []}, done, f"{name}_text.delta", f"{name}_text.done", f"{name}_part.done"
        call_id = output.call_id or f"call_{self.number}_{len(self.items)}"
        base = {"id": item_id, "type": output.kind, "call_id": call_id, "name": output.name}
        if output.kind == "function_call":
            name, member = "response.function_call_arguments", "arguments"
        else:
            name, member = "response.custom_tool_call_input", "input"
        added, done = base | {"status": "in_progress", member: ""}, base | {"status": "completed", member: whole}
        return added, done, f"{name}.delta", f"{name}.done", None

    def deltas(self, kind: str, index: int, item_id: str, output: Output) -> Iterator[bytes | Hold]:
        # By hand: benchmarks ask for tens of thousands.
        extra = ""
        if self.answer.style == "openai":
            part = "summary_index" if output.kind == "reasoning" else "content_index"
            extra = f',"output_index":{index}' + (f',"{part}":0' if output.kind in ("message", "reasoning") else "")
        before = f'event: {kind}\ndata: {{"type":"{kind}","item_id":"{item_id}"{extra},"delta":'
        for piece in output.pieces:
            if isinstance(piece, Hold):
                yield piece
                continue
            sequence = f',"sequence_number":{self.sequence}' if extra else ""
            self.sequence += 1
            yield f"{before}{json.dumps(piece)}{sequence}}}\n\n".encode()


def _part(output: Output, whole: str) -> dict[str, Any]:
    if output.kind == "reasoning":
        return {"summary_index": 0, "part": {"type": "summary_text", "text": whole}}
    return {"content_index": 0, "part": {"type": "output_text", "text": whole, "annotations": []}}


def _finished(output: Output) -> dict[str, Any]:
    match output.kind:
        case "reasoning":
            return {"summary_index": 0, "text": output.whole}
        case "function_call":
            return {"arguments": output.whole}
        case "custom_tool_call":
            return {"input": output.whole}
        case _:
            return {"content_index": 0, "text": output.whole, "logprobs": []}


def from_json(entry: Any) -> Reply:
    """A reply from plain data: "words", {"text", "deltas"}, {"call", "arguments"}, {"custom", "input"}, {"reasoning"},
    {"error": status, "body", "headers"}, or a list of outputs."""
    match entry:
        case str():
            return as_reply(text(entry))
        case list():
            return Reply(tuple(part for one in entry for part in from_json(one).outputs))
        case {"text": whole}:
            return as_reply(text(whole, deltas=entry.get("deltas", 1)))
        case {"call": name}:
            return as_reply(call(name, entry.get("arguments", {})))
        case {"custom": name}:
            return as_reply(custom(name, entry.get("input", "")))
        case {"reasoning": summary}:
            return as_reply(reasoning(summary))
        case {"error": status}:
            return error(status, entry.get("body", ""), entry.get("headers"))
        case _:
            raise ValueError(f"not a reply: {entry!r}")
