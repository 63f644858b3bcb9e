"""The program that runs llama.cpp's server: started as a file, maybe by another interpreter, so it imports nothing of ours.

One JSON line comes in on standard input, one goes out on standard output: {"address": ...} or {"error": ...}. It lives as long as
its standard input is open, however the parent ended: on Linux also while a model is loaded, elsewhere until that is done. It
listens on loopback only and asks for a key.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import traceback
from typing import Any

if sys.platform == "linux":
    import fcntl

NO_ORIGIN = "http://127.0.0.1:9"
"What browsers are told may read our answers: an address where nothing is."
PROMPT_CACHE_MIB = 512


def parameters(library: Any, wanted: dict[str, Any]) -> Any:
    given = library.CommonParams()
    given.model.path = wanted["model"]
    given.hostnames = ["127.0.0.1"]
    given.port = 0
    given.api_keys = [wanted["key"]]
    given.cors_origins = NO_ORIGIN
    given.model_alias = {"local"}
    given.n_ctx = wanted["context"]
    given.n_parallel = 1
    given.cpuparams.n_threads = given.cpuparams_batch.n_threads = wanted["threads"]
    given.use_jinja = True
    given.offline = True
    given.ui = False
    given.endpoint_props = False
    given.cache_ram_mib = PROMPT_CACHE_MIB
    return given


def end_with_standard_input() -> None:
    """The kernel ends this process when the other end is closed. No thread could: the engine keeps the interpreter's lock while
    it loads, and what it waits for may never come."""
    if sys.platform == "linux":
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGIO])
        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
        # After the first line nothing comes: it was closed before the kernel knew whom to tell.
        if select.select([0], [], [], 0)[0]:
            os._exit(0)


def main() -> None:
    # Whatever a library prints must not mix with our one line.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(**what: str) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    wanted = json.loads(sys.stdin.readline() or "null")
    if wanted is None:
        return
    end_with_standard_input()
    try:
        engine: Any = importlib.import_module("xllamacpp")
        server: Any = engine.Server(parameters(engine, wanted))
    except ImportError as error:
        say(error=str(error), kind="import")
        return
    except Exception as error:
        say(error=str(error) or type(error).__name__, kind="load")
        return
    say(address=str(server.listening_address))
    while sys.stdin.read(1):
        pass


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
    finally:
        # The engine's own threads may be deep in a computation, and to take it apart may wait for them: nothing is there to save.
        os._exit(0)
