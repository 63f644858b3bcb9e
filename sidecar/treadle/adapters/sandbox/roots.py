"""What the paths of writable folders mean.

Promises that no command gives itself another folder to write: what a path meant when it was first used stays, and a path that is
new is not followed through a link that lies where a command was able to put it. Raises, never skips.
"""

from __future__ import annotations

import os
from dataclasses import field

from ...core.errors import TreadleError
from ...core.record import mutable
from .protected import within

_NEVER = ("/proc", "/dev", "/sys")
_MOST_LINKS = 40
"As many as the kernel follows."


@mutable
class Roots:
    known: dict[str, str] = field(default_factory=dict[str, str])
    "Given path to real path."
    opened: set[str] = field(default_factory=set[str])
    "Real paths of every folder that any command was able to write so far."

    def resolve_all(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Of one policy: a link in one of its folders that leads to another is the user's, as no command had them yet."""
        return tuple(dict.fromkeys(self._resolve(path) for path in paths))

    def open(self, *folders: str) -> None:
        self.opened.update(folders)

    def _resolve(self, path: str) -> str:
        real = self.known.get(path)
        if real is None:
            real = self.known[path] = self._follow(path)
        elif os.path.realpath(real) != real:
            raise TreadleError(
                f"The folder {path} has been replaced by a link to another place.",
                hint="Put it back, or restart Treadle if that is what you want.",
            )
        if not os.path.isdir(real):
            del self.known[path]
            raise TreadleError(f"The folder {path} cannot be made writable because it does not exist.")
        if real == "/" or within(real, _NEVER):
            raise TreadleError(f"{real} cannot be a writable folder of a confined command.", hint="Open a folder below it.")
        return real

    def _follow(self, path: str) -> str:
        """As os.path.realpath, but for links that a command may have made. Each link is read once: what it says then counts."""
        todo, real, links = os.path.abspath(path).split("/")[::-1], "/", 0
        while todo:
            name = todo.pop()
            if name == "..":
                real = os.path.dirname(real)
            if name in ("", ".", ".."):
                continue
            step = os.path.join(real, name)
            try:
                target = os.readlink(step)
            except OSError:  # no link; what is missing is seen by the caller
                real = step
                continue
            links += 1
            if links > _MOST_LINKS or within(real, tuple(self.opened)):
                raise TreadleError(
                    f"The folder {path} cannot be made writable: {step} is a link, in a place that commands may write.",
                    hint="Name the folder that the link leads to.",
                )
            real = "/" if target.startswith("/") else real
            todo += target.split("/")[::-1]
        return real
