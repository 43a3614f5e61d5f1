"""Bytes of published files: looked at before they are served, and fetched if they are not here or not whole.

However many clients ask for a file, in however many processes, it is fetched once; those of this process read it along while
it comes (`content.incoming`).

    bring -> look (is it here, and whole?) -> fetch, alone among all processes -> verify -> keep -> rows

`file_search` does the work, in threads of two lanes: a slow feed keeps nobody from files that are here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from entrepot.content.incoming import Here, Incoming
from entrepot.content.wholeness import Wholeness
from entrepot.errors import BytesUnavailable, EntrepotError, ServerUnavailable
from entrepot.repositories.fetchers import LentFetchers
from entrepot.repositories.file_search import FileSearch
from entrepot.repositories.lane import Lane

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.repositories.house import House
    from entrepot.repositories.reports import PublishedFile

#: Files that one process looks at, and fetches, at once; the rest wait in line.
_LOOKS, _FETCHES = 4, 16
_LOG = logging.getLogger("entrepot.serving")


class Fetching:
    """Brings the bytes of published files, for all clients of one process; safe between threads."""

    def __init__(self, house: House) -> None:
        """Serve the repositories of `house`; no thread is started yet."""
        self.wholeness = Wholeness(house.store)
        self._house = house
        self._fetchers = LentFetchers(house.store)
        self._looks = Lane("look", width=_LOOKS)
        self._fetches = Lane("fetch", width=_FETCHES)
        self._under_way: dict[object, Incoming] = {}
        self._lock = threading.Lock()

    def path(self, sha256: str) -> Path:
        """Return where the blob lies, or would lie."""
        return self._house.store.path(sha256)

    def bring(self, found: PublishedFile) -> Incoming:
        """See in the background that the bytes of a published file are in the store and whole; return what is to come.

        Who asks for the same file meanwhile gets the same. It ends with `Here`, or with `UpstreamFailed`,
        `UpstreamTimedOut`, `BytesUnavailable` or another `StorageError`, or a `DatabaseError`; their messages name no address.
        """
        key = found.sha256 or (found.unit, found.unit_file)
        with self._lock:
            known = self._under_way.get(key)
            if known is not None:
                return known
            incoming = self._under_way[key] = Incoming()
        search = FileSearch(self._house, self.wholeness, self._fetchers, found=found, incoming=incoming)
        self._looks.run(partial(self._look, key, search))
        return incoming

    def let_go(self) -> None:
        """Let those go who wait for first bytes: the server is about to stop."""
        with self._lock:
            waited_for = [incoming for incoming in self._under_way.values() if not incoming.available]
        for incoming in waited_for:
            incoming.fail(ServerUnavailable("The server is stopping; ask again in a moment."))

    def _look(self, key: object, search: FileSearch) -> None:
        if not self._do(key, search, search.look):
            self._fetches.run(partial(self._do, key, search, search.fetch))

    def _do(self, key: object, search: FileSearch, step: Callable[[], Here | None]) -> bool:
        """Do a step, in a thread of a lane; say whether it was the last."""
        here: Here | None = None
        error: EntrepotError | None = None
        try:
            here = step()
        except EntrepotError as raised:
            error = raised
            _LOG.warning("%s cannot be served: %s", search.found.path, raised.message)
        except BaseException:  # noqa: BLE001 - handed on to those who wait
            _LOG.exception("%s cannot be served", search.found.path)
            error = BytesUnavailable(f"{search.found.path} cannot be had because of an error; the server's log has more.")
        finally:
            self._house.database.close()
        if here is None and error is None:
            return False
        with self._lock:
            del self._under_way[key]
        if error is not None:
            search.incoming.fail(error)
        elif here is not None:
            search.incoming.arrive(here)
        return True
