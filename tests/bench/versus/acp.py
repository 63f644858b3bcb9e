"""A client of an Agent Client Protocol program that offers nothing of its own: the same words as AppServer, other methods.

It must cost as little as AppServer does, or the two could not be compared; hence neither asyncio nor the package's models.
"""

from __future__ import annotations

import json
import time

from ..driver import Talk


class Acp(Talk):
    version = {"jsonrpc": "2.0"}  # noqa: RUF012
    delta = b'"agent_message_chunk"'

    def initialize(self) -> float:
        """Seconds from the start of the process to the answer."""
        self.call("initialize", {"protocolVersion": 1, "clientCapabilities": {}})
        return time.perf_counter() - self.began

    def thread(self) -> str:
        return self.call("session/new", {"cwd": self.cwd, "mcpServers": []})["sessionId"]

    def begin(self, thread_id: str, wish: str) -> float:
        at = time.perf_counter()
        self._prompt = self.send(
            "session/prompt", {"sessionId": thread_id, "prompt": [{"type": "text", "text": f"bench: {wish}\n"}]}
        )
        return at

    def finish(self) -> float:
        ended = self.answer(self._prompt)
        if ended["stopReason"] != "end_turn":
            raise RuntimeError(f"the turn did not complete: {ended}")
        return time.perf_counter()

    def turn(self, thread_id: str, wish: str) -> None:
        self.begin(thread_id, wish)
        self.finish()

    def ended(self, line: bytes) -> str | None:
        """The thread whose turn this line ends."""
        if b'"stopReason"' not in line:
            return None
        return "session" if json.loads(line).get("id") == self._prompt else None
