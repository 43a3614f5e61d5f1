"""One request over all its attempts and redirects, and the call whom its outcome is for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from entrepot.content.addresses import Address
from entrepot.content.requests import FetchOutcome, FetchRequest
from entrepot.content.writer import BlobWriter, WrittenBlob
from entrepot.errors import FetchError, StorageError


@dataclass(slots=True, eq=False)
class Run:
    """One call of `Fetcher.fetch` or `.fetch_all`: what it still asks for, and what it has not taken yet."""

    source: Iterator[FetchRequest] | None = None
    finished: deque[FetchOutcome] = field(default_factory=deque)
    under_way: int = 0
    #: Whether small files may stay in memory until they are kept.
    may_hold: bool = False

    @property
    def is_over(self) -> bool:
        """True when there is nothing left to ask for, to wait for and to take."""
        return self.source is None and not self.under_way and not self.finished

    def finish(self, request: FetchRequest, blob: WrittenBlob | None, error: FetchError | StorageError | None = None) -> None:
        """Add an outcome."""
        self.under_way -= 1
        self.finished.append(FetchOutcome(request, blob, error))


@dataclass(slots=True, eq=False)
class Transfer:
    """One request: where it points to now, and what was tried."""

    run: Run
    request: FetchRequest
    address: Address
    #: Attempts that failed, and redirects of the present attempt.
    failed: int = 0
    redirects: int = 0
    #: The bytes that came were not those promised: caches are told to ask the origin.
    past_caches: bool = False
    writer: BlobWriter | None = None
