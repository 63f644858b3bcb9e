"""A real sidecar with an ear: turns are waited for, and all that it tells is kept and held against the contract of items."""

from __future__ import annotations

import json
import threading
from typing import Any

from fakes.sidecar import WAIT, Sidecar

from .oracles import Fold

Message = dict[str, Any]


class Watched(Sidecar):
    """Keeps what it hears of each thread in a Fold, whose complaints are those of the test's end."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.folds: dict[str, Fold] = {}
        self.errors: list[str] = []
        "The words of failures that were announced."
        self._news = threading.Condition()
        super().__init__(*args, **options)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = json.loads(line)
            if "method" not in message:
                self._answers[message["id"]].put(message)
                continue
            params = message.get("params") or {}
            with self._news:
                if (thread_id := params.get("threadId")) is not None:
                    self.folds.setdefault(thread_id, Fold(thread_id)).take(message)
                if message["method"] == "error":
                    self.errors.append(params["error"]["message"])
                self._news.notify_all()

    def open(self, **options: Any) -> str:
        return self.call("thread/start", **options)["thread"]["id"]

    def begin(self, thread_id: str, words: str = "go") -> str:
        said = [{"type": "text", "text": words, "text_elements": []}]
        return self.call("turn/start", threadId=thread_id, input=said)["turn"]["id"]

    def end(self, thread_id: str, turn_id: str) -> Message:
        """The turn when it is over."""

        def over() -> Message | None:
            turn = self.folds[thread_id].turns.get(turn_id) if thread_id in self.folds else None
            return turn if turn is not None and turn["status"] != "inProgress" else None

        with self._news:
            assert self._news.wait_for(lambda: over() is not None, WAIT), f"no end; it said {bytes(self.stderr).decode()}"
            found = over()
        assert found is not None
        return found

    def turn(self, thread_id: str, words: str = "go") -> Message:
        return self.end(thread_id, self.begin(thread_id, words))

    def wrong(self) -> list[str]:
        """Complaints at the end; also about its standard error."""
        found = [complaint for fold in self.folds.values() for complaint in fold.finish()]
        return found + (["a traceback"] if b"Traceback" in self.stderr else [])
