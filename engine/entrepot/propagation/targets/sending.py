"""The bytes of a file on their way to a target, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from entrepot.errors import PushFailed
from entrepot.propagation.targets.tree import File

#: Bytes that are read at once.
_CHUNK_BYTES = 1 << 20


def chunks(blob: Path, file: File) -> Iterator[bytes]:
    """Yield the bytes of a stored file; the last ones are held back until size and digest are known to be right.

    So a server never gets the whole of what is not the file. Raises `PushFailed` if the stored bytes are damaged or gone.
    """
    digest, size, held = hashlib.sha256(), 0, b""
    try:
        with blob.open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                if held:
                    yield held
                digest.update(chunk)
                size += len(chunk)
                held = chunk
    except OSError as error:
        msg = f"The stored bytes of {file.path!r} cannot be read: {error.strerror}. Sync its repository, then push again."
        raise PushFailed(msg, path=file.path) from error
    if (digest.hexdigest(), size) != (file.sha256, file.size):
        msg = f"The stored bytes of {file.path!r} are damaged, so they are not pushed. Sync its repository, then push again."
        raise PushFailed(msg, path=file.path)
    if held:
        yield held


def is_same(file: File, received: Iterable[bytes]) -> bool:
    """Return whether the bytes that a server sent back are the file."""
    digest, size = hashlib.sha256(), 0
    for chunk in received:
        digest.update(chunk)
        size += len(chunk)
        if size > file.size:  # it may never end
            return False
    return (digest.hexdigest(), size) == (file.sha256, file.size)


def first_bytes(received: Iterable[bytes], most: int) -> bytes:
    """Return what a server sent back, up to `most` bytes of it; what comes after them is not asked for."""
    data = bytearray()
    for chunk in received:
        data += chunk
        if len(data) >= most:
            break
    return bytes(data[:most])
