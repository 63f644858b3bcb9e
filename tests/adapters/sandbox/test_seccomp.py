"""The filter as a table: system calls in, verdicts out, run by a BPF interpreter of twenty lines."""

from __future__ import annotations

import errno
import struct

import pytest

from treadle.adapters.sandbox import notices, seccomp
from treadle.adapters.sandbox.bpf import Jump, Label, Load, Return, assemble

ALLOW, DENY, ABSENT = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
X86, ARM, I386 = 0xC000003E, 0xC00000B7, 0x40000003


def verdict(code: bytes, arch: int, number: int, *arguments: int) -> int:
    data = struct.pack("<IIQ6Q", number, arch, 0, *(*arguments, *[0] * (6 - len(arguments))))
    place, value = 0, 0
    while True:
        op, then, otherwise, constant = struct.unpack_from("<HBBI", code, place * 8)
        place += 1
        match op:
            case 0x20:
                (value,) = struct.unpack_from("<I", data, constant)
            case 0x54:
                value &= constant
            case 0x15:
                place += then if value == constant else otherwise
            case 0x45:
                place += then if value & constant else otherwise
            case _:
                assert op == 0x06
                return constant


CASES = [
    ("read", (0, 63), (), ALLOW),
    ("ptrace", (101, 117), (), ALLOW),
    ("bpf", (321, 280), (), DENY),
    ("fcntl, a lease", (72, 25), (3, 1024, 0), DENY),
    ("fcntl, a lock", (72, 25), (3, 6, 0), ALLOW),
    ("io_uring_setup", (425, 425), (), DENY),
    ("keyctl", (250, 219), (), DENY),
    ("mount", (165, 40), (), DENY),
    ("clone3", (435, 435), (), ABSENT),
    ("openat2", (437, 437), (), ABSENT),
    ("fork by clone", (56, 220), (17,), ALLOW),
    ("clone a user namespace", (56, 220), (0x10000000 | 17,), DENY),
    ("unshare files", (272, 97), (0x400,), ALLOW),
    ("unshare time", (272, 97), (0x80,), DENY),
    ("unix stream", (41, 198), (1, 1 | 0o2000000, 0), DENY),
    ("unix raw", (41, 198), (1, 3, 0), DENY),
    ("internet stream", (41, 198), (2, 1 | 0o4000, 0), ALLOW),
    ("internet 6 datagram", (41, 198), (10, 2, 0), ALLOW),
    ("internet raw", (41, 198), (2, 3, 1), DENY),
    ("route netlink", (41, 198), (16, 3, 0), ALLOW),
    ("kobject netlink", (41, 198), (16, 3, 15), DENY),
    ("vsock", (41, 198), (40, 1, 0), DENY),
    ("family hidden in the high half", (41, 198), ((7 << 32) | 1, 1, 0), DENY),
    ("stream pair", (53, 199), (1, 1, 0), ALLOW),
    ("datagram pair", (53, 199), (1, 2, 0), DENY),
    ("terminal size", (16, 29), (0, 0x5413), ALLOW),
    ("typing into a terminal", (16, 29), (0, 0x5412), DENY),
    ("typing with a dirty high half", (16, 29), (0, (1 << 32) | 0x5412), DENY),
    ("fchmod 755", (91, 52), (3, 0o755), ALLOW),
    ("fchmod setuid", (91, 52), (3, 0o4755), DENY),
    ("fchmodat2 setuid", (452, 452), (3, 0, 0o4755), DENY),
    ("open for reading with rubbish as mode", (257, 56), (0, 0, 0, 0o7777), ALLOW),
    ("create setuid", (257, 56), (0, 0, 0o100, 0o4755), DENY),
    ("mknod fifo", (259, 33), (0, 0, 0o010644), ALLOW),
    ("mknod block", (259, 33), (0, 0, 0o060644), DENY),
]


@pytest.mark.parametrize(("machine", "column", "arch"), [("x86_64", 0, X86), ("aarch64", 1, ARM)])
@pytest.mark.parametrize(("numbers", "arguments", "expected"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_each_call_gets_its_verdict(
    machine: str, column: int, arch: int, numbers: tuple[int, int], arguments: tuple[int, ...], expected: int
) -> None:
    assert verdict(seccomp.program(machine), arch, numbers[column], *arguments) == expected


@pytest.mark.parametrize(("kind", "expected"), [(1 | 0o2004000, ALLOW), (5, ALLOW), (2, DENY), (3, DENY), (0, DENY)])
def test_with_a_broker_unix_streams_are_free_and_datagrams_are_not(kind: int, expected: int) -> None:
    for machine, arch, socket_number, pair_number in (("x86_64", X86, 41, 53), ("aarch64", ARM, 198, 199)):
        code = seccomp.program(machine, unix_sockets=True)
        assert verdict(code, arch, socket_number, 1, kind, 0) == expected
        assert verdict(code, arch, pair_number, 1, kind, 0) == expected
        assert verdict(code, arch, socket_number, 40, 1, 0) == DENY
        assert verdict(code, arch, socket_number, 2, 2, 0) == ALLOW


@pytest.mark.parametrize(("machine", "arch", "connect"), [("x86_64", X86, 42), ("aarch64", ARM, 203)])
def test_only_connect_is_told_to_the_broker(machine: str, arch: int, connect: int) -> None:
    code = notices.program(machine)
    assert verdict(code, arch, connect, 3) == 0x7FC00000
    assert verdict(code, arch, connect + 1) == ALLOW
    assert verdict(code, I386, connect) == ALLOW  # which the other filter refuses


def test_a_foreign_abi_finds_no_system_calls() -> None:
    code = seccomp.program("x86_64")
    assert verdict(code, I386, 4) == ABSENT
    assert verdict(code, X86, 0x40000000 | 41, 1, 1) == ABSENT


def test_an_unknown_machine_is_not_guessed() -> None:
    assert not seccomp.supported("riscv64")
    with pytest.raises(KeyError):
        seccomp.program("riscv64")


@pytest.mark.parametrize("filling", [0, 256])
def test_a_jump_that_would_miss_its_label_is_an_error(filling: int) -> None:
    missing = [Jump("==", 1, "nowhere"), Return(0)]
    far = [Jump("==", 1, "end"), *[Load(0)] * filling, Label("end"), Return(0)]
    with pytest.raises(ValueError, match="cannot jump"):
        assemble(far if filling else missing)
