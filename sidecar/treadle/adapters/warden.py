"""A small process beside the sidecar that ends what the sidecar leaves behind when it is killed.

Most children end by themselves then: the kernel tells bubblewrap of its parent's death, a server sees its input end. But
bubblewrap is deaf to it while it sets up a sandbox, and a server need not care. The warden reads from a pipe which only the
sidecar can write to; when that ends without a word it kills every sandbox with our mark among its arguments, and after a while
the process groups that it was told of. Needs nothing but a POSIX shell and grep. Must never end anything while the sidecar lives.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys

_SHELL = "/bin/sh"
_SCRIPT = """
read -r mark || exit
groups=
while read -r word group; do
  case $word in
    begun) groups="$groups $group" ;;
    ended) left=; for each in $groups; do [ "$each" = "$group" ] || left="$left $each"; done; groups=$left ;;
    close) exit ;;
  esac
done
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  for file in $(printf '%s\\n' "$mark" | grep -lsaF -f - /proc/[0-9]*/cmdline); do
    pid=${file#/proc/}
    kill -9 "${pid%/cmdline}"
  done
  sleep 0.1
done
for group in $groups; do kill -9 "-$group"; done
"""


class Warden:
    """Where there is no /proc it watches over process groups only."""

    def __init__(self) -> None:
        self.mark = f"TREADLE_{secrets.token_hex(12)}"
        "A word that stands among the arguments of what is to be killed, and nowhere else on this machine."
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to watch; again does nothing. Without a shell there is nobody to watch, and nothing else changes."""
        if self._process is not None or sys.platform == "win32":
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

    def begun(self, group: int) -> None:
        """A process group that ends by itself soon after the sidecar, or else is to be killed."""
        self.start()
        self._say(f"begun {group}")

    def ended(self, group: int) -> None:
        self._say(f"ended {group}")

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
