"""Fetchers that are used again, for files that clients ask for one by one: to connect costs more than a small file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.content.fetch import Fetcher
from entrepot.content.incoming import TellingStore

if TYPE_CHECKING:
    from entrepot.content.fetch import FetchOptions
    from entrepot.content.incoming import Incoming
    from entrepot.content.store import BlobStore

#: Idle fetchers that are kept, and for how long, seconds: then the next one who borrows closes them.
_MOST_IDLE, _IDLE_SECONDS = 16, 60.0


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    importer: int
    options: FetchOptions
    store: TellingStore
    fetcher: Fetcher
    since: float


class LentFetchers:
    """The fetchers of one process, lent to one thread at a time each."""

    def __init__(self, store: BlobStore) -> None:
        """Fetch into `store`."""
        self._root = store.root
        self._idle: list[_Kept] = []
        self._lock = threading.Lock()

    @contextmanager
    def borrow(self, importer: int, options: FetchOptions, incoming: Incoming) -> Iterator[Fetcher]:
        """Lend a fetcher that shows `incoming` what comes, for an importer (its row id) with these options.

        It is kept if the block succeeds. Raises `FetchRefused`, `InvalidSettings`.
        """
        kept = self._take(importer, options)
        if kept is None:
            store = TellingStore(self._root, incoming)
            kept = _Kept(importer, options, store, Fetcher(options, store), 0.0)
        kept.store.incoming = incoming
        try:
            yield kept.fetcher
        except BaseException:
            kept.fetcher.close()
            raise
        kept.store.incoming = None
        with self._lock:
            self._idle.append(_Kept(importer, options, kept.store, kept.fetcher, clock.monotonic()))

    def _take(self, importer: int, options: FetchOptions) -> _Kept | None:
        """Return one that fits, None if there is none; close those that nobody has used for a while."""
        oldest = clock.monotonic() - _IDLE_SECONDS
        with self._lock:
            young = [kept for kept in self._idle if kept.since >= oldest][-_MOST_IDLE:]
            old = [kept for kept in self._idle if kept not in young]
            fitting = [kept for kept in young if kept.importer == importer and kept.options == options]
            taken = fitting[-1] if fitting else None
            self._idle = [kept for kept in young if kept is not taken]
        for kept in old:
            kept.fetcher.close()
        return taken
