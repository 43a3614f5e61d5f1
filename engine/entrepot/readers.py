"""The threads that look things up for requests, each with a database connection that it keeps while it is busy.

To connect for each request would cost more than the request: some ten times as much on SQLite, more on PostgreSQL. A
connection is closed when its thread has had nothing to do for a moment, when it is old, and after a database error.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from entrepot import clock
from entrepot.errors import DatabaseError

if TYPE_CHECKING:
    from entrepot.engine import Engine

#: A look-up waits for the disk or the database, seldom for long; more threads would rather wait for each other.
READER_THREADS = 4
_IDLE_SECONDS = 1.0
_OLDEST_SECONDS = 30.0

_Result = TypeVar("_Result")
_Job = Callable[[], bool]


class Readers:
    """Runs functions in a few threads, inside `Engine.visit()`."""

    def __init__(self, engine: Engine, *, threads: int = READER_THREADS) -> None:
        """Prepare; threads start with the first call, and end with the process."""
        self._engine = engine
        self._threads = threads
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._starting = threading.Lock()
        self._started = False

    async def run(self, function: Callable[[], _Result]) -> _Result:
        """Return what `function` returns, or raise what it raises."""
        self._start()
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[_Result] = loop.create_future()

        def job() -> bool:
            """Run the function; say whether the connection can be kept."""
            if answered.cancelled():
                return True
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - handed on to the one who asked
                _tell(loop, answered, error=error)
                return not isinstance(error, DatabaseError)
            _tell(loop, answered, result)
            return True

        self._jobs.put(job)
        return await answered

    def _start(self) -> None:
        with self._starting:
            if not self._started:
                self._started = True
                for number in range(self._threads):
                    threading.Thread(target=self._work, name=f"reader-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            job: _Job | None = self._jobs.get()
            with self._engine.visit():
                opened = clock.monotonic()
                while job is not None:
                    is_usable = job()
                    job = self._next_job() if is_usable and clock.monotonic() - opened < _OLDEST_SECONDS else None

    def _next_job(self) -> _Job | None:
        """Return the next job, or None if there is none for a while."""
        try:
            return self._jobs.get(timeout=_IDLE_SECONDS)
        except Empty:
            return None


def _tell(
    loop: asyncio.AbstractEventLoop, answered: asyncio.Future[Any], result: object = None, *, error: BaseException | None = None
) -> None:
    """Answer in the loop of who asked, who may have gone, as the loop itself may."""

    def settle() -> None:
        if answered.done():
            return
        if error is None:
            answered.set_result(result)
        else:
            answered.set_exception(error)

    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(settle)
