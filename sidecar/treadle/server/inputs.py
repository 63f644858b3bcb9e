"""Checked parameters -> core values: what the user said, and the settings that a client overrides.

A local image is read here, so that the agent gets the bytes as they were when the user sent them.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.items import Element, Image, Text
from ..core.ops import Overrides
from ..core.settings import ApprovalPolicy, SandboxPolicy
from .handshake import BadParams

if TYPE_CHECKING:
    from .wire import item as wire
    from .wire.thread import ThreadOverrides
    from .wire.thread_ops import ThreadSettingsUpdateParams
    from .wire.turn import TurnStartParams

MAX_ELEMENTS = 1_000
MAX_IMAGE_BYTES = 20 * 1024 * 1024
PROFILES = {
    ":read-only": SandboxPolicy("read-only"),
    ":workspace": SandboxPolicy("workspace-write"),
    ":danger-full-access": SandboxPolicy("danger-full-access", network=True),
}
_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


async def content(parts: Sequence[Any]) -> tuple[Text | Image, ...]:
    """The user's input. Raises BadParams naming the part that cannot be used."""
    return tuple([await _part(part, f"input.{index}") for index, part in enumerate(parts)])


async def said(parts: Sequence[Any]) -> tuple[Text | Image, ...]:
    """As `content`, and at least one part."""
    found = await content(parts)
    if not found:
        raise BadParams("input", "expected at least one part")
    return found


async def _part(part: Any, path: str) -> Text | Image:
    match part.type:
        case "text":
            return Text(part.text, elements=_elements(part.text, part.text_elements))
        case "image":
            if not part.url.startswith(("data:image/", "https://", "http://")):
                raise BadParams(f"{path}.url", "expected a data: or https: URL of an image")
            if len(part.url) > MAX_IMAGE_BYTES * 4 // 3 + 64:
                raise BadParams(f"{path}.url", "the image is larger than 20 MB")
            return Image(part.url, part.detail)
        case "localImage":
            return await asyncio.to_thread(read_image, part.path, part.detail, f"{path}.path")
        case "skill":
            return Text(f"${part.name}", skill=part.path)
        case "mention":
            return Text(f"[@{part.name}]({part.path})", mention=part.path)
        case _:
            raise BadParams(f"{path}.type", "this kind of input is not supported")


def _elements(text: str, given: Sequence[wire.TextElement]) -> tuple[Element, ...]:
    """Those that lie within the text: one that does not is dropped, the words are there without it."""
    size = len(text.encode("utf-8", "surrogatepass")) if given else 0
    ranges = ((element.byte_range.start, element.byte_range.end, element.placeholder) for element in given[:MAX_ELEMENTS])
    return tuple(Element(start, end, name) for start, end, name in ranges if 0 <= start < end <= size)


def read_image(path: str, detail: str | None, field: str) -> Image:
    """A picture file as a data: URL. Raises BadParams for what is not one, and for one that is too large."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
    except OSError as error:
        raise BadParams(field, f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > MAX_IMAGE_BYTES:
        raise BadParams(field, f"{path} is larger than 20 MB")
    kind = next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        raise BadParams(field, f"{path} is not a PNG, JPEG, GIF or WebP picture")
    return Image(f"data:{kind};base64,{base64.b64encode(data).decode()}", detail, path)


def thread_overrides(params: ThreadOverrides, *, fresh: bool) -> Overrides:
    """What a client sets when it starts or resumes a thread."""
    config = dict(params.config or {})
    sandbox = None
    mode = params.sandbox
    if params.permissions is not None:
        if mode is not None:
            raise BadParams("permissions", "cannot be combined with sandbox")
        mode = profile(params.permissions, "permissions").mode
    if mode is not None and fresh:
        # by its key, so that the configuration's writable roots and network stay in force
        config["sandbox_mode"] = mode
    elif mode is not None:
        sandbox = SandboxPolicy(mode)
    return Overrides(
        cwd=params.cwd,
        model=params.model,
        provider=params.model_provider,
        approval_policy=approval_policy(params.approval_policy),
        sandbox=sandbox,
        roots=_roots(params.runtime_workspace_roots),
        base_instructions=params.base_instructions,
        developer_instructions=params.developer_instructions,
        config=config,
    )


def turn_overrides(params: TurnStartParams | ThreadSettingsUpdateParams) -> Overrides:
    """What a client sets from this turn, or the next, on."""
    return Overrides(
        cwd=params.cwd,
        model=params.model,
        effort=params.effort,
        summary=params.summary,
        approval_policy=approval_policy(params.approval_policy),
        sandbox=_turn_policy(params),
        roots=_roots(getattr(params, "runtime_workspace_roots", None)),
        ask_before_edits=getattr(params, "ask_before_edits", None),
    )


def _turn_policy(params: TurnStartParams | ThreadSettingsUpdateParams) -> SandboxPolicy | None:
    if params.permissions is None:
        return sandbox_policy(params.sandbox_policy)
    if params.sandbox_policy is not None:
        raise BadParams("permissions", "cannot be combined with sandboxPolicy")
    return profile(params.permissions, "permissions")


def profile(name: str, path: str) -> SandboxPolicy:
    """A permission profile by its id."""
    if name not in PROFILES:
        raise BadParams(path, f"no permission profile {name!r}: there are {', '.join(PROFILES)}")
    return PROFILES[name]


def approval_policy(given: Any) -> ApprovalPolicy | None:
    """The policies that the protocol knows besides ours ask more often than never: on-request is the nearest."""
    if given is None:
        return None
    return "never" if given == "never" else "on-request"


def sandbox_policy(given: Any) -> SandboxPolicy | None:
    if given is None:
        return None
    match given.type:
        case "dangerFullAccess":
            return SandboxPolicy("danger-full-access", network=True)
        case "readOnly":
            return SandboxPolicy("read-only", network=given.network_access)
        case "externalSandbox":
            return SandboxPolicy("external", network=given.network_access == "enabled")
        case "workspaceWrite":
            return SandboxPolicy(
                "workspace-write",
                tuple(given.writable_roots),
                given.network_access,
                given.exclude_tmpdir_env_var,
                given.exclude_slash_tmp,
            )
        case other:
            raise BadParams("sandboxPolicy.type", f"no such policy: {other}")


def _roots(given: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)
