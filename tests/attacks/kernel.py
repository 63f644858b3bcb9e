"""Attempts by system calls: namespaces, mounts, keys, and the parts of the kernel in which its errors are found.

Numbers are those of x86_64; on another machine these attempts are not made.
"""

from __future__ import annotations

import platform

from attacks.arena import Attempt, says

HERE = platform.machine() == "x86_64"
NAMESPACES = {
    "user": 0x10000000,
    "mount": 0x20000,
    "pid": 0x20000000,
    "net": 0x40000000,
    "ipc": 0x8000000,
    "uts": 0x4000000,
    "cgroup": 0x2000000,
    "time": 0x80,
}

UNSHARED = [
    Attempt(
        f"a new {name} namespace",
        f"let_through(call(272, {flag:#x}))",
        says("WON"),
        "py",
        user="any" if name == "user" else "root",
        control=name != "time",
    )
    for name, flag in NAMESPACES.items()
]
UNSHARED += [
    Attempt("a user namespace with all the rest", "let_through(call(272, 0x7E020000))", says("WON"), "py"),
    Attempt(
        "a child in a user namespace",
        "pid = call(56, 0x10000011, 0, 0, 0, 0)\npid == 0 and os._exit(0)\nlet_through(pid)",
        says("WON"),
        "py",
    ),
    Attempt(
        "the same by clone3",
        "pid = call(435, struct.pack('QQQQQQQQ', 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64)\npid == 0 and os._exit(0)\nlet_through(pid)",
        says("WON"),
        "py",
    ),
    Attempt("unshare as a program", "unshare -Urm sh -c 'mount -t tmpfs x /mnt && echo WON'", says("WON")),
    Attempt("unshare, then write", "unshare -Urm sh -c 'mount -o remount,bind,rw / ; echo pwned > $OUT/target.txt'"),
    Attempt("bubblewrap in bubblewrap", "bwrap --dev-bind / / sh -c 'echo pwned > $OUT/target.txt'"),
    Attempt("the namespaces of process 1", "nsenter -t 1 -m sh -c 'echo pwned > $OUT/target.txt'", control=False),
    Attempt("the namespaces of the agent", "nsenter -t $AGENT -m sh -c 'echo pwned > $OUT/target.txt'", user="root"),
    Attempt(
        "setns by a descriptor",
        "fd = os.open('/proc/self/ns/mnt', os.O_RDONLY)\nlet_through(call(308, fd, 0))",
        says("WON"),
        "py",
        user="root",
    ),
]

MOUNTS = [
    Attempt(
        "make the disk writable",
        "mount -o remount,rw /; mount -o remount,bind,rw $OUT; echo pwned > $OUT/target.txt",
        control=False,
    ),
    Attempt("mount a file system", "let_through(call(165, b'x', b'/mnt', b'tmpfs', 0, None))", says("WON"), "py", control=False),
    Attempt("mount /proc anew", "let_through(call(165, b'x', b'/mnt', b'proc', 0, None))", says("WON"), "py", control=False),
    Attempt("take / away", "let_through(call(166, b'/proc/sys', 2))", says("WON"), "py", control=False),
    Attempt("pivot the root", "let_through(call(155, b'/', b'/mnt'))", says("WON"), "py", control=False),
    Attempt("change the root", "let_through(call(161, b'/'))", says("WON"), "py", user="root"),
    Attempt("fsopen", "let_through(call(430, b'tmpfs', 0))", says("WON"), "py", user="root"),
    Attempt("fspick", "let_through(call(433, -100, b'/', 0))", says("WON"), "py", control=False),
    Attempt("open_tree", "let_through(call(428, -100, b'/', 1))", says("WON"), "py", user="root"),
    Attempt("open_tree_attr", "let_through(call(467, -100, b'/', 1, None, 0))", says("WON"), "py", control=False),
    Attempt("move_mount", "let_through(call(429, -1, b'', -100, b'/mnt', 4))", says("WON"), "py", user="root"),
    Attempt(
        "mount_setattr",
        "let_through(call(442, -100, b'/', 0, struct.pack('QQQQ', 0, 1, 0, 0), 32))",
        says("WON"),
        "py",
        control=False,
    ),
    Attempt("statmount of the host", "let_through(call(457, None, None, 0, 0))", says("WON"), "py", control=False)
    if False
    else Attempt("swap", "let_through(call(167, b'/dev/zram0', 0))", says("WON"), "py", control=False),
]

SURFACE = [
    Attempt(name, f"let_through(call({number}, {arguments}))", says("WON"), "py", user=user, control=control)
    for name, number, arguments, user, control in (
        ("bpf", 321, "0, ctypes.create_string_buffer(struct.pack('IIII', 2, 4, 4, 1), 128), 128", "root", True),
        ("perf_event_open", 298, "ctypes.create_string_buffer(struct.pack('II', 1, 128), 128), 0, -1, -1, 0", "root", True),
        ("userfaultfd", 323, "1", "root", True),
        ("io_uring_setup", 425, "8, ctypes.create_string_buffer(120)", "any", True),
        ("io_uring_enter", 426, "-1, 0, 0, 0, None", "any", True),
        ("io_uring_register", 427, "-1, 0, None, 0", "any", True),
        ("add_key", 248, "b'user', TOKEN.encode(), b'x', 1, -2", "any", True),
        ("keyctl", 250, "0, -5, 1", "any", True),
        ("request_key", 249, "b'user', TOKEN.encode(), None, 0", "any", True),
        ("kcmp", 312, "os.getpid(), os.getpid(), 0, 0, 0", "any", True),
        ("process_madvise", 440, "-1, None, 0, 0, 0", "any", True),
        ("move_pages", 279, "0, 0, None, None, None, 0", "any", True),
        ("migrate_pages", 256, "0, 0, None, None", "any", True),
        ("init_module", 175, "None, 0, b''", "root", False),
        ("finit_module", 313, "-1, b'', 0", "root", False),
        ("delete_module", 176, "b'no-such-module', 0", "root", False),
        ("kexec_load", 246, "0, 0, None, 0xFFFF", "root", False),
        ("kexec_file_load", 320, "-1, -1, 0, None, 0xFFFF", "root", False),
        ("reboot", 169, "1, 2, 3, None", "root", False),
        ("acct", 163, "b'/no/such'", "root", False),
        ("syslog", 103, "10, None, 0", "root", True),
        ("quotactl", 179, "0, None, 0, None", "root", False),
        ("quotactl_fd", 443, "-1, 0, 0, None", "any", False),
        ("fanotify_init", 300, "0, 0", "root", True),
        ("iopl", 172, "3", "root", False),
        ("ioperm", 173, "0, 1, 1", "root", False),
        ("modify_ldt", 154, "0, None, 0", "any", True),
        ("settimeofday", 164, "None, struct.pack('ii', 0, 0)", "root", False),
        ("clock_settime", 227, "999, None", "root", False),
        ("clock_adjtime", 305, "999, None", "root", False),
        ("vhangup", 153, "", "root", False),
        ("open_by_handle_at", 304, "-1, ctypes.create_string_buffer(8), 0", "root", True),
        ("sethostname", 170, "b'pwned', 5", "root", False),
        ("lookup_dcookie", 212, "0, None, 0", "root", False),
    )
]

_MACHINE_CODE = (
    "import mmap\n"
    "m = mmap.mmap(-1, 4096, prot=7)\n"
    "m.write(bytes.fromhex({code!r}))\n"
    "f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\n"
    "r = f(); print('WON' if r > 0 else r)"
)
OTHER_WAYS = [
    Attempt("calls of a 32-bit program", _MACHINE_CODE.format(code="b814000000cd80c3"), says("WON"), "py"),
    Attempt("calls of the x32 ABI", "let_through(call(0x40000000 | 39))", says("WON"), "py", control=False),
    Attempt(
        "another call under a tracer",
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    libc.ptrace(0, 0, 0, 0); os.kill(os.getpid(), 19); r = call(39); os._exit(0 if r < 0 else 7)\n"
        "os.waitpid(pid, 0); regs = (ctypes.c_ulonglong * 27)()\n"
        "def to(number):\n"
        "    libc.ptrace(24, pid, 0, 0); os.waitpid(pid, 0); libc.ptrace(12, pid, 0, ctypes.byref(regs))\n"
        "libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]\n"
        "to(0)\n"
        "while regs[15] != 39: to(0)\n"
        "regs[15] = 425; regs[14] = 8; regs[13] = 0; libc.ptrace(13, pid, 0, ctypes.byref(regs)); to(0)\n"
        "print('WON' if regs[10] in (2**64 - 14, 2**64 - 22) else 'refused')\n"
        "os.kill(pid, 9)",
        says("WON"),
        "py",
        control=False,
    ),
    Attempt("type into the terminal", "let_through(-1 if libc.ioctl(0, 0x5412, b'x') else 0)", says("WON"), "py", control=False),
    Attempt("write to the host's terminal", "echo $TOKEN > $HOST_PTS", lambda site, told: site.arena.host.has_heard(site.token)),
    Attempt(
        "write to any terminal",
        "for t in /dev/pts/* /dev/tty /dev/tty0 /dev/tty1 /dev/console; do echo $TOKEN > $t; done",
        lambda site, told: site.arena.host.has_heard(site.token),
    ),
    Attempt(
        "shared memory of the host",
        "key = call(29, int(E['SHM_KEY']), 16, 0)\nprint('WON' if key >= 0 else key)",
        says("WON"),
        "py",
    ),
    Attempt("become root by su", "su -c 'echo WON' 2>&1 </dev/null; /usr/bin/newgrp 2>&1 </dev/null", says("WON"), control=False),
    Attempt(
        "a program with capabilities gains them",
        "capsh --print 2>&- | grep 'Current: =.*cap_'; grep -E 'CapEff:.*[1-9a-f]' /proc/self/status && echo WON",
        says("WON"),
        user="root",
    ),
    Attempt("new privileges", "grep -q 'NoNewPrivs:.*0' /proc/self/status && echo WON", says("WON"), control=False),
    Attempt(
        "rename the host",
        "hostname pwned-$TOKEN; cat /proc/sys/kernel/hostname",
        lambda site, told: "pwned" in platform.node(),
        control=False,
    ),
]

ATTEMPTS = [*UNSHARED, *MOUNTS, *SURFACE, *OTHER_WAYS] if HERE else []
