"""Getting back the bytes of files of units, many at once: from the store, else from any feed that offers them.

    wanted -> what the store has under their digests -> `catalog`: which feeds -> `content.fetch` -> store -> `arrivals`

Each file is asked for at one feed after the other until its bytes are right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

from entrepot.content import catalog
from entrepot.content.blobs import find_blobs, record_blobs
from entrepot.content.fetch import FetchRequest
from entrepot.errors import ChecksumDiffers, EntrepotError, SizeDiffers, StorageError
from entrepot.repositories.arrivals import Arrival, arrived_all
from entrepot.repositories.feeds import FeedFetchers

if TYPE_CHECKING:
    from types import TracebackType

    from entrepot.content.catalog import Source
    from entrepot.content.fetch import Fetcher
    from entrepot.content.store import WrittenBlob
    from entrepot.repositories.house import House
    from entrepot.repositories.progress import Step

#: Files whose bytes are kept in one transaction.
_BATCH = 200


class Wanted(NamedTuple):
    """A file of a unit (its row id), what is promised of it, and its `sha256` once its bytes have been here.

    `problem` says in words why it is wanted.
    """

    unit: int
    path: str
    size: int | None  # bytes
    digests: Mapping[str, str]  # algorithm -> lower-case hex
    sha256: str | None = None
    problem: str = ""

    def request(self, url: str, key: object) -> FetchRequest:
        """Return what is to be fetched: bytes that were here already must come back as they were."""
        digests = self.digests if self.sha256 is None else {**self.digests, "sha256": self.sha256}
        return FetchRequest(url, size=self.size, digests=digests, key=key)


@dataclass(slots=True, eq=False)
class _Search:
    """A wanted file, the feeds that were not asked for it yet, and what the last one said."""

    file: Wanted
    sources: list[Source]
    failure: str = ""


@dataclass(slots=True)
class _Kept:
    """Files that came, on their way into the store."""

    files: list[Wanted] = field(default_factory=list)
    blobs: list[WrittenBlob] = field(default_factory=list)


class Recovery:
    """Gets back files for one task; a context manager that leaves no temporary file and no connection behind."""

    def __init__(self, house: House, step: Step, checkpoint: Callable[[], None]) -> None:
        """Prepare; what becomes of each file is counted in `step`, and `checkpoint` may raise to stop."""
        self._house = house
        self._database = house.database
        self._step = step
        self._fetchers = FeedFetchers(house, checkpoint)
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="keep")
        self._came = _Kept()
        self._keeping: list[tuple[Future[None], _Kept]] = []

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close connections and remove temporary files, whatever happened."""
        self._keeper.submit(self._database.close)  # its thread has a connection of its own
        self._keeper.shutdown(wait=True)
        self._fetchers.close()
        for kept in [self._came, *[kept for _, kept in self._keeping]]:
            for blob in kept.blobs:
                self._house.store.discard(blob)

    def recover(self, files: list[Wanted]) -> None:
        """Get back `files`, and count in the step which could be had; raises `StorageError` of any kind."""
        if not files:
            return
        searches = self._searches(self._adopted(files))
        while searches:
            turns: dict[int, list[_Search]] = defaultdict(list)
            for search in searches:
                if search.sources:
                    turns[search.sources[0].importer].append(search)
                else:
                    file = search.file
                    self._step.fail_item(file.path, f"{file.problem}; {search.failure or 'no feed is known to offer it'}")
            searches = [search for importer, turn in turns.items() for search in self._ask(importer, turn)]
        self._hand_over()
        self._settle(leave=0)

    def _adopted(self, files: list[Wanted]) -> list[Wanted]:
        """Give files bytes that the store has already under their promised digest, and return the others."""
        promised = {file.digests["sha256"] for file in files if file.sha256 is None and "sha256" in file.digests}
        if not promised:
            return files
        store = self._house.store
        with store.keeping(), self._database.transaction(durable=False):
            present = {sha256: row for sha256, row in find_blobs(self._database, promised).items() if store.has(sha256)}
            here = [file for file in files if file.sha256 is None and file.digests.get("sha256") in present]
            arrived_all(self._database, [Arrival(file.unit, file.path, present[file.digests["sha256"]]) for file in here])
        for file in here:
            self._count(file)
        gone = set(map(id, here))
        return [file for file in files if id(file) not in gone]

    def _searches(self, files: list[Wanted]) -> list[_Search]:
        known = catalog.all_sources(self._database, {file.unit for file in files})
        return [_Search(file, known.get((file.unit, file.path), [])) for file in files]

    def _ask(self, importer: int, turn: list[_Search]) -> list[_Search]:
        """Ask one feed for files, and return the searches that have to go on elsewhere."""
        sources = [search.sources.pop(0) for search in turn]
        try:
            fetcher = self._fetchers.of(importer)
        except EntrepotError as error:  # the feed has no address any more, or its plugin is broken
            for search in turn:
                search.failure = error.message
            return turn
        requests = (search.file.request(source.url, search) for search, source in zip(turn, sources, strict=True))
        return self._fetch(importer, fetcher, requests)

    def _fetch(self, importer: int, fetcher: Fetcher, requests: Iterator[FetchRequest]) -> list[_Search]:
        failed = []
        for outcome in fetcher.fetch_all(requests):
            search = outcome.request.key
            assert isinstance(search, _Search)  # noqa: S101 - our own key
            if outcome.blob is not None:
                self._came.files.append(search.file)
                self._came.blobs.append(outcome.blob)
                if len(self._came.files) >= _BATCH:
                    self._hand_over()
                continue
            error = outcome.error
            if isinstance(error, StorageError):
                raise error
            if isinstance(error, SizeDiffers | ChecksumDiffers):
                catalog.note_failure(self._database, search.file.unit, search.file.path, importer)
            search.failure = error.message if error is not None else ""
            failed.append(search)
        return failed

    def _hand_over(self) -> None:
        """Hand what came to the keeper, which waits for the disk and the database beside the transfers."""
        came, self._came = self._came, _Kept()
        if came.files:
            self._keeping.append((self._keeper.submit(self._keep, came), came))
        self._settle(leave=1)

    def _settle(self, *, leave: int) -> None:
        while len(self._keeping) > leave:
            future, kept = self._keeping[0]
            future.result()
            del self._keeping[0]
            for file, blob in zip(kept.files, kept.blobs, strict=True):
                self._count(file, blob.size)

    def _keep(self, came: _Kept) -> None:
        """Make bytes safe and write their rows; in the keeper's thread."""
        with self._house.store.keeping():
            self._house.store.keep(came.blobs)
            with self._database.transaction():
                rows = record_blobs(self._database, {(blob.sha256, blob.size) for blob in came.blobs})
                pairs = zip(came.files, came.blobs, strict=True)
                arrived_all(self._database, [Arrival(file.unit, file.path, rows[blob.sha256]) for file, blob in pairs])

    def _count(self, file: Wanted, size: int | None = None) -> None:
        self._step.num_success += 1
        self._step.bytes_done += size if size is not None else file.size or 0
