"""Files of the workspace, and the outputs that are kept whole for the model to read on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Protocol

from ...core.record import frozen
from ...core.settings import SandboxPolicy


@frozen
class FileState:
    """Content of a file as found. `data` is None where there is none."""

    path: str
    data: bytes | None
    mode: int | None = None
    identity: tuple[int, int] | None = field(default=None, compare=False)
    "Device and number: the same for two names of one file."
    unsaved: bool = field(default=False, compare=False)
    "`data` is what an editor holds and has not saved."
    like: str | None = field(default=None, compare=False)
    "For a file to be made: the path of the one whose owner and attributes it takes over, because it is moved."


class Buffers(Protocol):
    """What an editor has open. Lives as long as the editor's connection."""

    async def fetch(self, paths: Sequence[str]) -> None:
        """Before these real paths are read or written: ask the editor for their texts, when it does not tell of them by itself.
        Never raises for what an editor does."""
        ...

    def text(self, path: str) -> str | None:
        """The text of the document at this real path, saved or not; None when it is not open."""
        ...

    def version(self, path: str) -> int | None:
        """The editor's number of that text; None when it is not open, or not numbered."""
        ...

    def listen(self, told: Callable[[str, str, str], None]) -> None:
        """From now on `told` is called with (path, text before, text after) when a document has changed. It must not raise."""
        ...

    async def write(self, changes: Sequence[tuple[str, str, str]]) -> None:
        """Change documents (path, text, new text) all together, as edits that the user can undo; nothing is saved.

        Raises OSError in words for the model when the editor declines, or has other text by now: then nothing was changed."""
        ...


class Files(Protocol):
    buffers: Buffers | None
    "Of the editor that is connected, if one is: its unsaved text counts as a file's content."

    async def read(self, path: str, *, on_disk: bool = False) -> FileState:
        """Raises OSError for what is not a regular file, and for files over the adapter's size limit. `on_disk`: as commands
        see it, whatever an editor has not saved."""
        ...

    async def commit(self, before: Sequence[FileState], after: Sequence[FileState], policy: SandboxPolicy) -> None:
        """Write all of `after` or nothing, nothing also when it is cancelled. Refuses with FileExistsError/OSError naming the
        path when a file is no longer as in `before`. Never follows a symlink out of the roots of a confining policy unless
        `policy.mode` is danger-full-access."""
        ...

    def refusal(self, path: str, policy: SandboxPolicy) -> str | None:
        """Why this policy lets nobody write the real path without a yes; None when it does."""
        ...

    def resolve(self, path: str) -> str:
        """Real path, symlinks resolved as far as the path exists."""
        ...


class Spill(Protocol):
    """The whole of one output, on disk, as it comes. Bounded; never raises."""

    @property
    def path(self) -> str | None:
        """Absolute; None when it could not be written."""
        ...

    @property
    def name(self) -> str:
        """By which Outputs.read finds it."""
        ...

    @property
    def whole(self) -> bool:
        """False: it was longer than what is kept of it."""
        ...

    def write(self, text: str) -> None: ...
    def close(self) -> None: ...


@frozen
class OutputPart:
    """Bytes `start` to `end` of an output of `size` bytes, as text."""

    text: str
    start: int
    end: int
    size: int


class Outputs(Protocol):
    """Outputs that the model was shown in part, kept whole where its commands can read them."""

    def open(self, thread_id: str, name: str) -> Spill: ...
    def kept(self, thread_id: str, name: str) -> str | None:
        """Where an output lies that was opened under this name, also by a process that died meanwhile."""
        ...

    def share(self, thread_id: str, other: str, names: Sequence[str]) -> None:
        """Let `other` have these outputs of a thread as its own. Those that are gone are passed over."""
        ...

    def forget(self, thread_id: str) -> None:
        """Remove all outputs of a thread."""
        ...

    def read(self, thread_id: str, name: str, offset: int, limit: int) -> OutputPart | None:
        """None when there is no such output (any more). Offsets and limits in bytes."""
        ...
