"""Attempts to reach services: the host's own, by every family and kind of socket, and the network."""

from __future__ import annotations

import socket

from attacks.arena import Attempt, Site, heard, says

KINDS = {"STREAM": "SOCK_STREAM", "DGRAM": "SOCK_DGRAM", "SEQPACKET": "SOCK_SEQPACKET"}


def _unix(name: str, address: str, kind: str, how: str = "connect") -> str:
    return f"send(socket.AF_UNIX, socket.{kind}, {address}, {how!r})"


def in_the_workspace(site: Site) -> None:
    site.arena.host.listen_at(site.workspace / "service.sock")


def below_tmp(site: Site) -> None:
    site.arena.host.listen_at(site.base / "service.sock")


UNIX = [
    Attempt(
        f"{word} {name.lower()}{' with the network' if network else ''}", _unix(name, address, kind), heard, "py", network=network
    )
    for name, kind in KINDS.items()
    for word, address in (("a path,", f"E['UNIX_{name}']"), ("an abstract name,", f"'\\0' + E['ABSTRACT_{name}']"))
    for network in (False, True)
]
UNIX += [
    Attempt(
        f"a datagram by {how}{' with the network' if network else ''}",
        _unix("D", "E['UNIX_DGRAM']", "SOCK_DGRAM", how),
        heard,
        "py",
        network=network,
    )
    for how in ("sendto", "sendmsg")
    for network in (False, True)
]
UNIX += [
    Attempt(
        f"an abstract datagram by {how}", _unix("D", "'\\0' + E['ABSTRACT_DGRAM']", "SOCK_DGRAM", how), heard, "py", network=True
    )
    for how in ("sendto", "sendmsg")
]
UNIX += [
    Attempt("a raw socket that is a datagram", "send(socket.AF_UNIX, socket.SOCK_RAW, E['UNIX_DGRAM'], 'sendto')", heard, "py"),
    Attempt(
        "a pair that sends elsewhere",
        "made = attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))\n"
        "made and attempt(lambda: made[0].sendto(TOKEN.encode(), E['UNIX_DGRAM']))",
        heard,
        "py",
    ),
    Attempt(
        "a raw pair that sends elsewhere",
        "made = attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW))\n"
        "made and attempt(lambda: made[0].sendmsg([TOKEN.encode()], [], 0, E['UNIX_DGRAM']))",
        heard,
        "py",
    ),
    Attempt(
        "a pair that connects again",
        "made = attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM))\n"
        "made and attempt(lambda: made[0].connect(E['UNIX_STREAM'])) is None and attempt(lambda: made[0].send(TOKEN.encode()))",
        heard,
        "py",
        control=False,
    ),
    Attempt("by a link", "os.symlink(E['UNIX_STREAM'], 'l'); send(socket.AF_UNIX, socket.SOCK_STREAM, 'l')", heard, "py"),
    Attempt(
        "by a hard link",
        "attempt(lambda: os.link(E['UNIX_STREAM'], 'l')); send(socket.AF_UNIX, socket.SOCK_STREAM, 'l')",
        heard,
        "py",
        user="root",
    ),
    Attempt(
        "by a descriptor",
        "fd = os.open(E['UNIX_STREAM'], os.O_PATH); send(socket.AF_UNIX, socket.SOCK_STREAM, f'/proc/self/fd/{fd}')",
        heard,
        "py",
    ),
    Attempt("by /proc/self/root", "send(socket.AF_UNIX, socket.SOCK_STREAM, '/proc/self/root' + E['UNIX_STREAM'])", heard, "py"),
    Attempt(
        "by its folder's name",
        "os.chdir(os.path.dirname(E['UNIX_STREAM'])); send(socket.AF_UNIX, socket.SOCK_STREAM, 'stream')",
        heard,
        "py",
    ),
    Attempt(
        "one in the workspace", "send(socket.AF_UNIX, socket.SOCK_STREAM, 'service.sock')", heard, "py", prepare=in_the_workspace
    ),
    Attempt(
        "one in the workspace, renamed",
        "os.rename('service.sock', 's'); send(socket.AF_UNIX, socket.SOCK_STREAM, 's')",
        heard,
        "py",
        prepare=in_the_workspace,
    ),
    Attempt(
        "one in the workspace, linked",
        "os.link('service.sock', 's'); send(socket.AF_UNIX, socket.SOCK_STREAM, 's')",
        heard,
        "py",
        prepare=in_the_workspace,
    ),
    Attempt(
        "one in the workspace, with the network",
        "send(socket.AF_UNIX, socket.SOCK_STREAM, 'service.sock')",
        heard,
        "py",
        prepare=in_the_workspace,
        network=True,
    ),
    Attempt(
        "one in /tmp",
        "send(socket.AF_UNIX, socket.SOCK_STREAM, E['BASE'] + '/service.sock')",
        heard,
        "py",
        prepare=below_tmp,
        below_tmp=True,
    ),
    Attempt("by a reader", "send(socket.AF_UNIX, socket.SOCK_STREAM, E['UNIX_STREAM'])", heard, "py", mode="read-only"),
    Attempt("by io_uring", "let_through(call(425, 8, ctypes.create_string_buffer(120)))", says("WON"), "py"),
    Attempt(
        "by another program", "$PY -c \"import socket;s=socket.socket(1);s.connect('$UNIX_STREAM');s.send(b'$TOKEN')\"", heard
    ),
    Attempt("by curl", "curl -s --max-time 2 --unix-socket $UNIX_STREAM http://x/$TOKEN", heard),
    Attempt(
        "many at a time",
        "def go():\n"
        "    for _ in range(20): send(socket.AF_UNIX, socket.SOCK_STREAM, E['UNIX_STREAM'])\n"
        "made = [threading.Thread(target=go) for _ in range(8)]\n"
        "[t.start() for t in made]; [t.join() for t in made]",
        heard,
        "py",
    ),
    Attempt(
        "exchanged while it is looked at",
        "own = socket.socket(socket.AF_UNIX); own.bind('own'); own.listen(8); os.symlink('own', 'name')\n"
        "def swap():\n"
        "    for n in range(100000):\n"
        "        os.symlink(E['UNIX_STREAM'] if n % 2 else 'own', f'n{n}'); os.replace(f'n{n}', 'name')\n"
        "threading.Thread(target=swap, daemon=True).start(); end, tried = time.monotonic() + 0.7, 0\n"
        "while time.monotonic() < end or tried < 50:\n"
        "    tried += 1\n"
        "    with socket.socket(socket.AF_UNIX) as s:\n"
        "        s.setblocking(False)\n"
        "        try: s.connect('name'); s.send(TOKEN.encode())\n"
        "        except OSError: pass\n"
        "os._exit(0)",
        heard,
        "py",
    ),
    Attempt(
        "exchanged behind the kernel's back",
        "own = socket.socket(socket.AF_UNIX); own.bind('o'); own.listen(8)\n"
        "raw = lambda path: struct.pack('H', 1) + path.encode().ljust(108, b'\\0')\n"
        "buffer = ctypes.create_string_buffer(raw('o'), 110)\n"
        "def swap():\n"
        "    for n in range(10**9): ctypes.memmove(buffer, raw(E['UNIX_STREAM'] if n % 2 else 'o'), 110)\n"
        "threading.Thread(target=swap, daemon=True).start(); end, tried = time.monotonic() + 0.7, 0\n"
        "while time.monotonic() < end or tried < 50:\n"
        "    tried += 1\n"
        "    with socket.socket(socket.AF_UNIX) as s:\n"
        "        s.setblocking(False)\n"
        "        call(42, s.fileno(), buffer, 110) == 0 and attempt(lambda: s.send(TOKEN.encode()))\n"
        "os._exit(0)",
        heard,
        "py",
    ),
]

INTERNET = [
    Attempt(f"{word} over IPv{family[-1]}", f"send(socket.{family}, socket.{kind}, ({address!r}, int(E[{port!r}])))", heard, "py")
    for word, kind, variable in (("TCP", "SOCK_STREAM", "TCP"), ("UDP", "SOCK_DGRAM", "UDP"))
    for family, address, port in (("AF_INET", "127.0.0.1", f"{variable}4"), ("AF_INET6", "::1", f"{variable}6"))
    if socket.has_ipv6 or family == "AF_INET"
]
INTERNET += [
    Attempt("TCP to the host by 0.0.0.0", "send(socket.AF_INET, socket.SOCK_STREAM, ('0.0.0.0', int(E['TCP4'])))", heard, "py"),
    Attempt(
        "TCP mapped into IPv6", "send(socket.AF_INET6, socket.SOCK_STREAM, ('::ffff:127.0.0.1', int(E['TCP4'])))", heard, "py"
    ),
    Attempt(
        "UDP without connecting", "send(socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', int(E['UDP4'])), 'sendto')", heard, "py"
    ),
    Attempt(
        "TCP with its first data",
        "s = socket.socket(); attempt(lambda: s.sendto(TOKEN.encode(), 0x20000000, ('127.0.0.1', int(E['TCP4']))))",
        heard,
        "py",
    ),
    Attempt(
        "TCP over several paths",
        "s = attempt(lambda: socket.socket(2, 1, 262)); s and (attempt(lambda: s.connect(('127.0.0.1', int(E['TCP4'])))), attempt(lambda: s.send(TOKEN.encode())))",
        heard,
        "py",
    ),
    Attempt("TCP by the shell", "echo $TOKEN > /dev/tcp/127.0.0.1/$TCP4", heard),
    Attempt("TCP by curl", "curl -s --max-time 2 http://127.0.0.1:$TCP4/$TOKEN", heard),
    Attempt("TCP by a reader", "echo $TOKEN > /dev/tcp/127.0.0.1/$TCP4", heard, mode="read-only"),
    Attempt("an interface that leads out", "tail -n +3 /proc/net/dev | grep -v '^ *lo:' && echo WON", says("WON")),
    Attempt("packets as they are", "let_through(call(41, 17, 3, 768))", says("WON"), "py", user="root"),
    Attempt("raw sockets", "let_through(call(41, 2, 3, 255))", says("WON"), "py", user="root"),
    Attempt("packets with the network", "let_through(call(41, 17, 3, 768))", says("WON"), "py", user="root", network=True),
    Attempt("a machine's socket", "let_through(call(41, 40, 1, 0))", says("WON"), "py", network=True),
]
INTERNET += [
    Attempt(
        f"other families{' with the network' if network else ''}",
        "for family in range(46):\n"
        "    for kind in (1, 2, 3, 4, 5):\n"
        "        if family not in (1, 2, 10, 16) and call(41, family, kind, 0) >= 0: print('WON', family, kind)",
        says("WON"),
        "py",
        network=network,
    )
    for network in (False, True)
]
INTERNET += [
    Attempt(
        f"other talks with the kernel{' with the network' if network else ''}",
        "for protocol in range(1, 24):\n    if call(41, 16, 3, protocol) >= 0: print('WON', protocol)",
        says("WON"),
        "py",
        network=network,
    )
    for network in (False, True)
]

ATTEMPTS = [*UNIX, *INTERNET]
