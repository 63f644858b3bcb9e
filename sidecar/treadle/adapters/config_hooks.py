"""The user's hooks, as config.toml and hooks.json name them. A folder's own hooks count only where the folder is trusted.

Hooks of all files run: one file does not replace another's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from ..core.hooks import MAX_HOOKS, Hook, parse
from .config_files import MAX_CONFIG_BYTES, ConfigProblem
from .config_values import Layer, Values
from .file_read import read_small

FILE = "hooks.json"


def hooks(
    values: Values, own: Sequence[Layer], projects: Sequence[Layer], homes: Iterable[Path], folders: Iterable[Path]
) -> tuple[Hook, ...]:
    """`own` and `homes`: the user's layers and folders with a hooks.json; `projects` and `folders`: those of a trusted folder."""
    found: list[Hook] = []
    for layers, places, project in ((own, homes, False), (projects, folders, True)):
        for layer in layers:
            if "hooks" in layer.data:
                found += _checked(values, layer.data["hooks"], str(layer.path or layer.name), project)
        for place in places:
            found += _of_file(values, place / FILE, project)
    return tuple(found[:MAX_HOOKS])


def _of_file(values: Values, path: Path, project: bool) -> tuple[Hook, ...]:
    try:
        raw = read_small(str(path), MAX_CONFIG_BYTES)
        if len(raw) > MAX_CONFIG_BYTES:
            raise ValueError("it is larger than 1 MiB")
        data: Any = json.loads(raw)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        values.problems.append(ConfigProblem(str(path), None, None, f"cannot be read ({error.strerror})."))
        return ()
    except (ValueError, RecursionError) as error:
        values.problems.append(ConfigProblem(str(path), None, None, f"is not used: {error}."))
        return ()
    table = cast("dict[str, Any]", data).get("hooks") if isinstance(data, dict) else None
    return _checked(values, table, str(path), project)


def _checked(values: Values, table: Any, source: str, project: bool) -> tuple[Hook, ...]:
    found, problems = parse(table, source, project=project)
    values.problems += [ConfigProblem(source, None, None, f"{problem}.") for problem in problems]
    return found
