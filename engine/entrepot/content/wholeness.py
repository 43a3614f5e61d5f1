"""Which blobs are whole: read once by each process, and again when their files are others than those that were read.

Bytes rot, disks lie, and people copy folders; what is served has been read by the process that serves it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from typing import TYPE_CHECKING

from entrepot.content.storage_faults import storage_error

if TYPE_CHECKING:
    from entrepot.content.store import BlobStore

#: Blobs that are remembered, some 200 bytes each; of more the oldest are read again.
_MOST_KNOWN = 500_000
_READ_BYTES = 1 << 20
_LOG = logging.getLogger("entrepot.content")


class Wholeness:
    """What one process knows of the blobs of a store; safe between threads.

    A file is another one as soon as its place on the disk, its size or one of its times is: device and inode, modification
    and change in nanoseconds.
    """

    def __init__(self, store: BlobStore) -> None:
        """Know nothing yet."""
        self._store = store
        self._known: dict[str, tuple[int, ...]] = {}
        self._lock = threading.Lock()

    def is_known(self, sha256: str, found: os.stat_result) -> bool:
        """Say whether the blob's file, of which the file system says `found`, has been read and was whole."""
        return self._known.get(sha256) == _identity(found)

    def note(self, sha256: str, found: os.stat_result) -> None:
        """Remember that the blob's file, of which the file system said `found` before it was read, is whole."""
        with self._lock:
            while len(self._known) >= _MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[sha256] = _identity(found)

    def check(self, sha256: str, size: int) -> bool:
        """Say whether the blob is in the store and whole, reading it unless that is known; a damaged one is put aside.

        `size` in bytes. Raises `StorageError` if it is there and cannot be read, or cannot be put aside.
        """
        path = self._store.path(sha256)
        try:
            with path.open("rb") as stream:
                found = os.fstat(stream.fileno())
                if self.is_known(sha256, found):
                    return True
                if found.st_size == size:
                    digest = hashlib.sha256()
                    while piece := stream.read(_READ_BYTES):
                        digest.update(piece)
                    if digest.hexdigest() == sha256:
                        self.note(sha256, found)
                        return True
        except FileNotFoundError:
            return False
        except OSError as error:
            raise storage_error(error, self._store.root) from error
        self._put_aside(sha256, found)
        return False

    def note_kept(self, sha256: str, written: os.stat_result) -> bool:
        """Remember a blob that was verified while it was written, and has just been kept; say whether it is that file.

        `written` is what the file system said of it before: it is another file if the store had one of that digest already.
        """
        try:
            found = os.stat(self._store.path(sha256))
        except FileNotFoundError:
            return False
        if (found.st_dev, found.st_ino, found.st_size) != (written.st_dev, written.st_ino, written.st_size):
            return False
        self.note(sha256, found)
        return True

    def _put_aside(self, sha256: str, damaged: os.stat_result) -> None:
        """Move the damaged file away, unless another process has put a new one in its place already."""
        try:
            is_still_there = _identity(os.stat(self._store.path(sha256))) == _identity(damaged)
        except FileNotFoundError:
            return
        aside = self._store.quarantine(sha256) if is_still_there else None
        if aside is not None:
            _LOG.error("The blob %s is damaged; its bytes were put aside as %s.", sha256, aside)


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
