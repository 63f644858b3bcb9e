"""A door of the sidecar as a process, with a scripted agent behind it: `python -m fakes.door DOOR [SCRIPT]`."""

from __future__ import annotations

import sys
from typing import Any


async def open_scripted() -> Any:
    from fakes import agent, scripts  # noqa: PLC0415 - as late as the real agent

    return agent.ScriptedAgent(getattr(scripts, sys.argv[2] if len(sys.argv) > 2 else "hello"))


def main() -> int:
    match sys.argv[1]:
        case "app-server":
            from treadle.server import app_server  # noqa: PLC0415

            return app_server.serve(open_scripted)
        case "serve":
            from treadle.server import lsp_hello  # noqa: PLC0415

            return lsp_hello.serve(open_scripted)
        case "acp":
            from treadle.server import acp  # noqa: PLC0415

            return acp.serve(open_scripted)
        case other:
            raise SystemExit(f"no such door: {other}")


if __name__ == "__main__":
    sys.exit(main())
