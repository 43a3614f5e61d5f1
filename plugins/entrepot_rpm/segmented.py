"""Files of `repodata` that are made in segments, anew only where something changed.

Files that say different things of the same items (primary, filelists and other of packages) are cut alike. Texts are joined
and packed in threads, for zlib leaves the interpreter to others meanwhile, and gathered in temporary files until it is known
how many items there are, which the head of each file says. See `segments` for what a segment is.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Generic, NamedTuple, Protocol, Self, TypeVar

from entrepot.plugin.segments import Member, begins_segment, members, pack, stretches
from entrepot_rpm.repodata import Repodata

#: Bytes of text up to which `open-checksum` is told: reading through more would cost more than all else that a small change
#: costs. Clients check the packed file, whose checksum is always told.
LONGEST_CHECKED_TEXT = 16 * 2**20

_MOST_THREADS = 4
_CHUNK = 2**20  # bytes copied at once

ItemT = TypeVar("ItemT")
Row = tuple[Member, ...]  # one segment: its member in each of the files


class Layout(NamedTuple):
    """One of the files: what it is called, and what stands around its segments."""

    kind: str
    name: str
    head: str  # {count} stands for the number of items
    tail: str


class Items(Protocol[ItemT]):
    """What the files tell of, by name: packages, or advisories."""

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """The files, in the order in which `repomd.xml` names them."""

    def all(self) -> Iterator[tuple[bytes, list[ItemT]]]:
        """Return all items, those of one name together, in the order of the bytes of the names."""

    def named(self, names: frozenset[bytes]) -> Iterator[tuple[bytes, list[ItemT]]]:
        """Return the items with these names, in the same order."""

    def texts(self, items: Sequence[ItemT]) -> tuple[bytes, ...]:
        """Return what each of the files says of `items`; called in threads."""

    def names_in(self, text: bytes) -> set[bytes]:
        """Return the names of the items that a segment of the first file tells of."""


def write_segmented(
    repodata: Repodata, items: Items[ItemT], changes: Mapping[bytes, int] | None, *, copy_to: Path | None = None
) -> None:
    """Write the files of `items`: anew if `changes` is None, else on top of the previous publication if that is possible.

    `changes`: the names that were touched, and how many more items of each there are now. `copy_to`: a folder that gets
    copies of the files, under their plain names. The bytes are the same either way.
    """
    before = None if changes is None else _rows_before(repodata, items.layouts)
    with _Files(repodata, items) as files:
        if changes is None or before is None or not _update(files, items, before, changes):
            files.restart()
            files.fill(items.all())
        files.close(copy_to)


def _rows_before(repodata: Repodata, layouts: Sequence[Layout]) -> list[Row] | None:
    """Return the segments of the previous publication, or None if it cannot be built upon; the first key is empty."""
    columns: list[list[Member]] = []
    for layout in layouts:
        data = repodata.read(layout.kind)
        found = None if data is None else members(data)
        if found is None or len(found) < 2:  # noqa: PLR2004 - head and tail
            return None
        columns.append(found[1:-1])
    if any([(member.key, member.units) for member in column] != _cuts(columns[0]) for column in columns[1:]):
        return None
    rows: list[Row] = list(zip(*columns, strict=True))
    if not rows or rows[0][0].key:
        rows.insert(0, tuple(Member(b"", b"", 0, 0) for _ in layouts))
    return rows


def _cuts(column: Iterable[Member]) -> list[tuple[bytes, int]]:
    return [(member.key, member.units) for member in column]


def _update(files: _Files[ItemT], items: Items[ItemT], rows: Sequence[Row], changes: Mapping[bytes, int]) -> bool:
    """Write what changed anew, and take over the rest; False if that cannot be, or is not worth it."""
    plan = stretches([row[0].key for row in rows], changes)
    touched = sum(row[0].units for stretch in plan for row in rows[stretch.first : stretch.end])
    if touched * 2 > sum(row[0].units for row in rows):
        return False
    done = 0
    for stretch in plan:
        for row in rows[done : stretch.first]:
            files.take_over(row)
        old = rows[stretch.first : stretch.end]
        try:
            names = set(stretch.names).union(*(items.names_in(row[0].text()) for row in old if row[0].data))
        except zlib.error:
            return False
        written = files.fill(items.named(frozenset(names)))
        if written != sum(row[0].units for row in old) + sum(changes[name] for name in stretch.names):
            return False  # the previous publication was not of what the repository held; should not be, and must not spread
        done = stretch.end
    for row in rows[done:]:
        files.take_over(row)
    return True


class _Files(Generic[ItemT]):
    """The files under way; a context manager that leaves neither threads nor temporary files."""

    def __init__(self, repodata: Repodata, items: Items[ItemT]) -> None:
        """Begin with no segments."""
        self._repodata = repodata
        self._items = items
        self._kept = ExitStack()
        self._threads = min(_MOST_THREADS, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="segments")
        self._pending: deque[Future[Row] | Row] = deque()
        self._gathered: list[IO[bytes]] = []
        self._sizes: list[int] = []  # bytes of text in each file
        self._count = 0

    def __enter__(self) -> Self:
        self.restart()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._kept.close()

    def restart(self) -> None:
        """Begin again, with no segments."""
        self._pending.clear()
        self._kept.close()
        self._gathered = [self._kept.enter_context(_temporary_file()) for _ in self._items.layouts]
        self._sizes = [0 for _ in self._items.layouts]
        self._count = 0

    def fill(self, groups: Iterable[tuple[bytes, list[ItemT]]]) -> int:
        """Write segments of items, given by name in order, and return how many items there were."""
        key, segment, count = b"", list[ItemT](), 0
        for name, group in groups:
            if begins_segment(name):
                self._write(key, segment)
                key, segment = name, []
            segment += group
            count += len(group)
        self._write(key, segment)
        return count

    def take_over(self, row: Row) -> None:
        """Write a segment as it was."""
        self._later(row)

    def close(self, copy_to: Path | None) -> None:
        """Give the files to `repodata`."""
        while self._pending:
            self._gather()
        for layout, gathered, size in zip(self._items.layouts, self._gathered, self._sizes, strict=True):
            head, tail = pack(layout.head.format(count=self._count).encode()), pack(layout.tail.encode())
            gathered.seek(0)
            file = self._repodata.file()
            for chunk in _chunks(head, gathered, tail):
                file.write(chunk)
            if copy_to is not None:
                gathered.seek(0)
                with Path(copy_to, layout.name).open("wb") as copy:
                    copy.writelines(_chunks(head, gathered, tail))
            open_size = head.size + size + tail.size
            open_checksum = None
            if open_size <= LONGEST_CHECKED_TEXT:
                gathered.seek(0)
                open_checksum = self._repodata.digest_of_texts(_chunks(head, gathered, tail))
            self._repodata.put(layout.kind, layout.name, file, open_checksum=open_checksum, open_size=open_size)

    def _write(self, key: bytes, segment: list[ItemT]) -> None:
        if segment:
            self._later(self._pool.submit(_packed, self._items, key, segment))

    def _later(self, what: Future[Row] | Row) -> None:
        """Write a segment when all before it are written; as many are under way as keep the threads busy."""
        self._pending.append(what)
        while len(self._pending) > 2 * self._threads:
            self._gather()

    def _gather(self) -> None:
        what = self._pending.popleft()
        row = what.result() if isinstance(what, Future) else what
        for place, member in enumerate(row):
            self._gathered[place].write(member.data)
            self._sizes[place] += member.size
        self._count += row[0].units


def _packed(items: Items[ItemT], key: bytes, segment: Sequence[ItemT]) -> Row:
    return tuple(pack(text, key=key, units=len(segment)) for text in items.texts(segment))


def _chunks(head: Member, gathered: IO[bytes], tail: Member) -> Iterator[bytes]:
    yield bytes(head.data)
    while chunk := gathered.read(_CHUNK):
        yield chunk
    yield bytes(tail.data)


def _temporary_file() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="entrepot-segments-")
