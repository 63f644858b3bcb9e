"""A command that the user ran in a thread by hand, as the model reads of it: the wording and its cap. Pure."""

from __future__ import annotations

from . import tags, truncate
from .truncate import Kept

MOST_COMMAND_BYTES = 4_000
"Of the line as the model reads it."
MOST_TOKENS = 10_000
"Of what it printed."


def told(command: str, printed: Kept, ending: str, seconds: float, most_tokens: int) -> str:
    """`ending` in words: exit code 0, timed out …"""
    line = _plain(truncate.clip(command, MOST_COMMAND_BYTES))
    output = _plain(truncate.command_output(printed, min(most_tokens, MOST_TOKENS)))
    return (
        f"<user_shell_command>\n<command>\n{line}\n</command>\n"
        f"<result>\n{ending}\nDuration: {seconds:.4f} seconds\nOutput:\n{output}\n</result>\n</user_shell_command>"
    )


def _plain(text: str) -> str:
    """What was printed cannot end the section that it stands in."""
    for tag in ("user_shell_command", "result", "command"):
        text = tags.within(tag, text)
    return text
