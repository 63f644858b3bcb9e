"""One root: compares what is there with the baseline, as a whole the first time, later only where the system says so.

A file counts as unchanged when its size, times, number and mode are; when it was last read so soon after a change that these say
nothing, it is read again. Folders are opened without following links, and every name is looked at relative to its open folder.
Where notifications are missing or were lost everything is compared by its times: slower, and never wrong. Of a comparison like
that a file that was not known counts as new only when it changed since the last look: a rule that ignored it may have gone.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...core.settings import CheckpointRules
from ...core.writable import PROTECTED
from ...runtime.ports.versions import FileVersion
from ...runtime.ports.watch import Owner
from ..versions.database import Database, digest, is_kept, pack
from .baseline import FILE, FOLDER, LINK, UNSURE, Baseline, Entry, Put
from .ignores import GITIGNORE, Ignores
from .inotify import Happened, Inotify
from .reading import Place, content, entry_of, is_same, is_utf8, moment, size_words
from .sink import Sink, Told

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_EXPECTED = 10_000
_SLACK = 100_000_000


class Tree:
    """Blocks: call it off the loop. `build` first; then `pending` and `look`."""

    def __init__(self, root: str, rules: CheckpointRules, database: Database, home: Path) -> None:
        self.root = root
        self.rules = rules
        self.looked = 0
        "Files and folders that were looked at so far."
        self.cut: str | None = None
        "Why not all is known."
        self._database = database
        self._home = home
        self._lock = threading.Lock()
        self._baseline: Baseline | None = None
        self._ignores = Ignores(root, (*rules.ignore, *_own(root, home)))
        self._inotify: Inotify | None = None
        self._happened = Happened()
        self._expected: dict[str, Told] = {}
        self._since = 0, 0
        self._count = 0
        self._kept = 0
        self._fresh = False
        self._protected = frozenset[str]()
        "Protected names that are known to be there."

    def build(self, stopped: Callable[[], bool]) -> None:
        """Compare all of it, which is nobody's change. Raises Stopped, OSError."""
        with self._lock:
            self._baseline = Baseline(self._database, self._home, self.root)
            self._count, self._kept = self._baseline.totals()
            self._fresh = self._count == 0
            try:
                self._inotify = Inotify(self.root)
            except OSError:
                self._inotify = None
            began = moment()
            sink = Sink(self._baseline, None, 0.0, stopped)
            self._scan("", sink, lambda _: True)
            sink.flush()
            self._fresh = False
            self._since = began
            self._protected = self._known_protected(self._baseline)

    def tidy(self, stopped: Callable[[], bool]) -> None:
        """Delete a part of what nobody needs any more. Not while `close` runs."""
        with self._lock:
            if self._baseline is not None:
                self._baseline.tidy(stopped)

    def pending(self) -> bool:
        """Whether anything may have changed. Cheap."""
        if not self._lock.acquire(blocking=False):
            return True
        try:
            found = self._inotify  # without folders when the root is gone: it tells nothing then
            return not found or bool(self._happened) or found.anything()
        finally:
            self._lock.release()

    def _drain(self) -> None:
        if self._inotify is None:
            return
        happened = self._inotify.happened()
        if happened.anew:
            self._drop_passing(happened)
        self._happened.add(happened)
        # a root that is gone tells nothing, and may come back
        self._happened.lost |= len(self._inotify) == 0

    def look(self, owner: Owner | None, at: float, stopped: Callable[[], bool]) -> list[FileVersion]:
        """See runtime.ports.watch.Watch. Raises Stopped, OSError; what was not looked at then is the next time."""
        with self._lock:
            assert self._baseline is not None
            began, (since, then) = moment(), self._since
            anyhow = began[0] - since < began[1] - then - _SLACK  # the clock was set back: what is new may seem older
            self._drain()
            happened, self._happened = self._happened, Happened()
            sink = Sink(self._baseline, owner, at, stopped)
            try:
                if happened.lost or self._inotify is None:
                    self._scan("", sink, lambda found: anyhow or found.st_ctime_ns >= since - _SLACK)
                else:
                    self._look(happened, sink)
                sink.flush()
                if not happened.lost and any(name == GITIGNORE for _, name in happened.entries):
                    # other files may be ignored now: what was not known before is nobody's change
                    unowned = Sink(self._baseline, None, at, stopped)
                    self._scan("", unowned, lambda _: True)
                    unowned.flush()
            except BaseException:
                self._happened.add(happened)
                raise
            self._since = began
            self._protected = self._known_protected(self._baseline)
            return sink.versions

    def note(self, path: str, key: str | None, mode: int | None = None) -> None:
        self._expected.pop(path, None)
        self._expected[path] = key, mode
        while len(self._expected) > _MOST_EXPECTED:
            del self._expected[next(iter(self._expected))]

    def close(self) -> None:
        with self._lock:
            if self._inotify is not None:
                self._inotify.close()
                self._inotify = None
            if self._baseline is not None:
                self._baseline.close()

    def _known_protected(self, baseline: Baseline) -> frozenset[str]:
        return frozenset(name for name in PROTECTED if baseline.entry("", name) is not None)

    def _drop_passing(self, happened: Happened) -> None:
        """A sandbox puts something in the place of each protected name that is not there, and takes it away again."""
        for name in PROTECTED:
            if ("", name) in happened.anew and name not in self._protected and not os.path.lexists(self._path("", name)):
                happened.entries.discard(("", name))
                happened.anew.discard(("", name))

    def _look(self, happened: Happened, sink: Sink) -> None:
        assert self._baseline is not None and self._inotify is not None
        anew = {f"{folder}/{name}" if folder else name for folder, name in happened.anew}
        for path in anew:
            self._inotify.forget(path)
        by_folder: dict[str, list[str]] = {}
        for folder, name in happened.entries:
            if not _is_below(folder, anew):
                by_folder.setdefault(folder, []).append(name)
        for folder in sorted(by_folder):
            sink.check()
            fd = self._open(folder)
            try:
                for name in sorted(by_folder[folder]):
                    path = f"{folder}/{name}" if folder else name
                    self._one(Place(fd, folder, name), self._baseline.entry(folder, name), sink, anew=path in anew)
            finally:
                if fd >= 0:
                    os.close(fd)

    def _one(self, place: Place, row: Entry | None, sink: Sink, *, anew: bool) -> None:
        """What an event named."""
        found = self._stat(place)
        folder, name = place.folder, place.name
        if found is None:
            if row is not None:
                self._gone(folder, name, row, sink)
            return
        is_folder = stat.S_ISDIR(found.st_mode)
        if not is_utf8(name) or self._ignores.by_name(name):
            return
        if self._ignores.by_rule(folder, name, is_folder=is_folder):
            if not is_folder:
                sink.ignored(self._path(folder, name))
            return
        if is_folder:
            if anew or row is None or row.kind != FOLDER:
                self._folder(folder, name, found, row, sink)
                sink.flush()
                self._scan(f"{folder}/{name}" if folder else name, sink, lambda _: True)
            return
        self._file(place, found, row, sink, lambda _: True)

    def _scan(self, top: str, sink: Sink, is_new: Callable[[os.stat_result], bool]) -> None:
        """Compare a folder and all below it with the baseline, rows that nothing is left of among them."""
        assert self._baseline is not None
        waiting = [top]
        while waiting:
            sink.check()
            folder = waiting.pop()
            fd = self._open(folder)
            if fd < 0:
                for at, name, row in self._baseline.below(folder) if not self._is_closed(folder) else ():
                    self._gone_file(at, name, row, sink)
                continue
            try:
                waiting += self._scan_folder(fd, folder, sink, is_new)
            finally:
                os.close(fd)

    def _scan_folder(self, fd: int, folder: str, sink: Sink, is_new: Callable[[os.stat_result], bool]) -> list[str]:
        """The folders in it."""
        assert self._baseline is not None
        self._watch(folder)
        self._ignores.enter(folder, fd)
        rows = self._baseline.folder(folder)
        found: list[str] = []
        with os.scandir(fd) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            if self._ignores.by_name(name) or not is_utf8(name):
                continue
            place = Place(fd, folder, name)
            status = self._stat(place)
            if status is None:
                continue
            is_folder, row = stat.S_ISDIR(status.st_mode), rows.pop(name, None)
            if self._ignores.by_rule(folder, name, is_folder=is_folder):
                if row is not None:
                    self._forget(folder, name, row, sink)
                continue
            if row is None and self._is_full():
                continue
            if is_folder:
                self._folder(folder, name, status, row, sink)
                found.append(f"{folder}/{name}" if folder else name)
            else:
                self._file(place, status, row, sink, is_new)
        for name, row in rows.items():
            self._gone(folder, name, row, sink)
        return found

    def _file(
        self, place: Place, found: os.stat_result, row: Entry | None, sink: Sink, is_new: Callable[[os.stat_result], bool]
    ) -> None:
        if row is not None and row.kind == FOLDER:
            self._gone(place.folder, place.name, row, sink)
            row = None
        if row is not None and is_same(row, found):
            return
        read = self._read(place, found, row.size if row is not None and row.key else 0)
        if read is None:
            if row is not None:
                self._gone(place.folder, place.name, row, sink)
            return
        entry, content = read
        self._count += row is None
        self._kept += (entry.size if entry.key else 0) - (row.size if row and row.key else 0)
        path = self._path(place.folder, place.name)
        version = sink.change(path, row, entry, self._expected, is_new=row is not None or is_new(found))
        replaced = row.key if row is not None and row.key != entry.key else None
        sink.put(Put(place.folder, place.name, entry, content, replaced, version))

    def _folder(self, folder: str, name: str, found: os.stat_result, row: Entry | None, sink: Sink) -> None:
        if row is not None and row.kind == FOLDER:
            return
        if row is not None:
            self._gone(folder, name, row, sink)
        self._count += 1
        sink.put(Put(folder, name, Entry(FOLDER, mode=stat.S_IMODE(found.st_mode))))

    def _gone(self, folder: str, name: str, row: Entry, sink: Sink) -> None:
        assert self._baseline is not None
        if row.kind == FOLDER:
            path = f"{folder}/{name}" if folder else name
            for at, below, entry in self._baseline.below(path):
                self._gone_file(at, below, entry, sink)
        self._gone_file(folder, name, row, sink)

    def _gone_file(self, folder: str, name: str, row: Entry, sink: Sink) -> None:
        self._count -= 1
        self._kept -= row.size if row.key else 0
        version = None
        if row.kind != FOLDER:
            version = sink.change(self._path(folder, name), row, None, self._expected, is_new=True)
        sink.put(Put(folder, name, None, replaced=row.key, version=version))

    def _forget(self, folder: str, name: str, row: Entry, sink: Sink) -> None:
        assert self._baseline is not None
        gone = [(folder, name, row)]
        if row.kind == FOLDER:
            path = f"{folder}/{name}" if folder else name
            gone += self._baseline.below(path)
            if self._inotify is not None:
                self._inotify.forget(path)
        for at, below, entry in gone:
            self._count -= 1
            self._kept -= entry.size if entry.key else 0
            sink.put(Put(at, below, None, replaced=entry.key))

    def _read(self, place: Place, found: os.stat_result, freed: int) -> tuple[Entry, tuple[int, tuple[int, bytes]] | None] | None:
        """None: it is gone, or neither a file nor a link."""
        if stat.S_ISLNK(found.st_mode):
            return entry_of(LINK, found, None, "a symbolic link"), None
        if not stat.S_ISREG(found.st_mode):
            return None
        if (why := self._too_much(found.st_size, freed)) is not None:
            return entry_of(FILE, found, None, why), None
        try:
            data, status, steady = content(place, self.rules.max_file_bytes)
        except FileNotFoundError:
            return None
        except OSError:
            return entry_of(FILE, found, None, "it cannot be read"), None
        if (why := self._too_much(len(data), freed)) is not None:
            return entry_of(FILE, status, None, why), None
        key = digest(data)
        packed = None
        if self._fresh or not self._is_kept(key):
            packed = (len(data), pack(data))
        entry = entry_of(FILE, status, key, None)
        return entry if steady else replace(entry, mtime=UNSURE), packed

    def _too_much(self, size: int, freed: int) -> str | None:
        if size > self.rules.max_file_bytes:
            return f"larger than {size_words(self.rules.max_file_bytes)}"
        if self._kept - freed + size > self.rules.max_total_bytes:
            return f"{size_words(self.rules.max_total_bytes)} of the workspace are kept already"
        return None

    def _is_full(self) -> bool:
        if self._count < self.rules.max_files:
            return False
        self.cut = f"the workspace has more than {self.rules.max_files} files"
        return True

    def _is_kept(self, key: bytes) -> bool:
        with self._database.reading() as db:
            return is_kept(db, key)

    def _watch(self, folder: str) -> None:
        if self._inotify is not None:
            try:
                self._inotify.add(folder)
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                pass
            except OSError:
                # the system has no more of them: compare by times from now on
                self._inotify.close()
                self._inotify = None

    def _open(self, folder: str) -> int:
        """-1: it is not there, or is not what it was."""
        path = os.path.join(self.root, folder) if folder else self.root
        try:
            fd = os.open(path, _FOLDER)
        except OSError:
            return -1
        try:
            if os.readlink(f"/proc/self/fd/{fd}") != path:
                os.close(fd)
                return -1
        except OSError:
            pass  # no /proc here
        return fd

    def _is_closed(self, folder: str) -> bool:
        """It is there, and may not be read."""
        path = os.path.join(self.root, folder) if folder else self.root
        return os.path.isdir(path) and not os.path.islink(path)

    def _stat(self, place: Place) -> os.stat_result | None:
        if place.fd < 0:
            return None
        self.looked += 1
        try:
            return os.stat(place.name, dir_fd=place.fd, follow_symlinks=False)
        except OSError:
            return None

    def _path(self, folder: str, name: str) -> str:
        return os.path.join(self.root, folder, name)


def _own(root: str, home: Path) -> tuple[str, ...]:
    """A rule for Treadle's own folder, where it is below the root: it changes with every look."""
    inside = os.path.relpath(os.path.realpath(home), root)
    return () if inside == ".." or inside.startswith("../") else (f"/{inside}/",)


def _is_below(folder: str, tops: set[str]) -> bool:
    """Whether it is one of these folders, or below one."""
    while folder:
        if folder in tops:
            return True
        folder = folder.rpartition("/")[0]
    return False
