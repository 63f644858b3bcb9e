"""The system calls that a confined command is refused, as a seccomp program for bubblewrap.

Promises: what can reach round the namespaces (unix sockets, vsock, io_uring, keyrings, mounts, new namespaces, setuid files) is
refused; what the namespaces confine already (ptrace, loopback servers, send and shutdown) works, because development needs it.
A foreign ABI sees ENOSYS. Must never be built from anything but constants: no setting reaches this file.
"""

from __future__ import annotations

import errno
import os

from .bpf import ARCH, NR, And, Jump, Label, Load, Return, Step, argument, assemble

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_DENY = _ERRNO | errno.EPERM
_ABSENT = _ERRNO | errno.ENOSYS
_X32 = 0x40000000

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"machine -> (column of the tables below, AUDIT_ARCH)"

_REFUSED: dict[str, tuple[int, int]] = {
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "move_mount": (429, 429),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "open_by_handle_at": (304, 265),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "syslog": (103, 116),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "fanotify_init": (300, 262),
    "iopl": (172, -1),
    "ioperm": (173, -1),
    "modify_ldt": (154, -1),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "kcmp": (312, 272),
    "process_madvise": (440, 440),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "vhangup": (153, 58),
}
_MISSING: dict[str, tuple[int, int]] = {"clone3": (435, 435), "openat2": (437, 437)}
"Their flags hide behind a pointer, so they do not exist here; C libraries fall back to clone and openat."

_SET_USER_ID = 0o4000
_MODE_ARGUMENT: dict[str, tuple[tuple[int, int], int]] = {
    "chmod": ((90, -1), 1),
    "fchmod": ((91, 52), 1),
    "fchmodat": ((268, 53), 2),
    "fchmodat2": ((452, 452), 2),
    "creat": ((85, -1), 1),
}
_NODE_MODE_ARGUMENT: dict[str, tuple[tuple[int, int], int]] = {"mknod": ((133, -1), 1), "mknodat": ((259, 33), 2)}
_OPEN: dict[str, tuple[tuple[int, int], int]] = {"open": ((2, -1), 1), "openat": ((257, 56), 2)}
"The flags' place; the mode follows."
_CREATES = os.O_CREAT | (getattr(os, "O_TMPFILE", 0) & ~os.O_DIRECTORY)
_FCNTL, _SET_LEASE = (72, 25), 1024
_UNSHARE, _CLONE, _IOCTL, _SOCKET, _SOCKETPAIR = (272, 97), (56, 220), (16, 29), (41, 198), (53, 199)

_NEW_NAMESPACE = 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x00020000
_NEW_TIME_NAMESPACE = 0x80
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_BLOCK_DEVICE, _CHARACTER_DEVICE, _FILE_TYPE = 0x6000, 0x2000, 0xF000
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_STREAM, _DATAGRAM, _SEQPACKET, _TYPE = 1, 2, 5, 0xF


def supported(machine: str) -> bool:
    return machine in MACHINES


def program(machine: str, *, unix_sockets: bool = False) -> bytes:
    """The filter for one machine's native ABI. Raises KeyError for a machine that is not known here.

    `unix_sockets` may be given only where a broker looks at every connect().
    """
    column, arch = MACHINES[machine]
    steps: list[Step] = [Load(ARCH), Jump("==", arch, "native"), Return(_ABSENT), Label("native"), Load(NR)]
    if machine == "x86_64":
        steps += [Jump("any", _X32, None, "lp64"), Return(_ABSENT), Label("lp64")]

    def on(numbers: tuple[int, int], block: list[Step]) -> None:
        number = numbers[column]
        if number >= 0:
            past = f"past {number}"
            steps.extend([Jump("==", number, None, past), *block, Label(past)])

    for numbers in _REFUSED.values():
        on(numbers, [Return(_DENY)])
    for numbers in _MISSING.values():
        on(numbers, [Return(_ABSENT)])
    for name, (numbers, place) in _MODE_ARGUMENT.items():
        on(numbers, _unless_bits(name, place, _SET_USER_ID))
    for name, (numbers, place) in _NODE_MODE_ARGUMENT.items():
        on(numbers, _plain_node(name, place))
    for name, (numbers, place) in _OPEN.items():
        on(numbers, _plain_open(name, place))
    on(_UNSHARE, _unless_bits("unshare", 0, _NEW_NAMESPACE | _NEW_TIME_NAMESPACE))
    on(_CLONE, _unless_bits("clone", 0, _NEW_NAMESPACE))
    on(_IOCTL, _ioctl())
    on(_FCNTL, _no_lease())
    on(_SOCKET, _socket(unix_sockets))
    on(_SOCKETPAIR, _socketpair())
    return assemble([*steps, Return(_ALLOW)])


def _unless_bits(name: str, place: int, bits: int) -> list[Step]:
    no = f"{name} no"
    return [Load(argument(place)), Jump("any", bits, no), Return(_ALLOW), Label(no), Return(_DENY)]


def _plain_open(name: str, flags: int) -> list[Step]:
    yes, no = f"{name} yes", f"{name} no"
    create = [Load(argument(flags)), Jump("any", _CREATES, None, yes), Load(argument(flags + 1)), Jump("any", _SET_USER_ID, no)]
    return [*create, Label(yes), Return(_ALLOW), Label(no), Return(_DENY)]


def _plain_node(name: str, mode: int) -> list[Step]:
    no = f"{name} no"
    kind: list[Step] = [And(_FILE_TYPE), Jump("==", _BLOCK_DEVICE, no), Jump("==", _CHARACTER_DEVICE, no)]
    return [Load(argument(mode)), Jump("any", _SET_USER_ID, no), *kind, Return(_ALLOW), Label(no), Return(_DENY)]


def _ioctl() -> list[Step]:
    """No typing into somebody's terminal."""
    tests = [Load(argument(1)), Jump("==", _TIOCSTI, "types"), Jump("==", _TIOCLINUX, "types")]
    return [*tests, Return(_ALLOW), Label("types"), Return(_DENY)]


def _no_lease() -> list[Step]:
    """Who has one on a file of his own, if only to read, makes all others wait who open it to write."""
    tests = [Load(argument(1)), Jump("==", _SET_LEASE, "lease")]
    return [*tests, Return(_ALLOW), Label("lease"), Return(_DENY)]


def _socket(unix: bool) -> list[Step]:
    """Internet sockets and routing look-ups; nothing that a network namespace does not contain.

    AF_UNIX reaches the host's services by a path on disk (docker.sock, agents, buses), whatever the namespace. Where a broker
    connects on the command's behalf, streams are free; datagrams name their receiver with every message, so they never are.
    """
    streams: list[Step] = [
        Label("unix"),
        Load(argument(1)),
        And(_TYPE),
        Jump("==", _STREAM, "socket yes"),
        Jump("==", _SEQPACKET, "socket yes", "socket no"),
    ]
    return [
        Load(argument(0)),
        Jump("==", _AF_UNIX, "unix" if unix else "socket no"),
        Jump("==", _AF_INET, "internet"),
        Jump("==", _AF_INET6, "internet"),
        Jump("==", _AF_NETLINK, "netlink", "socket no"),
        *(streams if unix else ()),
        Label("internet"),
        Load(argument(1)),
        And(_TYPE),
        Jump("==", _STREAM, "socket yes"),
        Jump("==", _DATAGRAM, "socket yes", "socket no"),
        Label("netlink"),
        Load(argument(2)),
        Jump("==", 0, "socket yes", "socket no"),
        Label("socket no"),
        Return(_DENY),
        Label("socket yes"),
        Return(_ALLOW),
    ]


def _socketpair() -> list[Step]:
    """A connected pair is harmless; a datagram pair can still send elsewhere."""
    return [
        Load(argument(0)),
        Jump("==", _AF_UNIX, None, "pair no"),
        Load(argument(1)),
        And(_TYPE),
        Jump("==", _STREAM, "pair yes"),
        Jump("==", _SEQPACKET, "pair yes"),
        Label("pair no"),
        Return(_DENY),
        Label("pair yes"),
        Return(_ALLOW),
    ]
