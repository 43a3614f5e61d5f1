"""Watch a database for what others commit, without asking it again and again.

A watch belongs to one thread, which closes it. What it says is a hint: whoever hears it looks for what has changed. A change
of its own connection it may or may not tell.
"""

from __future__ import annotations

import math
import os
import select
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from entrepot.models.write_signal import WriteSignal

if TYPE_CHECKING:
    from entrepot.models.connection import Database

#: Seconds between two looks at a database in which one change follows the other: the first, and the longest.
_SHORTEST_PACE = 0.001
_LONGEST_PACE = 0.05
#: Seconds between two looks at SQLite's change counter after a write was seen that may be about to be committed: the first,
#: the growth, and the longest. A look costs 5 microseconds, and 100 with the awakening of an idle processor.
_FIRST_PAUSE = 0.001
_PAUSE_GROWTH = 1.3
_LONGEST_PAUSE = 0.01
#: Seconds after the last write to SQLite's log in which its commit is looked for: one that syncs writes first.
_SETTLING_SECONDS = 0.25
#: Seconds between two looks at the change counter although nothing seems to have been written.
_LOOK_ANYWAY_SECONDS = 0.1


class ChangeWatch(ABC):
    """Tells whether another connection has committed something.

    The first answer is True: something may have been committed after the last look and before there was a watch.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def changed(self) -> bool:
        """Return True if something has changed since the last True of `changed` or `wait`; does not wait."""

    @abstractmethod
    def wait(self, timeout_seconds: float) -> bool:
        """Return True as soon as something has changed since the last True, or False if nothing has in time."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is open; once more does nothing."""

    def looks(self, deadline: float | None = None) -> Iterator[None]:
        """Yield whenever it is time to look: now, after each change, and at `deadline`, which is the last time.

        `deadline` is a moment of `clock.monotonic`, None for ever. The more others change, the longer it waits for the next
        look, up to 50 ms: a watcher of one task costs little on a busy database, and answers at once on a quiet one.
        """
        pace = _SHORTEST_PACE
        self.changed()
        while True:
            yield
            looked = time.monotonic()
            if not self.wait(math.inf if deadline is None else max(0.0, deadline - looked)):
                yield
                return
            too_early = looked + pace - time.monotonic()
            if too_early > 0:
                time.sleep(too_early)
                pace = min(2 * pace, _LONGEST_PACE)
            else:
                pace = _SHORTEST_PACE


class SqliteWatch(ChangeWatch):
    """Asks `PRAGMA data_version`, after each write to the write-ahead log and now and then.

    Where nothing tells of writes, it asks every 10 ms.
    """

    def __init__(self, database: Database) -> None:
        """Watch by the calling thread's connection to `database`."""
        self._database = database
        self._connection: object = None
        self._version: object = None
        self._signal: WriteSignal | None = None
        self._written_at = 0.0

    def changed(self) -> bool:
        """Return True if another connection has committed since the last True."""
        version = self._database.row("PRAGMA data_version")
        connection = self._database.peewee.connection()
        if connection is self._connection and version == self._version:
            return False
        if connection is not self._connection:  # versions of two connections cannot be compared, and the log may be another
            self.close()
        self._connection, self._version = connection, version
        return True

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for a write to the log, and look until it is committed."""
        deadline = time.monotonic() + timeout_seconds
        poll = self._open_poll()
        pause = _FIRST_PAUSE
        settled_at = self._written_at + _SETTLING_SECONDS if self._signal else math.inf
        while not self.changed():
            now = time.monotonic()
            if now >= deadline:
                return False
            seconds = min(pause if now < settled_at else _LOOK_ANYWAY_SECONDS, deadline - now)
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE)
            if poll.poll(math.ceil(seconds * 1000)) and self._signal:
                self._signal.clear()
                now, before = time.monotonic(), self._written_at
                self._written_at, settled_at = now, now + _SETTLING_SECONDS
                if now - before > _LONGEST_PAUSE:
                    pause = _FIRST_PAUSE
                else:  # one of the many writes of a large transaction
                    time.sleep(pause)
        return True

    def close(self) -> None:
        """Let go of the signal; the connection is the thread's."""
        if self._signal is not None:
            self._signal.close()
            self._signal = None
        self._connection = None

    def _open_poll(self) -> select.poll:
        poll = select.poll()
        if self._signal is None:
            self._signal = WriteSignal.open(os.path.realpath(self._database.peewee.database) + "-wal")
            self._written_at = time.monotonic()  # somebody may have, a moment before there was a signal
        if self._signal is not None:
            poll.register(self._signal, select.POLLIN)
        return poll
