"""Tell coroutines when the database may have changed: one thread watches for all of a process, none when nobody listens."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from entrepot import clock
from entrepot.errors import EntrepotError

if TYPE_CHECKING:
    from entrepot.engine import Engine

_LOG = logging.getLogger("entrepot.streaming")
#: Seconds after which listeners look although nothing was seen to change.
_TURN_SECONDS = 1.0


class Listener:
    """One who waits for changes, in the event loop that it was made in."""

    def __init__(self) -> None:
        """Begin to listen; what changed before is not told."""
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    async def after_change(self, seconds: float, gone: asyncio.Future[None]) -> None:
        """Return when something may have changed since the last return, when `seconds` are over, or when `gone` is done."""
        changed = asyncio.ensure_future(self._changed.wait())
        ends: set[asyncio.Future[Any]] = {changed, gone}
        try:
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        self._changed.clear()

    def tell(self) -> None:
        """Wake it, from any thread; one whose loop has ended hears nothing."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)


class Changes:
    """The changes of one engine's database."""

    def __init__(self, engine: Engine) -> None:
        """Watch nothing yet."""
        self._engine = engine
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._is_watching = False
        self.is_over = False

    def end(self) -> None:
        """Wake all who listen, who are to see by `is_over` that they have to come to an end."""
        self.is_over = True
        self._tell()

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Give a listener that is told of changes until the block ends."""
        listener = Listener()
        with self._lock:
            self._listeners.add(listener)
            if not self._is_watching:
                self._is_watching = True
                threading.Thread(target=self._watch, name="changes", daemon=True).start()
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def _watch(self) -> None:
        while self._is_wanted():
            try:
                with self._engine.visit(), self._engine.database.watch() as watch:
                    for _ in watch.looks(clock.monotonic() + _TURN_SECONDS):
                        self._tell()
            except (EntrepotError, OSError) as error:  # whatever it is, those who listen would wait in vain
                _LOG.warning("changes are not seen for a moment: %s", error)
                self._tell()
                threading.Event().wait(_TURN_SECONDS)

    def _is_wanted(self) -> bool:
        """Return True if anybody listens; else the thread ends, and the next listener starts another."""
        with self._lock:
            self._is_watching = bool(self._listeners)
            return self._is_watching

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.tell()
