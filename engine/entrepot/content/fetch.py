"""Fetching the files of a feed: many at once, in the calling thread, checked against what was promised.

Step 1 of the walk of a file; `transfers` does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from entrepot.content.answers import is_missing
from entrepot.content.requests import FetchOptions, FetchOutcome, FetchRequest
from entrepot.content.store import BlobStore
from entrepot.content.transfer import Run
from entrepot.content.transfers import Transfers
from entrepot.content.writer import WrittenBlob

__all__ = ["FetchOptions", "FetchOutcome", "FetchRequest", "Fetcher"]


class Fetcher:
    """Fetches for one sync, from one feed; a context manager; not thread-safe.

    The blobs it yields may be kept by another thread meanwhile. `fetch`, and another `fetch_all`, may be called while
    `fetch_all` asks its iterable for the next request: all share `max_downloads`, and what is under way goes on. However a
    call ends, no transfer of it goes on and no temporary file of it is left, but those of the blobs it gave.
    """

    def __init__(self, options: FetchOptions, store: BlobStore, *, checkpoint: Callable[[], None] = lambda: None) -> None:
        """Prepare; nothing is connected yet.

        `checkpoint` is called at least every 200 ms while something is under way, and may raise anything to stop.
        Raises `FetchRefused` if the feed's address cannot be used, `InvalidSettings` for networks that are none.
        """
        self._transfers = Transfers(options, store, checkpoint)

    @property
    def bytes_received(self) -> int:
        """Bytes of all files so far, failed attempts included."""
        return self._transfers.pace.bytes_received

    def fetch(self, request: FetchRequest) -> WrittenBlob:
        """Fetch one file; the blob is the caller's, to keep or to discard.

        Raises `FetchError` or `StorageError` of any kind, also if an optional file does not exist.
        """
        run = Run()
        try:
            self._transfers.accept(run, request, at_once=True)
            while not run.finished:
                self._transfers.advance()
            outcome = run.finished.popleft()
        finally:
            self._transfers.abandon(run)
        if outcome.error is not None:
            raise outcome.error
        assert outcome.blob is not None  # noqa: S101 - without an error there is one
        return outcome.blob

    def fetch_all(self, requests: Iterable[FetchRequest], *, may_hold: bool = True) -> Iterator[FetchOutcome]:
        """Fetch many files, at most `max_downloads` at once, and yield each outcome when it is there.

        `requests` is asked for more only when a transfer can start. Each blob that was yielded is the caller's; the bytes of
        a small one may be in memory still, unless `may_hold` is false: then all lie in files, with their media types.
        """
        transfers = self._transfers
        run = Run(iter(requests), may_hold=may_hold)
        try:
            while not run.is_over:
                # Whoever takes the outcomes takes time: the next transfers are started before, to go on meanwhile.
                has_outcomes = bool(run.finished)
                self._ask(run)
                transfers.advance(may_wait=not has_outcomes and not run.is_over)
                while has_outcomes and run.finished:
                    yield _without_missing(run.finished.popleft())
        finally:
            transfers.abandon(run)

    def close(self) -> None:
        """Abort whatever is under way and close all connections."""
        self._transfers.close()

    def __enter__(self) -> Self:
        """Return the fetcher."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def _ask(self, run: Run) -> None:
        """Ask for requests while transfers can start."""
        while run.source is not None and self._transfers.room > 0:
            try:
                request = next(run.source)
            except StopIteration:
                run.source = None
            else:
                self._transfers.accept(run, request)


def _without_missing(outcome: FetchOutcome) -> FetchOutcome:
    """Return the outcome; that an optional file does not exist is no error."""
    if outcome.error is not None and outcome.request.optional and is_missing(outcome.error):
        return FetchOutcome(outcome.request)
    return outcome
