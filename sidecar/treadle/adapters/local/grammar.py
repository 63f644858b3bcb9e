"""What the embedded model may say: one JSON object, an action. The grammar that forces it, and the words that explain it.

The grammar allows only the spelling that `json.dumps(..., ensure_ascii=False)` would write: what the model generated can then be
written again from the decoded text, to the byte, when the history is sent back. Changing a word here moves the prefix of every
thread of the local provider.
"""

from __future__ import annotations

import json

SHELL_HEAD = '{"action":"shell","command":'
ANSWER_HEAD = '{"action":"answer","text":'

_STRING = r"""
str ::= "\"" ch+ "\""
ch ::= [^"\\\x00-\x1F\x7F] | "\\" ["\\bfnrt]
"""
_SHELL = 'shell ::= "{\\"action\\":\\"shell\\",\\"command\\":" str "}"\n'
_ANSWER = 'answer ::= "{\\"action\\":\\"answer\\",\\"text\\":" str "}"\n'

STEP = "root ::= shell | answer\n" + _SHELL + _ANSWER + _STRING.lstrip()
ANSWER_ONLY = "root ::= answer\n" + _ANSWER + _STRING.lstrip()

FORM = (
    'Reply with one JSON object: {"action":"shell","command":"..."} to run a command, or '
    '{"action":"answer","text":"..."} to answer without running anything. '
    "Never guess what a file contains: read it first. To create or change a file, use printf or sed -i."
)
OUTPUT = "Output of the command:\n"
NEXT = (
    "\n\nIf this completes the task, reply with an answer: say in one or two sentences what the output shows. "
    "Otherwise run the next command."
)
ENOUGH = "\n\nYou ran this command before. Do not run it again: reply with an answer that says what you found."
CUT_COMMAND = "I was about to run a command that was too long to finish:\n"


def shell(command: str) -> str:
    """The object that the model wrote to run `command`."""
    return SHELL_HEAD + json.dumps(command, ensure_ascii=False) + "}"


def answer(text: str) -> str:
    """The object that the model wrote to say `text`."""
    return ANSWER_HEAD + json.dumps(text, ensure_ascii=False) + "}"
