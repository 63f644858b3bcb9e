"""Work that must go on in the sandbox: each script ends with exit code 0 and prints what it should.

The workspace is the only folder that may be written besides /tmp; the network is off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Work:
    name: str
    script: str
    says: str = "ok"
    language: Literal["sh", "py"] = "sh"
    needs: str = ""
    "A program without which this cannot be tried."
    broker: bool = False
    "Whether it needs unix sockets of its own."

    def __str__(self) -> str:
        return self.name


GIT = "export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; "
PYTHON = [
    Work(
        "a process and its output", "import subprocess\nprint(subprocess.check_output(['echo', 'ok'], text=True))", language="py"
    ),
    Work(
        "a pool of processes",
        "import multiprocessing as m\nif __name__ == '__main__':\n  with m.get_context('fork').Pool(3) as p: print('ok', p.map(abs, [-1, 2]))",
        "ok [1, 2]",
        "py",
    ),
    Work(
        "a pool of executors",
        "from concurrent.futures import *\nimport multiprocessing as m\nwith ProcessPoolExecutor(2, m.get_context('fork')) as p: print('ok', list(p.map(abs, [-1])))",
        "ok [1]",
        "py",
    ),
    Work(
        "a manager of shared objects",
        "import multiprocessing as m\nwith m.get_context('fork').Manager() as x:\n  d = x.dict(); d['a'] = 1; print('ok', dict(d))",
        "ok {'a': 1}",
        "py",
        broker=True,
    ),
    Work(
        "processes of a fork server",
        "cat > w.py <<'E'\nimport multiprocessing as m\ndef f(q): q.put('ok')\nif __name__ == '__main__':\n  c = m.get_context('forkserver'); q = c.Queue(); p = c.Process(target=f, args=(q,)); p.start(); print(q.get()); p.join()\nE\n$PY w.py",
        broker=True,
    ),
    Work(
        "spawned processes",
        "cat > w.py <<'E'\nimport multiprocessing as m\ndef f(q): q.put('ok')\nif __name__ == '__main__':\n  c = m.get_context('spawn'); q = c.Queue(); p = c.Process(target=f, args=(q,)); p.start(); print(q.get()); p.join()\nE\n$PY w.py",
    ),
    Work(
        "shared memory",
        "from multiprocessing import shared_memory as s\nm = s.SharedMemory(create=True, size=100); m.buf[0] = 7; n = s.SharedMemory(m.name); print('ok', n.buf[0]); n.close(); m.close(); m.unlink()",
        "ok 7",
        "py",
    ),
    Work(
        "semaphores and locks",
        "import multiprocessing as m\nc = m.get_context('fork'); s = c.Semaphore(2); l = c.Lock(); e = c.Event()\nwith s, l: e.set()\nprint('ok', e.is_set())",
        "ok True",
        "py",
    ),
    Work(
        "threads of an event loop",
        "import asyncio\nasync def f(): return await asyncio.to_thread(lambda: 'ok')\nprint(asyncio.run(f()))",
        language="py",
    ),
    Work(
        "a subprocess of an event loop",
        "import asyncio\nasync def f():\n  p = await asyncio.create_subprocess_exec('echo', 'ok', stdout=-1)\n  print((await p.communicate())[0].decode())\nasyncio.run(f())",
        language="py",
    ),
    Work(
        "signals of an event loop",
        "import asyncio, signal\nasync def f():\n  e = asyncio.Event(); asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, e.set); os.kill(os.getpid(), signal.SIGUSR1); await e.wait(); print('ok')\nasyncio.run(f())",
        language="py",
    ),
    Work(
        "a server and a client on loopback",
        "import threading, http.server, urllib.request\nh = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler); threading.Thread(target=h.serve_forever, daemon=True).start()\nprint('ok' if b'kept.txt' in urllib.request.urlopen(f'http://127.0.0.1:{h.server_port}/').read() else 'no')",
        language="py",
    ),
    Work(
        "IPv6 and datagrams on loopback",
        "import socket\na = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.bind(('127.0.0.1', 0)); b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); b.sendto(b'ok', a.getsockname()); print(a.recv(9).decode())\ns = socket.create_server(('::1', 0), family=socket.AF_INET6); c = socket.create_connection(s.getsockname()[:2]); print(s.accept()[0].fileno() > 0)",
        language="py",
    ),
    Work(
        "a unix socket in the workspace",
        "import socket\ns = socket.socket(1); s.bind('s.sock'); s.listen(1); c = socket.socket(1); c.connect('s.sock'); c.send(b'ok'); print(s.accept()[0].recv(9).decode())",
        language="py",
        broker=True,
    ),
    Work(
        "a unix socket in /tmp",
        "import socket, tempfile\np = tempfile.mkdtemp() + '/s'; s = socket.socket(1); s.bind(p); s.listen(1); c = socket.socket(1); c.connect(p); c.send(b'ok'); print(s.accept()[0].recv(9).decode())",
        language="py",
        broker=True,
    ),
    Work(
        "a descriptor handed over a socket",
        "import socket\na, b = socket.socketpair(); socket.send_fds(a, [b'x'], [os.open('kept.txt', 0)]); f = socket.recv_fds(b, 9, 1)[1][0]; print('ok', os.read(f, 4))",
        "ok b'kept'",
        "py",
    ),
    Work(
        "a database on disk with a log",
        "import sqlite3\nc = sqlite3.connect('d.db'); c.execute('pragma journal_mode=wal'); c.execute('create table t(x)'); c.execute('insert into t values (1)'); c.commit(); print('ok', sqlite3.connect('d.db').execute('select * from t').fetchall())",
        "ok [(1,)]",
        "py",
    ),
    Work(
        "locks on files",
        "f = open('l', 'w'); fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX); print('ok')",
        language="py",
    ),
    Work(
        "a watch over a folder",
        "fd = call(294, 0); call(254, fd, b'.', 0x100); open('new', 'w'); print('ok' if b'new' in os.read(fd, 999) else 'no')",
        language="py",
    ),
    Work(
        "mapped memory",
        "import mmap\nf = open('m', 'w+b'); f.truncate(1 << 20); m = mmap.mmap(f.fileno(), 0); m[:2] = b'ok'; m.flush(); print(open('m').read(2))",
        language="py",
    ),
    Work(
        "memory without a name",
        "f = os.memfd_create('x'); os.write(f, b'ok'); print(open(f'/proc/self/fd/{f}').read())",
        language="py",
    ),
    Work(
        "code made at run time",
        "import mmap\nm = mmap.mmap(-1, 4096, prot=7); m.write(bytes.fromhex('b807000000c3')); print('ok', ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))())",
        "ok 7",
        "py",
    ),
    Work(
        "timers and polls",
        "import select\np = select.epoll(); r, w = os.pipe(); p.register(r); os.write(w, b'x'); t = call(283, 1, 0); e = call(290, 0, 0); print('ok', len(p.poll(1)), t > 0, e > 0)",
        "ok 1 True True",
        "py",
    ),
    Work(
        "a pidfd",
        "p = subprocess.Popen(['sleep', '60']); f = os.pidfd_open(p.pid); signal.pidfd_send_signal(f, 9); print('ok', p.wait())",
        "ok -9",
        "py",
    ),
    Work(
        "messages and semaphores of System V",
        "i = libc.semget(0, 1, 0o1600); s = libc.shmget(0, 4096, 0o1600); q = libc.msgget(0, 0o1600); print('ok', i >= 0, s >= 0, q >= 0)",
        "ok True True True",
        "py",
    ),
    Work(
        "a queue of POSIX",
        "i = libc.mq_open(b'/treadle', 0o102, 0o600, None); print('ok', i >= 0 or ctypes.get_errno() == 38)",
        "ok True",
        "py",
    ),
    Work(
        "names in every script",
        "for n in ('ünïcode', 'שלום', '日本', 'a b\\nc', '😀'): open(n, 'w').write(n); print('ok' if open(n).read() == n else 'no')",
        language="py",
    ),
    Work(
        "long paths",
        "p = '.'\nfor _ in range(40): p += '/' + 'x' * 80; os.mkdir(p)\nopen(p + '/f', 'w').write('ok'); print(open(p + '/f').read())",
        language="py",
    ),
    Work(
        "large files",
        "f = open('big', 'wb'); f.truncate(5 << 30); f.seek(4 << 30); f.write(b'ok'); f.close(); f = open('big', 'rb'); f.seek(4 << 30); print(f.read(2).decode())",
        language="py",
    ),
    Work(
        "many files",
        "for n in range(2000): open(f'f{n}', 'w').close()\nprint('ok', sum(e.name.startswith('f') for e in os.scandir('.')))",
        "ok 2000",
        "py",
    ),
    Work(
        "many threads",
        "import threading\nt = [threading.Thread(target=time.sleep, args=(0.05,)) for _ in range(200)]; [x.start() for x in t]; [x.join() for x in t]; print('ok')",
        language="py",
    ),
    Work(
        "random numbers and time",
        "import random, secrets; print('ok', len(secrets.token_bytes(9)), time.time() > 0, os.getloadavg()[0] >= 0, os.cpu_count() > 0)",
        "ok 9 True True True",
        "py",
    ),
    Work(
        "attributes and links",
        "os.symlink('kept.txt', 's'); os.link('kept.txt', 'h'); os.chmod('h', 0o755); os.utime('h', (1, 1)); print('ok', os.readlink('s'), os.stat('h').st_nlink, os.access('h', os.X_OK))",
        "ok kept.txt 2 True",
        "py",
    ),
    Work(
        "who I am",
        "import getpass, pwd; print('ok', os.getuid() == os.stat('.').st_uid, socket.gethostname() != '')",
        "ok True True",
        "py",
    ),
]

SHELL = [
    Work("pipes and substitutions", "cat <(echo ok) | tee >(cat >/dev/null)"),
    Work("a here-document", "cat <<E\nok\nE\ncat <<< more"),
    Work("a named pipe", "mkfifo p; echo ok > p & cat p"),
    Work("jobs in the background", "sleep 0.05 & wait $! && echo ok"),
    Work("coprocesses and traps", "trap 'echo ok' EXIT; coproc cat; echo x >&${COPROC[1]}; read -u ${COPROC[0]} l; [ $l = x ]"),
    Work("temporary files", "f=$(mktemp); d=$(mktemp -d); echo ok > $f; cp $f $d/x; cat $d/x; rm -r $f $d"),
    Work("programs that are made", "printf '#!/bin/sh\\necho ok' > x; chmod +x x; ./x"),
    Work("archives", "mkdir d; echo ok > d/f; tar -czf a.tgz d; rm -r d; tar -xzf a.tgz; cat d/f"),
    Work("make", "printf 'all: a\\n\\t@cat a\\na:\\n\\t@echo ok > a\\n' > Makefile; make -s -j2", needs="make"),
    Work(
        "a compiler",
        "printf '#include <stdio.h>\\nint main(void) { puts(\"ok\"); }' > x.c; cc -O1 -pipe -o x x.c && ./x",
        needs="cc",
    ),
    Work("find, sort, sed, awk, xargs", "find . -name 'kept*' | sort | xargs -n1 -P2 sed -n 's/kept/ok/p' | awk '{print $1}'"),
    Work(
        "/dev",
        "echo x > /dev/null; head -c3 /dev/urandom | wc -c | grep -q 3; head -c2 /dev/zero | wc -c; [ -e /dev/stdin ] && echo ok > /dev/stdout; test -w /dev/shm",
    ),
    Work(
        "/proc of its own",
        "grep -q Name /proc/self/status; cat /proc/meminfo /proc/cpuinfo /proc/uptime /proc/mounts >/dev/null; ps >/dev/null; echo ok",
    ),
    Work("names of hosts", "getent hosts localhost | grep -q -E '::1|127' && echo ok"),
    Work(
        "curl to a server of its own",
        "$PY -m http.server 8123 --bind 127.0.0.1 >/dev/null 2>&1 & until curl -sf http://127.0.0.1:8123/kept.txt; do sleep 0.05; done; kill $!; echo ok",
        "kept",
        needs="curl",
    ),
    Work("locks by flock", "flock l -c 'echo ok'", needs="flock"),
    Work("limits on time", "timeout 0.05 sleep 600; [ $? = 124 ] && echo ok"),
    Work("priorities", "nice -n 5 echo ok"),
    Work("a session of its own", "setsid -w echo ok"),
    Work("a terminal by script", "script -qec 'tty && echo ok' /dev/null", needs="script"),
    Work("a tracer", "strace -f -o t sh -c 'echo ok' && grep -q execve t", needs="strace"),
    Work(
        "a debugger",
        "gdb -batch -nx -ex run -ex 'info inferiors' /bin/true 2>&1 | grep -q -i 'exited\\|inferior' && echo ok",
        needs="gdb",
    ),
    Work(
        "a patch",
        "printf -- '--- a\\n+++ a\\n@@ -1 +1 @@\\n-kept\\n+ok\\n' > p; patch kept.txt p >/dev/null; cat kept.txt",
        needs="patch",
    ),
    Work("perl", 'perl -e \'print "ok\\n"; open F, ">x"; fork or exit; wait\'', needs="perl"),
]

TOOLS = [
    Work(
        "status, diff and log",
        GIT
        + "rm -rf r; git init -q r && cd r && echo a > f && git add f && git commit -qm m && echo ok > f && git status --porcelain | grep -q ' M f' && git diff | grep +ok && git log --oneline | grep -q m && git stash -q && git checkout -qb b",
        "+ok",
        needs="git",
    ),
    Work(
        "reading the workspace's repository",
        GIT + "git status --porcelain --untracked-files=no; git rev-parse --show-toplevel; git ls-files; echo ok",
        needs="git",
    ),
    Work(
        "a clone and a worktree",
        GIT
        + "git init -q r && git -C r commit -q --allow-empty -m m && git clone -q r c && git -C r worktree add -q ../w && ls -d c/.git w && echo ok",
        needs="git",
    ),
    Work(
        "tests by pytest",
        "mkdir t; printf 'def test_a(tmp_path):\\n    (tmp_path / \"f\").write_text(\"x\")\\n    assert 1\\n' > t/test_a.py; $PY -I -c \"import sys; sys.path[:0] = '$PATHS'.split(':'); import pytest; sys.exit(pytest.main(['-q', 't']))\"",
        "1 passed",
    ),
    Work(
        "a virtual environment",
        "$PY -m venv --without-pip v && v/bin/python -c 'import sys; print(\"ok\", sys.prefix != sys.base_prefix)'",
        "ok True",
    ),
    Work(
        "a wheel installed by pip",
        "mkdir -p w/demo w/demo-1.dist-info; echo 'x = \"ok\"' > w/demo/__init__.py; printf 'Metadata-Version: 2.1\\nName: demo\\nVersion: 1\\n' > w/demo-1.dist-info/METADATA; "
        "printf 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n' > w/demo-1.dist-info/WHEEL; printf 'demo/__init__.py,,\\n' > w/demo-1.dist-info/RECORD; "
        "(cd w && $PY -m zipfile -c ../demo-1-py3-none-any.whl demo demo-1.dist-info); $PY -I -c \"import sys; sys.path[:0] = '$PATHS'.split(':'); from pip._internal.cli.main import main; sys.exit(main(['install', '-q', '--no-index', '--target', 'i', './demo-1-py3-none-any.whl']))\" && $PY -c 'import sys; sys.path.insert(0, \"i\"); import demo; print(demo.x)'",
    ),
    Work("node", "node -e 'console.log(\"ok\")'", needs="node"),
    Work(
        "children of node",
        'node -e \'const c = require("child_process"); console.log(c.execFileSync("echo", ["ok"]).toString()); c.spawn("echo", ["o2"], {stdio: "inherit"}); const f = c.spawnSync("sh", ["-c", "cat"], {input: "o3"}); console.log(f.stdout.toString())\'',
        "o3",
        needs="node",
    ),
    Work(
        "workers and servers of node",
        'node -e \'const h = require("http").createServer((q, s) => s.end("ok")).listen(0, "127.0.0.1", () => fetch(`http://127.0.0.1:${h.address().port}`).then(r => r.text()).then(t => { console.log(t); h.close(); h.closeAllConnections() })); new (require("worker_threads").Worker)("1", {eval: true})\'',
        needs="node",
    ),
    Work(
        "a node program forked",
        'printf \'process.send("ok"); process.disconnect()\' > c.js; node -e \'require("child_process").fork("./c.js").on("message", m => console.log(m))\'',
        needs="node",
    ),
    Work(
        "node's socket in the workspace",
        'node -e \'const n = require("net"); const s = n.createServer(c => c.end("ok")).listen("n.sock", () => n.connect("n.sock").on("data", d => console.log(d.toString())).on("close", () => s.close()))\'',
        needs="node",
        broker=True,
    ),
    Work(
        "a script of npm",
        'printf \'{"name": "d", "version": "1.0.0", "scripts": {"go": "echo ok"}}\' > package.json; npm_config_cache=$PWD/.c npm run -s go',
        needs="npm",
    ),
    Work(
        "a package of npm installed",
        'mkdir p; printf \'{"name": "p", "version": "1.0.0"}\' > p/package.json; echo \'module.exports = "ok"\' > p/index.js; export npm_config_cache=$PWD/.c; (cd p && npm pack -s >/dev/null); printf \'{"name": "d"}\' > package.json; npm install -s --offline --no-audit --no-fund ./p/p-1.0.0.tgz && node -p \'require("p")\'',
        needs="npm",
    ),
]

WORKS = [*PYTHON, *SHELL, *TOOLS]
