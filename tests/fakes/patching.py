"""apply_patch over a folder of a test, without a thread around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from treadle.adapters.files import DiskFiles
from treadle.core.settings import Provider, SandboxPolicy, Settings
from treadle.core.views import FileChangeView
from treadle.runtime.ports import Call, Plan, Scope, ToolResult
from treadle.tools.apply_patch import ApplyPatch

TOOL = ApplyPatch()


def scope_in(folder: Path, mode: str = "workspace-write") -> Scope:
    policy = SandboxPolicy(cast(Any, mode), (str(folder),), exclude_slash_tmp=True, exclude_tmpdir=True)
    settings = Settings(cwd=str(folder), model="m", provider=Provider("p", "P", "http://localhost"), sandbox=policy)
    unused: Any = None
    return Scope(settings, unused, DiskFiles(), unused, lambda text: None, policy)


def call(arguments: str, *, custom: bool = True) -> Call:
    return Call("i", "c", "apply_patch", arguments, custom, "thread", "turn")


def wrap(*lines: str) -> str:
    return "\n".join(("*** Begin Patch", *lines, "*** End Patch"))


async def prepare(scope: Scope, *lines: str) -> Plan:
    return await TOOL.prepare(call(wrap(*lines)), scope)


async def patched(scope: Scope, *lines: str) -> ToolResult:
    plan = await prepare(scope, *lines)
    return await TOOL.run(call(""), plan, scope)


def changes(plan: Plan) -> list[Any]:
    return list(cast(FileChangeView, plan.view)["changes"])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
