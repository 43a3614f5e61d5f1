"""Look up published files for all requests of one process.

Where the database is a server, requests that come while others wait for it are looked up together: one statement and one
change of thread for all, so that a busy server does less for each.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from entrepot.errors import EntrepotError

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.readers import Readers
    from entrepot.repositories.reports import PublishedFile

#: Look-ups that are under way at once, and paths in each; the rest waits for the next one.
_MOST_UNDER_WAY, _MOST_TOGETHER = 2, 64

_Asked = tuple[str, str]


class Lookups:
    """Finds published files; for the loop that serves."""

    def __init__(self, engine: Engine, readers: Readers) -> None:
        """Ask `engine`, by `readers`."""
        self._engine = engine
        self._readers = readers
        self._waiting: list[tuple[_Asked, asyncio.Future[PublishedFile | None]]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def find(self, path: str, scheme: str) -> PublishedFile | None:
        """Return the file that is served at `path` over `scheme`, or None; raises `DatabaseError`."""
        asked = path, scheme
        if self._engine.database.is_embedded:
            found = await self._readers.run_brief(partial(self._engine.repositories.find_published_files, [asked]))
            return found.get(asked)
        answered: asyncio.Future[PublishedFile | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answered))
        self._ask()
        return await answered

    def _ask(self) -> None:
        """Look up what waits, unless enough is under way."""
        if not self._waiting or len(self._under_way) >= _MOST_UNDER_WAY:
            return
        together, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
        task = asyncio.ensure_future(self._answer(together))
        self._under_way.add(task)
        task.add_done_callback(self._go_on)

    def _go_on(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._ask()

    async def _answer(self, together: list[tuple[_Asked, asyncio.Future[PublishedFile | None]]]) -> None:
        wanted = [(asked, answered) for asked, answered in together if not answered.done()]  # the client may have gone
        try:
            found = await self._readers.run(
                partial(self._engine.repositories.find_published_files, [asked for asked, _ in wanted])
            )
        except EntrepotError as error:
            for _, answered in wanted:
                if not answered.done():
                    answered.set_exception(error)
            return
        for asked, answered in wanted:
            if not answered.done():
                answered.set_result(found.get(asked))
