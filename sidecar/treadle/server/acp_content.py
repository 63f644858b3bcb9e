"""The content blocks of a prompt -> what the user said. Pure.

A link to a file becomes a mention, for the agent reads files itself; what is embedded comes with it, cut at MAX_EMBEDDED.
What models cannot take is refused by the name of its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ..core import tags
from ..core.items import Image, Text
from ..core.truncate import clip
from .handshake import BadParams

if TYPE_CHECKING:
    from ..core.skills import FoundSkills

MAX_EMBEDDED = 256 * 1024
"Bytes of one embedded resource."
MAX_IMAGE = 20 * 1024 * 1024
COMPACT = "/compact"
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def content(blocks: Sequence[Any], skills: FoundSkills | None = None) -> tuple[Text | Image, ...]:
    """Raises BadParams. A skill that is named by a slash at the beginning is invoked."""
    found = [part for index, block in enumerate(blocks) for part in _parts(block, f"prompt.{index}")]
    if not found:
        raise BadParams("prompt", "there is nothing in it")
    first = found[0]
    if skills is not None and isinstance(first, Text) and first.text.startswith("/"):
        found[:1] = _invoked(first, skills)
    return tuple(found)


def compacts(blocks: Sequence[Any]) -> bool:
    """Whether the user asks for a summary in place of the conversation."""
    return len(blocks) == 1 and blocks[0].type == "text" and blocks[0].text.strip() == COMPACT


def place(uri: str) -> str:
    """The path of a file URI, with the lines that it names; any other URI as it is."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    if parts.scheme != "file":
        return uri
    return unquote(parts.path) + (f"#{parts.fragment}" if parts.fragment else "")


def _parts(block: Any, path: str) -> list[Text | Image]:
    match block.type:
        case "text":
            return [Text(block.text)] if block.text else []
        case "image":
            return [_image(block.data, block.mime_type, path)]
        case "resource_link":
            return [Text(_mention(block.uri, block.name))]
        case "resource":
            return _embedded(block.resource, path)
        case kind:
            raise BadParams(f"{path}.type", f"{kind} is not supported: send text, images or resources")


def _embedded(resource: Any, path: str) -> list[Text | Image]:
    mention = _mention(resource.uri)
    text: str | None = getattr(resource, "text", None)
    if text is not None:
        shown = tags.within("context", clip(text, MAX_EMBEDDED))
        return [Text(f'{mention}\n<context ref="{_quoted(resource.uri)}">\n{shown}\n</context>')]
    if resource.mime_type in _PICTURES:
        return [Text(mention), _image(resource.blob, resource.mime_type, f"{path}.resource")]
    return [Text(mention)]


def _image(data: str, kind: str, path: str) -> Image:
    if kind not in _PICTURES:
        raise BadParams(f"{path}.mimeType", f"{kind} is not supported: send PNG, JPEG, GIF or WebP")
    if len(data) > MAX_IMAGE * 4 // 3 + 4:
        raise BadParams(f"{path}.data", "the image is larger than 20 MB")
    return Image(f"data:{kind};base64,{data}")


def _mention(uri: str, name: str | None = None) -> str:
    where = place(uri)
    return f"[@{name or where.rstrip('/').rpartition('/')[2] or where}]({where})"


def _quoted(text: str) -> str:
    return tags.named(text).replace("&", "&amp;").replace('"', "&quot;")


def _invoked(first: Text, skills: FoundSkills) -> list[Text]:
    word, _, rest = first.text[1:].partition(" ")
    skill = next((skill for skill in skills.skills if skill.enabled and skill.name == word.strip()), None)
    if skill is None:
        return [first]
    named = Text(f"${skill.name}", skill=skill.path)
    return [named, Text(rest.strip())] if rest.strip() else [named]
