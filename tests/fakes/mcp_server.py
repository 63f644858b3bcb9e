"""A real MCP server, small: run as a child (`python -m fakes.mcp_server`), or over HTTP on loopback with `--http PORT`.

Its flags make it slow, silent or short-lived. What it does is told by files in `--folder`, so that a test can wait for it.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
import time
from pathlib import Path
from typing import Any

import anyio
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.types import ToolAnnotations

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
READ_ONLY = ToolAnnotations(read_only_hint=True)


def build(options: argparse.Namespace) -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("fake", log_level="ERROR")
    add_plain(server)
    add_odd(server, Path(options.folder))
    add_resources(server)
    if options.more:
        server.add_tool(late, name="late")
    return server


def add_plain(server: MCPServer[Any]) -> None:
    @server.tool(annotations=READ_ONLY)
    def echo(text: str) -> str:
        """Say it again."""
        return text

    @server.tool(annotations=READ_ONLY)
    def fail() -> str:
        """Never works."""
        raise ValueError("it broke")

    @server.tool(annotations=READ_ONLY, structured_output=False)
    def image() -> list[Any]:
        """A picture and a word."""
        return ["a pixel", Image(data=PIXEL, format="png")]

    @server.tool(annotations=READ_ONLY)
    def sums(numbers: list[int]) -> dict[str, int]:
        """Structured content."""
        return {"sum": sum(numbers)}


def add_odd(server: MCPServer[Any], folder: Path) -> None:
    @server.tool(annotations=READ_ONLY)
    async def slow(ctx: Context, name: str = "slow") -> str:
        """Wait until the file `name` is there, and tell of progress."""
        await ctx.report_progress(1, 2, "half way")
        try:
            (folder / f"{name}.begun").touch()
            while not (folder / name).exists():  # noqa: ASYNC110 - made by another process
                await anyio.sleep(0.01)
        except anyio.get_cancelled_exc_class():
            (folder / f"{name}.cancelled").touch()
            raise
        return "waited"

    @server.tool(annotations=ToolAnnotations(destructive_hint=True))
    def wipe(path: str) -> str:
        """Destroys nothing, but says that it may."""
        return f"wiped {path}"

    @server.tool(name="odd-name.tool")
    def odd() -> str:
        """Its name needs cleaning; it has no hints."""
        return "odd"

    @server.tool(annotations=READ_ONLY)
    def environment() -> str:
        """Which variables this server was given."""
        return "\n".join(sorted(f"{name}={value}" for name, value in os.environ.items()))

    @server.tool(annotations=READ_ONLY)
    def crash() -> str:
        """Ends the process in the middle of the call."""
        os._exit(3)

    @server.tool(annotations=READ_ONLY)
    async def grow(ctx: Context) -> str:
        """Changes the list of tools, and says so."""
        server.add_tool(late, name="late")
        await ctx.session.send_tool_list_changed()
        await ctx.notify_tools_changed()
        return "grown"


def add_resources(server: MCPServer[Any]) -> None:
    @server.resource("notes://today", name="today", description="Notes of today.", mime_type="text/plain")
    def today() -> str:
        return "Buy milk."

    @server.resource("notes://picture", name="picture", mime_type="image/png")
    def picture() -> bytes:
        return PIXEL

    @server.resource("notes://of/{day}", name="of a day")
    def of_day(day: str) -> str:
        return f"Nothing on {day}."


def late() -> str:
    """A tool that was not there at first."""
    return "late"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default=".")
    parser.add_argument("--http", type=int)
    parser.add_argument("--wait-for", help="a file in the folder to wait for before saying anything")
    parser.add_argument("--more", action="store_true", help="one tool more from the beginning")
    parser.add_argument("--refuse", action="store_true", help="complain and end at once")
    parser.add_argument("--silent", action="store_true", help="never answer")
    options = parser.parse_args()
    folder = Path(options.folder)
    with (folder / "pids").open("a") as pids:
        pids.write(f"{os.getpid()}\n")
    if options.refuse:
        sys.exit("no license found")
    while options.silent or (options.wait_for and not (folder / options.wait_for).exists()):
        if os.getppid() == 1:
            return
        time.sleep(0.01)
    server = build(options)
    if options.http is not None:
        server.run("streamable-http", host="127.0.0.1", port=options.http)
    else:
        server.run("stdio")


if __name__ == "__main__":
    main()
