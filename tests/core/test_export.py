"""A thread as text: what people read of it, and that programs lose nothing."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from treadle.core.export import Head, jsonl, markdown
from treadle.core.items import (
    Image,
    Item,
    ModelItem,
    Reverted,
    Text,
    ToolOutput,
    TurnBegan,
    TurnEnded,
    UsageReported,
    UserMessage,
    decode,
    dumps,
    encode,
)

HEAD = Head("id-1", None, "Fix the parser", "/home/ada/zoo", "gpt-5.5", "openai", 1.0, 2.0, forked_from="id-0")


def message(turn: str, text: str, *, complete: bool = True) -> ModelItem:
    raw = dumps({"content": [{"type": "output_text", "text": text}]})
    return ModelItem(f"m{text}", 1.0, turn, "message", raw, complete=complete)


def command(turn: str, line: str, output: str, code: int = 0) -> list[Item]:
    raw = dumps({"arguments": dumps({"cmd": line})})
    view = {"view": "command", "command": line, "output": output, "exit_code": code}
    status = "failed" if code else "completed"
    call_id = f"c{line}"
    return [
        ModelItem(f"i{line}", 1.0, turn, "function_call", raw, call_id, "exec_command"),
        ToolOutput(f"o{line}", 1.0, turn, call_id, output, status=status, detail=view),  # type: ignore[arg-type]
    ]


PATCH = {"view": "file_change", "changes": [{"path": "/home/ada/zoo/a.py", "kind": "update", "diff": "@@\n-a\n+b"}]}
FOREIGN = {
    "view": "mcp",
    "server": "zoo",
    "tool": "feed",
    "arguments": {"who": "tiger"},
    "result": {"content": [{"text": "fed"}]},
}
ITEMS: list[Item] = [
    TurnBegan("1", 60.0, "t1"),
    UserMessage("2", 1.0, "t1", (Text("Fix the parser"), Image("data:x", path="/a.png"))),
    ModelItem("3", 1.0, "t1", "reasoning", dumps({"summary": [{"text": "Look\nfirst"}]})),
    *command("t1", "cat a.py", "a ``` b\n"),
    *command("t1", "false", "", 1),
    ModelItem("6", 1.0, "t1", "custom_tool_call", dumps({"input": "*** Begin"}), "cp", "apply_patch"),
    ToolOutput("7", 1.0, "t1", "cp", "Done", True, detail=PATCH),  # type: ignore[arg-type]
    ModelItem("8", 1.0, "t1", "function_call", dumps({"arguments": "{}"}), "cm", "feed"),
    ToolOutput("9", 1.0, "t1", "cm", "fed", detail=FOREIGN),  # type: ignore[arg-type]
    message("t1", "It is fixed."),
    UsageReported("10", 1.0, "t1", 1000, 800, 50, 0, 1050),
    TurnEnded("11", 1.0, "t1", "completed"),
    TurnBegan("12", 120.0, "t2"),
    UserMessage("13", 1.0, "t2", (Text("Go on"),)),
    message("t2", "Well, I", complete=False),
    UsageReported("14", 1.0, "t2", 500, 0, 5, 0, 505),
    TurnEnded("15", 1.0, "t2", "failed", {"message": "The connection broke.", "code": "network"}),
]

WHOLE = """\
# Fix the parser

- Thread: id-1
- Folder: /home/ada/zoo
- Model: gpt-5.5 (openai)
- Begun: at 1
- Last turn: at 2
- Forked from: id-0

## Turn 1, at 60

### You

Fix the parser

*(picture: /a.png)*

> Look
> first

<details><summary><code>$ cat a.py</code></summary>

````
a ``` b
````

</details>

`$ false`, failed, exit code 1

`Patch: update /home/ada/zoo/a.py`

```diff
@@
-a
+b
```

<details><summary><code>zoo: feed</code></summary>

```json
{
 "who": "tiger"
}
```

```
fed
```

</details>

### Treadle

It is fixed.

*1,000 tokens read, 800 of them from the cache, 50 written*

## Turn 2, at 120 (failed)

### You

Go on

### Treadle

Well, I

*(cut short)*

**Error:** The connection broke.

*500 tokens read, 0 of them from the cache, 5 written*

---

*In all: 1,500 tokens read, 800 of them from the cache, 55 written*
"""


def when(at: float) -> str:
    return f"at {at:.0f}"


def test_people_read_what_a_client_would_draw() -> None:
    assert markdown(HEAD, ITEMS, when) == WHOLE


def test_a_reader_without_folds_sees_everything() -> None:
    text = markdown(HEAD, ITEMS, when, folded=False)
    assert "<details>" not in text
    assert "`$ cat a.py`\n\n````\na ``` b\n````" in text


def test_turns_that_were_taken_back_are_left_out() -> None:
    text = markdown(HEAD, [*ITEMS, Reverted("r", 1.0, "t2")], when)
    assert "Go on" not in text
    assert "It is fixed." in text


def test_a_name_stands_above_the_first_words() -> None:
    named = Head("id-1", "Zoo\nparser", "Fix", "/", "m", "p", 1.0, 2.0)
    assert markdown(named, [], when).startswith("# Zoo parser\n")


@given(st.text(st.sampled_from("`$<>&\n ab"), max_size=40), st.text(st.sampled_from("`~\n a"), max_size=80), st.booleans())
def test_what_was_printed_stays_in_its_block(line: str, output: str, folded: bool) -> None:
    items = [TurnBegan("1", 1.0, "t"), *command("t", line, output), message("t", "THE END")]
    lines = markdown(HEAD, items, when, folded=folded).split("\n")
    fences = [found for found in lines if re.fullmatch("`{3,}", found)]
    if output.strip():
        longest = max(fences, key=len)
        begin, end = (at for at, found in enumerate(lines) if found == longest)
        assert "\n".join(lines[begin + 1 : end]) == output.strip("\n")
        assert all(len(found) < len(longest) for found in lines[begin + 1 : end] if set(found) == {"`"})
        del lines[begin : end + 1]
    assert lines[-2] == "THE END"


@given(st.lists(st.text(), max_size=5))
def test_json_lines_lose_nothing(texts: list[str]) -> None:
    items: list[Item] = [*ITEMS, *(ToolOutput(str(n), 1.0, "t", str(n), text) for n, text in enumerate(texts))]
    lines = [encode(item) for item in items]
    first, *rest, last = jsonl(HEAD, lines).split("\n")
    assert (rest, last) == (lines, "")
    assert [decode(line) for line in rest] == items
    head = json.loads(first)
    assert (head["type"], head["version"], head["id"], head["forked_from"]) == ("thread", 1, "id-1", "id-0")
