"""A file on its way into the store, which any number of clients read along while it comes.

One thread fetches it, through a `TellingStore`; whoever waits follows an `Incoming`. The last bytes are held back until size
and digests have been found right, so that nobody ever has a wrong file whole.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from entrepot.content.storage_faults import storage_error
from entrepot.content.store import BlobStore
from entrepot.content.writer import BlobWriter
from entrepot.errors import EntrepotError

#: So many bytes at the end are shown when all have been verified, and not before.
HELD_BACK_BYTES = 64 * 1024
#: What has come is written, and shown, in pieces of so many bytes.
_PIECE_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class Here:
    """The bytes are in the store, and whole."""

    sha256: str
    size: int


class Attempt:
    """The bytes of one attempt, in a file that stays readable as long as somebody holds this."""

    __slots__ = ("_descriptor",)

    def __init__(self, path: str) -> None:
        """Open the file at `path`; raises `OSError`."""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes from `offset` on, none behind the end; raises `OSError`."""
        return os.pread(self._descriptor, count, offset)

    def __del__(self) -> None:
        """Close the file: the last who read it has gone."""
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)


class Incoming:
    """What those who wait for a file see of it; one thread writes, any number read.

    `attempt` is the present one, None before its first bytes; `available` counts its bytes that may be shown. In the end
    `here` or `error` is set. `sha256` is what was promised, None until it is known, or if nothing was.
    """

    def __init__(self) -> None:
        """Begin: nothing has come."""
        self.attempt: Attempt | None = None
        self.available = 0
        self.sha256: str | None = None
        self.here: Here | None = None
        self.error: EntrepotError | None = None
        self._lock = threading.Lock()
        self._listeners: set[Callable[[], object]] = set()

    @property
    def is_over(self) -> bool:
        """True when nothing more will come."""
        return self.here is not None or self.error is not None

    def listen(self, listener: Callable[[], object]) -> None:
        """Call `listener`, in the thread that writes, whenever something has changed; it must not wait or raise."""
        with self._lock:
            self._listeners.add(listener)

    def leave(self, listener: Callable[[], object]) -> None:
        """Call it no more."""
        with self._lock:
            self._listeners.discard(listener)

    def begin(self, attempt: Attempt | None) -> None:
        """Start over: an attempt has bytes, or (None) the one before has failed."""
        self.available, self.attempt = 0, attempt
        self._tell()

    def grow(self, received: int) -> None:
        """Show more of the present attempt: `received` bytes have come."""
        available = received - HELD_BACK_BYTES
        if available > self.available:
            self.available = available
            self._tell()

    def arrive(self, here: Here) -> None:
        """Show all: the bytes are in the store."""
        if self.attempt is not None:
            self.available = here.size
        self.here = here
        self._tell()

    def fail(self, error: EntrepotError) -> None:
        """Say that nothing will come, and why."""
        self.error = error
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()


class TellingStore(BlobStore):
    """The store, as one fetch sees it: what is written is shown to those who follow an `Incoming`."""

    def __init__(self, root: Path, incoming: Incoming) -> None:
        """Name the store's folder, and who is told."""
        super().__init__(root)
        #: Who is told by the writers that are made from now on.
        self.incoming: Incoming | None = incoming

    def writer(
        self,
        *,
        size: int | None = None,
        digests: Mapping[str, str] | None = None,
        name: str = "",
        may_hold: bool = False,  # noqa: ARG002 - what is in memory cannot be read along
    ) -> BlobWriter:
        """Return a writer that shows what it has taken; for the rest as `BlobStore.writer`."""
        assert self.incoming is not None  # noqa: S101 - whoever fetches has set it
        return _TellingWriter(self.temporary_path(), self.root, size, digests, name, incoming=self.incoming)


class _TellingWriter(BlobWriter):
    """Puts down what came sooner than others do, and tells of it. Each attempt has one of its own."""

    __slots__ = ("_attempt", "_incoming")

    def __init__(
        self, path: str, root: Path, size: int | None, digests: Mapping[str, str] | None, name: str, *, incoming: Incoming
    ) -> None:
        super().__init__(path, root, size, digests, name, may_hold=False)
        self._incoming = incoming
        self._attempt: Attempt | None = None

    def write(self, data: bytes) -> None:
        """Take the next bytes; raises as `BlobWriter.write`."""
        super().write(data)
        if self._gathered >= _PIECE_BYTES:
            self._flush()
        if self._gathered or self._descriptor < 0:
            return
        if self._attempt is None:
            try:
                self._attempt = Attempt(self._path)
            except OSError as error:
                self.abort()
                raise storage_error(error, self._root) from error
            self._incoming.begin(self._attempt)
        self._incoming.grow(self.received)

    def abort(self) -> None:
        """Forget the bytes, unless finished; those who read along wait for the next attempt."""
        is_unfinished = self._descriptor >= 0
        super().abort()
        if is_unfinished and self._attempt is not None:
            self._attempt = None
            self._incoming.begin(None)
