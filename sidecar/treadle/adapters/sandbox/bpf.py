"""A small assembler for classic BPF, as seccomp reads it: instructions and labels in, the kernel's bytes out.

Promises that a jump goes where its label says or that assembling fails. Must never optimise: a filter is read more often than
it is run.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ...core.record import frozen

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_JUMPS = {"==": 0x15, "any": 0x45}
_FAR = 255

NR, ARCH = 0, 4


def argument(index: int) -> int:
    """Offset of the low half of a system call's argument, which is all that the kernel looks at where an int is expected."""
    return 16 + 8 * index


@frozen
class Load:
    offset: int


@frozen
class And:
    mask: int


@frozen
class Return:
    value: int


@frozen
class Jump:
    """`test` is == or any (a bit in common). None falls through to the next instruction."""

    test: str
    value: int
    then: str | None = None
    otherwise: str | None = None


@frozen
class Label:
    name: str


Step = Load | And | Return | Jump | Label


def assemble(steps: Sequence[Step]) -> bytes:
    """Raises ValueError for a label that is missing, behind, or too far away for one jump."""
    places: dict[str, int] = {}
    code: list[Load | And | Return | Jump] = []
    for step in steps:
        if isinstance(step, Label):
            if step.name in places:
                raise ValueError(f"label {step.name} is there twice")
            places[step.name] = len(code)
        else:
            code.append(step)

    def distance(here: int, label: str | None) -> int:
        if label is None:
            return 0
        way = places.get(label, -1) - here - 1
        if not 0 <= way <= _FAR:
            raise ValueError(f"cannot jump to {label}")
        return way

    out = bytearray()
    for here, step in enumerate(code):
        match step:
            case Load(offset):
                out += struct.pack("<HBBI", _LOAD, 0, 0, offset)
            case And(mask):
                out += struct.pack("<HBBI", _AND, 0, 0, mask)
            case Return(value):
                out += struct.pack("<HBBI", _RETURN, 0, 0, value)
            case Jump(test, value, then, otherwise):
                out += struct.pack("<HBBI", _JUMPS[test], distance(here, then), distance(here, otherwise), value)
    return bytes(out)
