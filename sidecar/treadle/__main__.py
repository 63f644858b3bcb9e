"""The command line. Starts a door; everything else is loaded when that door needs it.

Exit status: what the door says; 2 for a command line that makes no sense; 130, without a traceback, for Ctrl-C while nothing of
ours listens to it. Imports nothing that takes time before it is ready for that.
"""

from __future__ import annotations

import gc
import os
import sys

from . import __version__

TYPE_CHECKING = False  # typing takes its time
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from .command_line import Line
    from .runtime.agent import Agent

PROTOCOL = 2
_YOUNG, _STARTING = 20_000, 100_000
"""New objects after which garbage is looked for, later and at first. What a start loads stays: looking through it again and again
is a tenth of the time to the first request."""
_STARTED = 2.0
"Seconds after which a start is over."
_EXEC_CONFIG = ("mcp_optional_startup_grace_ms=0",)
"Under the words of -c: who gives one order and leaves wants every server, and has no next turn in which a late one may come."
_ROWS = 10_000
"At most so many rows of the ledger are printed."
_PLAIN_DOORS = (["serve"], ["acp"], ["app-server"], ["app-server", "--listen", "stdio://"])


def main() -> int:
    """Entry point of the `treadle` program."""
    try:
        return _main()
    except (KeyboardInterrupt, RuntimeError) as error:
        # to Python 3.11 one that comes while a class is made is the cause of an error
        if not isinstance(error, KeyboardInterrupt) and not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        import signal  # noqa: PLC0415

        # who is impatient does not see where the interpreter's own end was interrupted
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        return 130


def _main() -> int:
    gc.set_threshold(_STARTING, 20, 20)
    words = sys.argv[1:]
    if words in _PLAIN_DOORS:
        # the way most starts go: not even the parser is loaded before the client is answered
        return _door(words[0], [])
    from .command_line import Usage, parse  # noqa: PLC0415

    try:
        line = parse(words)
    except Usage as error:
        sys.stderr.write(f"treadle: {error}\nTry: treadle --help\n")
        return 2
    return _run(line)


def _run(line: Line) -> int:
    from .command_line import EXEC_HELP, HELP  # noqa: PLC0415

    if line.help or line.command == "help":
        sys.stdout.write(EXEC_HELP if line.command == "exec" else HELP)
        return 0
    match line.command:
        case "version":
            return _version(line)
        case "exec":
            return _exec(line)
        case "sandbox":
            return _sandbox(line)
        case "rules":
            from . import rules_line  # noqa: PLC0415

            return rules_line.main(line.rest, _overrides(line.config))
        case "threads":
            from . import threads_line  # noqa: PLC0415

            return threads_line.main(line.rest, _overrides(line.config))
        case "mcp":
            from . import mcp_line  # noqa: PLC0415

            return mcp_line.main(line.rest, _overrides(line.config))
        case "doctor":
            return _doctor(line)
        case "ledger" | "prompt":
            return _look(line)
        case door:
            return _door(door, line.config, line)


def _door(name: str, config: list[str], line: Line | None = None) -> int:
    if name == "serve":
        from .server import lsp_hello  # noqa: PLC0415

        return lsp_hello.serve(_opener(config, name, line))
    if name == "acp":
        from .server import acp  # noqa: PLC0415

        return acp.serve(_opener(config, name))
    from .server import app_server  # noqa: PLC0415

    return app_server.serve(_opener(config, name))


def _sandbox(line: Line) -> int:
    from .command_line import SANDBOX_HELP, Usage, parse_sandbox  # noqa: PLC0415

    try:
        asked = parse_sandbox(line.rest, line.config)
    except Usage as error:
        sys.stderr.write(f"treadle: {error}\nTry: treadle sandbox --help\n")
        return 2
    if asked.help:
        sys.stdout.write(SANDBOX_HELP)
        return 0
    from . import confined  # noqa: PLC0415

    return confined.main(asked)


def _opener(config: list[str], door: str, line: Line | None = None, *, ephemeral: bool = False) -> Callable[[], Awaitable[Agent]]:
    async def open_agent() -> Agent:
        import asyncio  # noqa: PLC0415

        from . import app  # noqa: PLC0415 - all adapters come with it

        asyncio.get_running_loop().call_later(_STARTED, _started)
        if line is None:
            return await app.open_agent(app.Options(_overrides(config), door, ephemeral=ephemeral))
        of_editor = (_overrides(line.defaults), line.restricted, tuple(line.trusted))
        return await app.open_agent(app.Options(_overrides(config), door, *of_editor))

    return open_agent


def _started() -> None:
    gc.freeze()  # else all of it would be looked through now, after all
    gc.set_threshold(_YOUNG, 20, 20)


def _overrides(config: list[str]) -> dict[str, Any]:
    from .adapters.config_files import parse_override  # noqa: PLC0415

    return dict(parse_override(text) for text in config)


def _version(line: Line) -> int:
    if not line.json:
        sys.stdout.write(f"treadle {__version__}\n")
        return 0
    import json  # noqa: PLC0415

    python = ".".join(str(part) for part in sys.version_info[:3])
    said = {"name": "treadle", "version": __version__, "protocol": PROTOCOL, "python": python, "problem": _problem(python)}
    sys.stdout.write(json.dumps(said) + "\n")
    return 0


def _problem(python: str) -> str | None:
    """Why this interpreter cannot serve, although it got here: what was built for another one fails only when it is imported."""
    import importlib  # noqa: PLC0415

    try:
        importlib.import_module("pydantic_core")
    except ImportError as error:
        return f"the libraries beside it do not fit Python {python} ({error})"
    return None


def _exec(line: Line) -> int:
    import asyncio  # noqa: PLC0415

    from .server import exec_json  # noqa: PLC0415

    _open_streams()
    try:
        prompt = _prompt(line.prompt)
    except KeyboardInterrupt:
        return 130
    if not prompt.strip():
        sys.stderr.write("treadle: there is no prompt; give one, or pipe it in\n")
        return 2
    try:
        cwd = os.path.abspath(line.cd or os.getcwd())
    except FileNotFoundError:
        sys.stderr.write("treadle: the folder that this was started in is gone; name another with -C\n")
        return 2
    if not os.path.isdir(cwd):
        sys.stderr.write(f"treadle: no such folder: {cwd}\n")
        return 2
    request = exec_json.ExecRequest(
        prompt=prompt,
        cwd=cwd,
        json=line.json,
        images=tuple(os.path.abspath(path) for path in line.images),
        add_dirs=tuple(os.path.abspath(path) for path in line.add_dirs),
        output_last_message=_absolute(line.output_last_message),
        output_schema=_absolute(line.output_schema),
        overrides=_overrides(line.config),
        resume=line.resume,
        model=line.model,
        sandbox=line.sandbox,
        ephemeral=line.ephemeral,
        color=line.color == "always" or (line.color == "auto" and sys.stderr.isatty() and "NO_COLOR" not in os.environ),
    )
    try:
        opener = _opener([*_EXEC_CONFIG, *line.config], "exec", ephemeral=line.ephemeral)
        return asyncio.run(exec_json.run(opener, request))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("treadle: interrupted\n")
        return 130


def _absolute(path: str | None) -> str | None:
    return None if path is None else os.path.abspath(path)


def _open_streams() -> None:
    """Where a standard stream is closed, as it may be under cron, another file of ours must not take its place."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            # the lowest one that is free: this very one
            opened = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(opened, "w" if fd else "r", encoding="utf-8", closefd=False))


_MAX_PROMPT = 32 * 1024 * 1024


def _prompt(given: str | None) -> str:
    if given in (None, "-"):
        return _piped()
    if sys.stdin.isatty():
        return given
    piped = _piped()
    if not piped.strip():
        return given
    from .core import tags  # noqa: PLC0415

    return f"{given}\n\n<stdin>\n{tags.within('stdin', piped)}\n</stdin>"


def _piped() -> str:
    """Raises SystemExit for what is no prompt but a flood."""
    data = sys.stdin.buffer.read(_MAX_PROMPT + 1)
    if len(data) > _MAX_PROMPT:
        sys.stderr.write(f"treadle: what is piped in is larger than {_MAX_PROMPT // 1024 // 1024} MiB\n")
        raise SystemExit(2)
    return data.decode("utf-8", "replace")


def _doctor(line: Line) -> int:
    import asyncio  # noqa: PLC0415
    import json  # noqa: PLC0415

    async def report() -> Any:
        agent = await _opener(line.config, "doctor")()
        try:
            return await agent.info("doctor", cwd=os.getcwd())
        finally:
            await agent.close()

    from .core.errors import TreadleError  # noqa: PLC0415
    from .core.visible import visible  # noqa: PLC0415

    try:
        found = asyncio.run(report())
    except TreadleError as error:
        sys.stderr.write(f"treadle: {error.sentence()}\n")
        return 1
    if line.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        for name, fact in found.items():
            sys.stdout.write(f"{name}: {visible(fact) if isinstance(fact, str) else json.dumps(fact)}\n")
    return 0


def _look(line: Line) -> int:
    """What was billed, or what was sent, out of the store: no server is needed and no thread is claimed."""
    import asyncio  # noqa: PLC0415
    import json  # noqa: PLC0415

    from . import app  # noqa: PLC0415
    from .core.errors import TreadleError  # noqa: PLC0415
    from .core.inspection import Inspection  # noqa: PLC0415
    from .core.ops import ReadLedger, ReadPrompt  # noqa: PLC0415
    from .runtime.answers import LedgerPage  # noqa: PLC0415
    from .server import bill, terminal  # noqa: PLC0415

    op = ReadPrompt(line.thread or "", line.request) if line.command == "prompt" else ReadLedger(line.thread, limit=_ROWS)
    try:
        found = asyncio.run(app.look(app.Options(_overrides(line.config), line.command), op))
    except TreadleError as error:
        sys.stderr.write(f"treadle: {error.sentence()}\n")
        return 1
    if isinstance(found, LedgerPage):
        text = json.dumps(bill.page(found), indent=2) if line.json else terminal.ledger(found, of_thread=line.thread is not None)
    elif isinstance(found, Inspection):
        text = json.dumps(bill.prompt(found), indent=2) if line.json else terminal.prompt(found)
    else:
        raise TypeError(found)
    # a lone surrogate or a narrow locale must not end in a traceback
    sys.stdout.buffer.write((text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
