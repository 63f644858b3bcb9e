"""Where the two folders are: Codex's, which is only read, and Treadle's own. Looks nothing up on disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..core.record import frozen


@frozen
class Homes:
    codex: Path
    treadle: Path


def homes(environ: Mapping[str, str] = os.environ) -> Homes:
    codex = Path(environ.get("CODEX_HOME") or "~/.codex").expanduser()
    own = environ.get("TREADLE_HOME")
    if own:
        return Homes(codex, Path(own).expanduser())
    import platformdirs  # noqa: PLC0415

    return Homes(codex, Path(platformdirs.user_data_dir("treadle", appauthor=False)))
