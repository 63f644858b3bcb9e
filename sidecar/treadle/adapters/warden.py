"""A small process beside the sidecar that ends what the sidecar leaves behind when it is killed.

Most children end by themselves then: the kernel tells bubblewrap of its parent's death, a server sees its input end. But
bubblewrap is deaf to it while it sets up a sandbox, and a server need not care. The warden reads from a pipe which only the
sidecar can write to; when that ends without a word it kills, for some seconds, whatever has our mark among its arguments, and
then what still has it among its variables. Needs nothing but a POSIX shell and grep. Must never end anything while the sidecar
lives.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys

_SHELL = "/bin/sh"
_SCRIPT = """
read -r mark || exit
read -r word && exit
end() {
  for file in $(printf '%s\\n' "$mark" | grep -lsaF -f - /proc/[0-9]*/"$1"); do
    pid=${file#/proc/}
    kill -9 "${pid%/*}"
  done
  sleep 0.1
}
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do end cmdline; done
for round in 1 2 3 4 5; do end environ; done
"""


class Warden:
    """Where there is no /proc it can do nothing."""

    def __init__(self) -> None:
        self.mark = f"TREADLE_{secrets.token_hex(12)}"
        """Given to a child before it is born: among its arguments, it is ended at once; as the name of a variable, it and all
        that it starts have two seconds to end by themselves."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to watch; again does nothing. Without a shell there is nobody to watch, and nothing else changes."""
        if self._process is not None or sys.platform != "linux":
            return
        nothing = subprocess.DEVNULL
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                [_SHELL, "-c", _SCRIPT],
                stdin=subprocess.PIPE,
                stdout=nothing,
                stderr=nothing,
                env={"PATH": "/usr/bin:/bin"},
                cwd="/",
                start_new_session=True,
            )
            self._say(self.mark)

    def close(self) -> None:
        """All is ended: there is nothing to watch any more."""
        if self._process is not None:
            self._say("close")
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _say(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()
