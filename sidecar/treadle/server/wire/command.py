"""A client's own command, in no thread, under the server's sandbox."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Params, Wire
from .policy import SandboxPolicy

Cells = Annotated[int, Field(ge=1, le=65535)]


class CommandExecTerminalSize(Params):
    """In character cells."""

    rows: Cells
    cols: Cells


class CommandExecParams(Params):
    command: list[str]
    "Program and arguments; no shell."
    process_id: str | None = None
    "The client's name for it. Needed for a terminal, for streams and for the other methods here."
    tty: bool = False
    "Give it a terminal; both streams are on then, and all output is stdout."
    stream_stdin: bool = False
    stream_stdout_stderr: bool = False
    "Tell output as it comes, base64; it is not repeated in the answer."
    output_bytes_cap: Annotated[int, Field(ge=0)] | None = None
    "Of each stream; default: 1 MiB."
    disable_output_cap: bool = False
    disable_timeout: bool = False
    timeout_ms: int | None = None
    "Default: 10 seconds. A command that takes longer is ended, with exit code 124."
    cwd: str | None = None
    env: dict[str, str | None] | None = None
    "Over the variables that the agent's commands get; null takes one away."
    size: CommandExecTerminalSize | None = None
    sandbox_policy: SandboxPolicy | None = None
    "Default: what the configuration says for the folder. workspaceWrite without roots: the folder is the root."
    permission_profile: str | None = None
    ":read-only, :workspace or :danger-full-access, in place of a policy."


class CommandExecResponse(Wire):
    exit_code: int
    "128 + n when signal n ended it."
    stdout: str
    stderr: str


class CommandExecWriteParams(Params):
    process_id: str
    delta_base64: str | None = None
    close_stdin: bool = False


class CommandExecResizeParams(Params):
    process_id: str
    size: CommandExecTerminalSize


class CommandExecTerminateParams(Params):
    process_id: str


class CommandExecWriteResponse(Wire):
    pass


class CommandExecResizeResponse(Wire):
    pass


class CommandExecTerminateResponse(Wire):
    pass


class CommandExecOutputDeltaNotification(Wire):
    process_id: str
    stream: Literal["stdout", "stderr"]
    delta_base64: str
    cap_reached: bool
    "This is the last of the stream: what comes after it is past the cap."
