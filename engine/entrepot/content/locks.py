"""The lock between those who keep bytes and those who remove them, over all processes that share a store.

    <root>/lock         shared: from the moment that bytes are in the store until their rows are committed; exclusive: a removal
    <root>/lock.next    exclusive while a removal waits its turn, so that those who come after it let it go first

Bytes without a row are nobody's, and may be removed at any time. So whoever finds bytes in the store, or puts them there,
and is about to write rows that name them, holds the lock until these are committed. Both files are empty.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from entrepot.content.storage_faults import storage_error

_MODE = 0o644


class StoreLock:
    """The lock of one store; safe between threads and processes. Within a thread, `keeping` may be nested."""

    def __init__(self, root: Path) -> None:
        """Name the store's folder; nothing is opened yet."""
        self._root = root
        self._held = threading.local()

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Hold off removals while the block keeps bytes and commits their rows; others may keep meanwhile."""
        depth = getattr(self._held, "depth", 0)
        self._held.depth = depth + 1
        try:
            if depth:
                yield
                return
            with self._locked("lock.next", fcntl.LOCK_SH):
                descriptor = self._lock("lock", fcntl.LOCK_SH)
            try:
                yield
            finally:
                os.close(descriptor)
        finally:
            self._held.depth = depth

    @contextmanager
    def removing(self) -> Iterator[None]:
        """Let nobody keep bytes while the block removes rows, commits, and then unlinks their bytes."""
        with self._locked("lock.next", fcntl.LOCK_EX), self._locked("lock", fcntl.LOCK_EX):
            yield

    @contextmanager
    def _locked(self, name: str, operation: int) -> Iterator[None]:
        descriptor = self._lock(name, operation)
        try:
            yield
        finally:
            os.close(descriptor)

    def _lock(self, name: str, operation: int) -> int:
        """Return a descriptor that holds the lock until it is closed."""
        try:
            descriptor = os.open(self._root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        except OSError as error:
            raise storage_error(error, self._root) from error
        try:
            fcntl.flock(descriptor, operation)
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, OSError):
                raise storage_error(error, self._root) from error
            raise
        return descriptor
