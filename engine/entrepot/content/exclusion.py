"""One at a time: a lock by name over all processes that share a folder, for work that is to be done once."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MODE = 0o644


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Run the block while nobody else, in whatever process or thread, runs one of this `name` in `folder`.

    A process that dies lets go; the empty file that it leaves is used again. Raises `OSError`.
    """
    folder.mkdir(exist_ok=True)
    path = folder / hashlib.sha256(name.encode()).hexdigest()
    descriptor = _locked(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # before the lock is let go: who waits for it sees that it is nobody's any more
        os.close(descriptor)


def _locked(path: Path) -> int:
    """Return a descriptor that has the lock until it is closed."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_still(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    """Say whether the file at `path` is the one that was opened, and not a later one."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
