"""The threads that look things up for requests, each with a database connection that it keeps while it is busy.

To connect for each request would cost more than the request: some ten times as much on SQLite, more on PostgreSQL. A
connection is closed when its thread has had nothing to do for a moment, when it is old, and after a database error.

To hand a look-up to another thread and its result back costs several times what a brief one takes on SQLite, where no server
is asked: such a one is run where it is called.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from contextvars import copy_context
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
        self._own = _OwnConnection(engine)
        #: What may take long takes turns, whichever door it came by, so that a thread is left for the rest: to hash a password,
        #: to write (who writes may wait for another), and to look once more for those who wait for changes.
        self.hashing = asyncio.Semaphore(max(threads // 2, 1))
        self.writing = asyncio.Semaphore(max(threads - 1, 1))
        self.looking = asyncio.Semaphore(max(threads // 2, 1))

    async def run_brief(self, function: Callable[[], _Result]) -> _Result:
        """Return what `function` returns, or raise what it raises; it looks up a few rows by their keys, and nothing else."""
        if self._engine.database.is_embedded:
            return self._own.run(function)
        return await self.run(function)

    async def run(self, function: Callable[[], _Result]) -> _Result:
        """Return what `function` returns, or raise what it raises."""
        self._start()
        loop, context = asyncio.get_running_loop(), copy_context()  # what the function logs is about the same request
        answered: asyncio.Future[_Result] = loop.create_future()

        def job() -> bool:
            """Run the function; say whether the connection can be kept."""
            if answered.cancelled():
                return True
            try:
                result = context.run(function)
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


class _OwnConnection(threading.local):
    """The connection of a thread that runs a loop: kept while it is used, as those of the readers."""

    def __init__(self, engine: Engine) -> None:
        """Connect when something is to be run."""
        self._engine = engine
        self._visit: ExitStack | None = None
        self._opened = 0.0
        self._used = False

    def run(self, function: Callable[[], _Result]) -> _Result:
        """Run the function inside `Engine.visit()`."""
        if self._visit is not None and clock.monotonic() - self._opened > _OLDEST_SECONDS:
            self._leave()  # the timer may have been another loop's, which ended
        if self._visit is None:
            self._visit = ExitStack()
            self._visit.enter_context(self._engine.visit())
            self._opened = clock.monotonic()
            self._leave_later(self._visit)
        self._used = True
        try:
            return function()
        except DatabaseError:
            self._leave()
            raise

    def _leave_later(self, visit: ExitStack) -> None:
        self._used = False
        asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._leave_unless_used, visit)

    def _leave_unless_used(self, visit: ExitStack) -> None:
        if visit is not self._visit:
            return
        if self._used and clock.monotonic() - self._opened < _OLDEST_SECONDS:
            self._leave_later(visit)
        else:
            self._leave()

    def _leave(self) -> None:
        visit, self._visit = self._visit, None
        if visit is not None:
            visit.close()


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
