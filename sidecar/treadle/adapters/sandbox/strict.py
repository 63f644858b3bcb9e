"""The system calls that are refused besides, where nothing but Landlock confines: it knows files and signals only.

A second seccomp program on top of seccomp.py's; of two refusals the kernel takes this one's. Promises: nobody's files are
changed in their metadata by a command that may only read; without network there is no internet socket at all; System V memory
and message queues of the host are out of reach, and so is the scheduling of others. Must never be built from anything but
constants and the two flags.
"""

from __future__ import annotations

import errno

from .bpf import ARCH, NR, And, Jump, Label, Load, Return, Step, argument, assemble
from .seccomp import MACHINES

_ALLOW = 0x7FFF0000
_DENY = 0x00050000 | errno.EPERM
_READ_ONLY = 0x00050000 | errno.EROFS

_HOST_WIDE: tuple[tuple[int, int], ...] = (
    *((29, 194), (30, 196), (31, 195)),  # shmget shmat shmctl
    *((64, 190), (65, 193), (66, 191), (220, 192)),  # semget semop semctl semtimedop
    *((68, 186), (69, 189), (70, 188), (71, 187)),  # msgget msgsnd msgrcv msgctl
    *((240, 180), (241, 181)),  # mq_open mq_unlink
)
_METADATA: tuple[tuple[int, int], ...] = (
    *((90, -1), (91, 52), (268, 53), (452, 452)),  # chmod fchmod fchmodat fchmodat2
    *((92, -1), (93, 55), (94, -1), (260, 54)),  # chown fchown lchown fchownat
    *((132, -1), (235, -1), (261, -1), (280, 88)),  # utime utimes futimesat utimensat
    *((188, 5), (189, 6), (190, 7), (463, 463)),  # setxattr lsetxattr fsetxattr setxattrat
    *((197, 14), (198, 15), (199, 16), (466, 466)),  # removexattr lremovexattr fremovexattr removexattrat
    *((469, 469), (76, 45)),  # file_setattr truncate
)
_OF_A_PROCESS: dict[str, tuple[tuple[int, int], int]] = {
    "setpriority": ((141, 140), 1),
    "ioprio_set": ((251, 30), 1),
    "sched_setparam": ((142, 118), 0),
    "sched_setscheduler": ((144, 119), 0),
    "sched_setaffinity": ((203, 122), 0),
    "sched_setattr": ((314, 274), 0),
}
"name -> (numbers, the argument that says whose); 0 is the caller's own."
_IOCTL, _SOCKET, _PRLIMIT = (16, 29), (41, 198), (302, 261)
_SET_FLAGS = (0x40086602, 0x40046602, 0x401C5820, 0x40087601, 0x40087602, 0x40047602, 0x40087604)
"FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_SETVERSION and their older forms."
_BTRFS_TYPE, _TYPE_MASK = 0x9400, 0xFF00
_CLONES = (0x40049409, 0x4020940D, 0xC0189436)
"FICLONE, FICLONERANGE, FIDEDUPERANGE: they write to a descriptor that was opened for writing."
_AF_INET, _AF_INET6 = 2, 10


def program(machine: str, *, read_only: bool, network: bool) -> bytes:
    """For one machine's native ABI; a foreign one sees what seccomp.py says. Raises KeyError for a machine not known there."""
    column, arch = MACHINES[machine]
    steps: list[Step] = [Load(ARCH), Jump("==", arch, "native"), Return(_ALLOW), Label("native"), Load(NR)]

    def on(numbers: tuple[int, int], block: list[Step]) -> None:
        number = numbers[column]
        if number >= 0:
            past = f"past {number}"
            steps.extend([Jump("==", number, None, past), *block, Label(past)])

    for numbers in _HOST_WIDE:
        on(numbers, [Return(_DENY)])
    if read_only:
        for numbers in _METADATA:
            on(numbers, [Return(_READ_ONLY)])
    on(_IOCTL, _ioctl(read_only))
    on(_PRLIMIT, _prlimit())
    for name, (numbers, place) in _OF_A_PROCESS.items():
        on(numbers, _own(name, place))
    if not network:
        on(_SOCKET, _socket())
    return assemble([*steps, Return(_ALLOW)])


def _ioctl(read_only: bool) -> list[Step]:
    """What changes a file's attributes through a descriptor that was opened for reading."""
    flags = [Jump("==", value, "ioctl read-only") for value in _SET_FLAGS] if read_only else []
    clones = [Jump("==", value, "ioctl yes") for value in _CLONES]
    other = [And(_TYPE_MASK), Jump("==", _BTRFS_TYPE, "ioctl read-only", "ioctl yes")]
    ends = [Label("ioctl read-only"), Return(_READ_ONLY), Label("ioctl yes"), Return(_ALLOW)]
    return [Load(argument(1)), *flags, *clones, *other, *ends]


def _prlimit() -> list[Step]:
    """Nobody else's limits are set; one's own, and reading, are free."""
    own = [Load(argument(0)), Jump("==", 0, "prlimit yes")]
    read = [Load(argument(2)), Jump("==", 0, None, "prlimit no"), Load(argument(2) + 4), Jump("==", 0, "prlimit yes")]
    return [*own, *read, Label("prlimit no"), Return(_DENY), Label("prlimit yes"), Return(_ALLOW)]


def _own(name: str, place: int) -> list[Step]:
    no = f"{name} no"
    return [Load(argument(place)), Jump("==", 0, None, no), Return(_ALLOW), Label(no), Return(_DENY)]


def _socket() -> list[Step]:
    """Without a network namespace a socket is the host's, whatever it is used for."""
    tests = [Load(argument(0)), Jump("==", _AF_INET, "socket no"), Jump("==", _AF_INET6, "socket no")]
    return [*tests, Return(_ALLOW), Label("socket no"), Return(_DENY)]
