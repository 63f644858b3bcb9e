"""Attempts on files outside the workspace: by name, by link, by descriptor, by another name of the same thing."""

from __future__ import annotations

import os
from pathlib import Path

from attacks.arena import Attempt, Site, Told, says


def has_setuid(site: Site, told: Told) -> bool:
    return any(path.lstat().st_mode & 0o4000 for path in site.workspace.rglob("*"))


def has_device(site: Site, told: Told) -> bool:
    return any(path.is_block_device() or path.is_char_device() for path in site.workspace.rglob("*"))


def has_capability(site: Site, told: Told) -> bool:
    return any("security.capability" in os.listxattr(path) for path in site.workspace.glob("*.bin"))


def made(path: str) -> object:
    """A file of the host that was not there."""
    return lambda site, told: Path(path.replace("$TOKEN", site.token)).exists()


def planted_beside_the_agent(site: Site, told: Told) -> bool:
    return (site.arena.base / site.token).exists()


PLAIN = [
    Attempt("write a file", "echo pwned > $OUT/target.txt"),
    Attempt("append to a file", "echo pwned >> $OUT/target.txt"),
    Attempt("make a file", "echo pwned > $OUT/new.txt"),
    Attempt("make a file by a relative path", "echo pwned > ../../outside/new.txt"),
    Attempt("make a folder", "mkdir $OUT/folder"),
    Attempt("make a fifo", "mkfifo $OUT/fifo"),
    Attempt("remove a file", "rm -f $OUT/target.txt"),
    Attempt("rename a file", "mv $OUT/target.txt $OUT/other.txt"),
    Attempt("take a file away", "mv $OUT/target.txt ./mine.txt"),
    Attempt("put a file there", "echo pwned > mine; mv mine $OUT/"),
    Attempt("change a mode", "chmod 777 $OUT/target.txt"),
    Attempt("change a time", "touch -d 2001-01-01 $OUT/target.txt"),
    Attempt("change an owner", "chown 1234:1234 $OUT/target.txt", user="root"),
    Attempt("truncate", "import os\nattempt(lambda: os.truncate(E['OUT'] + '/target.txt', 0))", language="py"),
    Attempt("set an attribute", "attempt(lambda: os.setxattr(E['OUT'] + '/target.txt', 'user.x', b'1'))", language="py"),
    Attempt("write the shell's profile", "echo pwned >> $HOME/.bashrc"),
    Attempt("write authorized keys", "echo pwned >> $HOME/.ssh/authorized_keys"),
    Attempt("plant an autostart entry", "mkdir -p $HOME/.config/autostart; echo pwned > $HOME/.config/autostart/x.desktop"),
    Attempt("plant a unit of systemd", "mkdir -p $HOME/.config/systemd/user; echo x > $HOME/.config/systemd/user/x.service"),
    Attempt(
        "plant a crontab",
        "mkdir -p /var/spool/cron; echo x > /var/spool/cron/$TOKEN",
        made("/var/spool/cron/$TOKEN"),
        control=False,
    ),
    Attempt("plant a job of cron", "echo x > /etc/cron.d/$TOKEN", made("/etc/cron.d/$TOKEN"), control=False),
    Attempt("write to /etc", "echo x > /etc/$TOKEN", made("/etc/$TOKEN"), control=False),
    Attempt("write to /run", "echo x > /run/$TOKEN; echo x > /run/lock/$TOKEN", made("/run/lock/$TOKEN"), control=False),
    Attempt("write to /var/tmp", "echo x > /var/tmp/$TOKEN", made("/var/tmp/$TOKEN"), control=False),
    Attempt("write to /dev/shm of the host", "echo x > /dev/shm/$TOKEN", made("/dev/shm/$TOKEN"), control=False),
    Attempt("write to the workspace of a reader", "echo x > $WS/.git/new; echo x > $WS/../new; rm -rf .git", mode="read-only"),
    Attempt("write with a reader's /tmp", "echo x > /tmp/$TOKEN", made("/tmp/$TOKEN"), control=False, mode="read-only"),
    Attempt("write to /tmp where it is excluded", "echo x > /tmp/$TOKEN", made("/tmp/$TOKEN"), control=False),
    Attempt(
        "open /tmp by naming it TMPDIR",
        "TMPDIR=/tmp; echo x > /tmp/$TOKEN",
        made("/tmp/$TOKEN"),
        control=False,
        env={"TMPDIR": "/tmp"},
    ),
]
PLAIN += [
    Attempt(f"open the disk by TMPDIR={odd}", "echo pwned > $OUT/new.txt", env={"TMPDIR": odd}, tmp=True, control=False)
    for odd in (
        "/",
        "/var",
        "/home",
        "/etc",
        "/usr",
        "/proc/self/root",
        "//",
        "/tmp/..",
        "/var/tmp/..",
        "",
        "\n/",
        "relative",
        ".",
    )
]

NAMES = [
    Attempt("through /proc/self/root", "echo pwned > /proc/self/root$OUT/target.txt"),
    Attempt("through the root of process 1", "echo pwned > /proc/1/root$OUT/target.txt", control=False),
    Attempt("through the root of the agent", "echo pwned > /proc/$AGENT/root$OUT/target.txt"),
    Attempt("through the agent's working folder", "echo pwned > /proc/$AGENT/cwd/$TOKEN", planted_beside_the_agent),
    Attempt("through /proc/self/cwd", "echo pwned > /proc/self/cwd/../../outside/target.txt"),
    Attempt("through a folder's descriptor", "exec 3<$OUT; echo pwned > /proc/self/fd/3/target.txt"),
    Attempt("opening a read-only descriptor again", "exec 3<$OUT/target.txt; echo pwned > /proc/self/fd/3"),
    Attempt("through a symbolic link", "ln -s $OUT/target.txt link; echo pwned > link"),
    Attempt("through a linked folder", "ln -s $OUT link; echo pwned > link/new.txt"),
    Attempt("through a chain of links", "ln -s $OUT a; ln -s a b; ln -s b/. c; echo pwned > c/new.txt"),
    Attempt("through a hard link", "ln $OUT/target.txt hard && echo pwned > hard"),
    Attempt("hard link through a descriptor", "exec 3<$OUT/target.txt; ln -L /proc/self/fd/3 hard && echo pwned > hard"),
    Attempt(
        "exchange two files",
        "open('mine', 'w').write('pwned')\ncall(316, -100, b'mine', -100, (E['OUT'] + '/target.txt').encode(), 2)",
        language="py",
    ),
    Attempt(
        "an unnamed file linked in",
        "fd = attempt(lambda: os.open(E['OUT'], os.O_TMPFILE | os.O_WRONLY))\n"
        "fd is not None and call(265, -100, f'/proc/self/fd/{fd}'.encode(), -100, (E['OUT'] + '/new').encode(), 0x400)",
        language="py",
    ),
    Attempt(
        "open by handle",
        "handle = ctypes.create_string_buffer(struct.pack('Ii', 128, 0) + bytes(128))\n"
        "call(303, -100, (E['OUT'] + '/target.txt').encode(), handle, ctypes.byref(ctypes.c_int()), 0)\n"
        "fd = call(304, os.open('/', os.O_RDONLY), handle, os.O_RDWR)\n"
        "fd >= 0 and os.write(fd, b'pwned')",
        language="py",
        user="root",
    ),
    Attempt(
        "a watched pipe as the workspace's file",
        "mkfifo p; (sleep 0.1; echo pwned > p) & cat p > $OUT/target.txt",
    ),
    Attempt(
        "a copy over a link, as cp does",
        "ln -s $OUT/target.txt l; echo pwned > n; cp --remove-destination n $OUT/target.txt; cp n l",
    ),
    Attempt(
        "an archive with a path that leaves",
        "tar -cPf a.tar --transform 's,kept.txt,../../outside/new.txt,' kept.txt; tar -xPf a.tar",
    ),
    Attempt(
        "a mapping of a file, written",
        "f = attempt(lambda: open(E['OUT'] + '/target.txt', 'r+b'))\nimport mmap\nf and mmap.mmap(f.fileno(), 0).__setitem__(0, 88)",
        language="py",
    ),
]

ROOTS = [
    Attempt(
        "exchange the workspace for a link",
        "cd ..; mv workspace gone; ln -s $OUT workspace",
        then="echo pwned > $WS/new.txt; echo pwned > new.txt",
        control=False,
    ),
    Attempt(
        "exchange a parent of the workspace for a link",
        "cd ../..; mv way gone; mkdir -p way; ln -s $OUT way/workspace",
        then="echo pwned > $WS/new.txt",
        below_tmp=True,
        control=False,
    ),
    Attempt("rename the workspace", "mv $WS $WS.gone; mkdir -p $WS/.git/hooks; echo pwned > $WS/.git/hooks/pre-commit"),
    Attempt(
        "rename a parent below /tmp",
        "mv $WS/.. $WS/../../moved; mkdir -p $WS/.git/hooks; echo pwned > $WS/.git/hooks/pre-commit",
        below_tmp=True,
    ),
    Attempt("remove the workspace", "rm -rf $WS/.git $WS"),
]

SPECIAL = [
    Attempt("a setuid program by chmod", "cp /bin/true x; chmod u+s x", has_setuid),
    Attempt("a setuid program by install", "install -m 4755 /bin/true x", has_setuid),
    Attempt("a setuid program by tar", "cp /bin/true x; tar -cf a.tar --mode=4755 x; rm x; tar -xpf a.tar", has_setuid),
    Attempt("a setuid program by a copy", "cp -p /bin/su x", has_setuid, user="root"),
    Attempt(
        "a setuid program by open",
        "os.umask(0); attempt(lambda: os.open('x', os.O_CREAT | os.O_WRONLY, 0o4755))",
        has_setuid,
        "py",
    ),
    Attempt("a setuid program by creat", "os.umask(0); call(85, b'x', 0o4755)", has_setuid, "py"),
    Attempt("a setuid program by mknod", "os.umask(0); attempt(lambda: os.mknod('x', 0o104755))", has_setuid, "py"),
    Attempt("a setuid program by fchmod", "f = open('x', 'w'); attempt(lambda: os.fchmod(f.fileno(), 0o4755))", has_setuid, "py"),
    Attempt("a setuid program by fchmodat2", "open('x', 'w'); call(452, -100, b'x', 0o4755, 0)", has_setuid, "py"),
    Attempt(
        "a setuid program by openat2",
        "os.umask(0)\ncall(437, -100, b'x', struct.pack('QQQ', os.O_CREAT | os.O_WRONLY, 0o4755, 0), 24)",
        has_setuid,
        "py",
    ),
    Attempt(
        "a file with capabilities",
        "open('x.bin', 'w')\n"
        "attempt(lambda: os.setxattr('x.bin', 'security.capability', struct.pack('<IIIII', 0x2000001, 128, 0, 0, 0)))",
        has_capability,
        "py",
        user="root",
    ),
    Attempt("a device node", "mknod d c 1 3; mknod e b 7 0", has_device, user="root"),
    Attempt(
        "a disk opened",
        "for d in /dev/vda /dev/sda /dev/nvme0n1 /dev/loop0 /dev/zram0; do head -c1 $d && echo WON; done",
        says("WON"),
        user="root",
    ),
    Attempt("memory opened", "head -c1 /dev/mem && echo WON; head -c1 /dev/port && echo WON", says("WON"), control=False),
    Attempt(
        "the kernel's log", "dmesg >/dev/null && echo WON; timeout 1 head -c1 /dev/kmsg && echo WON", says("WON"), user="root"
    ),
    Attempt(
        "devices that reach the kernel",
        "for d in kvm fuse vsock userfaultfd loop-control ptmx0 uinput tty0; do { true < /dev/$d; } 2>&- && echo WON $d; done",
        says("WON"),
        user="root",
    ),
]

ATTEMPTS = [*PLAIN, *NAMES, *ROOTS, *SPECIAL]
