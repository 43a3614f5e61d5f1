"""Bytes on their way into the store: hashed while they come, compared with what was promised.

Step 2 of the walk of a file; then `store.BlobStore.keep`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from entrepot.content.storage_faults import storage_error
from entrepot.errors import ChecksumDiffers, SizeDiffers

if TYPE_CHECKING:
    from hashlib import _Hash

#: Bytes that a writer gathers before it hashes and writes them; a smaller file costs one open, one write and one close.
_GATHER_BYTES = 256 * 1024
#: Largest blob that may be held in memory until it is kept: opening a file costs more than its bytes.
_HOLD_BYTES = 64 * 1024
#: Blobs are never rewritten: nobody may write to them from the start on, and the umask may take away more.
_MODE = 0o444
#: A temporary file is this process's own, and new.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
#: Other names under which feeds promise checksums. Source: Pulp 2, "sha" is SHA-1.
_ALIASES = {"sha": "sha1"}


@dataclass(frozen=True, slots=True)
class WrittenBlob:
    """Verified bytes, not yet visible: `BlobStore.keep` or `.discard` is next.

    `digests` are those that were promised, by algorithm, in lower-case hexadecimals; `sha256` is there always. The bytes lie
    in the store's `tmp`, or, if the writer might hold small ones back, in `held`: then `keep` puts them there. `media_type` is
    what the server called them, without parameters; None if it said nothing, or if nobody asked (`Fetcher.fetch_all`).
    """

    sha256: str
    size: int
    digests: Mapping[str, str]
    location: str
    held: bytes | None = field(default=None, repr=False)
    media_type: str | None = None

    def put_down(self) -> None:
        """Write the bytes that were held back to where they are to lie; raises `OSError`."""
        if self.held is None:
            return
        descriptor = os.open(self.location, _NEW, _MODE)
        try:
            _write_all(descriptor, self.held)
        finally:
            os.close(descriptor)

    @property
    def temporary(self) -> Path:
        """Where the bytes lie until they are kept."""
        return Path(self.location)


#: What feeds promise nearly always, and what is computed in any case.
_USUAL = frozenset({"sha256"})


class BlobWriter:
    """Takes the bytes of one blob; belongs to one thread. As a context manager it aborts what is not finished.

    After any failure of `write` or `finish` no temporary file is left, and the writer takes no more.
    """

    __slots__ = (
        "_chunks",
        "_descriptor",
        "_gathered",
        "_hashes",
        "_may_hold",
        "_most",
        "_name",
        "_path",
        "_promised",
        "_root",
        "_size",
        "received",
    )

    def __init__(
        self, path: str, root: Path, size: int | None, digests: Mapping[str, str] | None, name: str, *, may_hold: bool
    ) -> None:
        """Prepare to write the file `path` in the store at `root`; it is made when there is something to write.

        `size` (bytes) and `digests` (algorithm: hexadecimals) are what was promised; `name` is for messages; `may_hold`: the
        bytes of a small blob may stay in memory until it is kept.
        Raises `ChecksumDiffers` if a digest is of a kind that cannot be checked.
        """
        #: Bytes taken so far.
        self.received = 0
        self._path = path
        self._root = root
        self._name = name or "The content"
        self._may_hold = may_hold
        self._size = size
        self._most = size
        self._promised: Mapping[str, str] = digests or {}
        if self._promised.keys() - _USUAL:
            self._promised = {_algorithm(kind, self._name): promise for kind, promise in self._promised.items()}
        self._chunks: list[bytes] = []
        self._gathered = 0
        self._descriptor = -1
        self._hashes: dict[str, _Hash] = {}

    def limit(self, at_most: int) -> None:
        """Take no more than `at_most` bytes, whatever was promised."""
        self._most = at_most if self._size is None else min(at_most, self._size)

    def write(self, data: bytes) -> None:
        """Take the next bytes.

        Raises `SizeDiffers` as soon as there are more than promised or allowed; `StorageFull`, `StorageUnwritable`,
        `StorageError`.
        """
        length = len(data)
        self.received += length
        if self._most is not None and self.received > self._most:
            self.abort()
            raise self._too_long()
        self._chunks.append(data)
        self._gathered += length
        if self._gathered >= _GATHER_BYTES:
            self._flush()

    def finish(self) -> WrittenBlob:
        """Compare what came with what was promised, and return the bytes as a blob in `tmp`.

        Raises `SizeDiffers`, `ChecksumDiffers`; `StorageFull`, `StorageUnwritable`, `StorageError`.
        """
        try:
            if self._size is not None and self.received != self._size:
                msg = f"{self._name} has {self.received} bytes, not the promised {self._size}; the feed may have changed."
                raise SizeDiffers(msg, promised=self._size, received=self.received)
            if self._hashes:
                self._flush()
                found = {kind: hash_.hexdigest() for kind, hash_ in self._hashes.items()}
                self._compare(found)
            else:  # all of it is in memory: nothing is written that is not right
                data = self._gather()
                found = self._hash(data)
                self._compare(found)
                if self._may_hold and len(data) <= _HOLD_BYTES:
                    digests = {kind: found[kind] for kind in self._promised}
                    return WrittenBlob(found["sha256"], self.received, digests, self._path, data)
                self._store(data)
            self._close()
        except BaseException:
            self.abort()
            raise
        return WrittenBlob(found["sha256"], self.received, {kind: found[kind] for kind in self._promised}, self._path)

    def abort(self) -> None:
        """Forget the bytes and remove the temporary file, if there is one."""
        self._chunks.clear()
        self._gathered = 0
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with contextlib.suppress(OSError):
                os.close(descriptor)
            with contextlib.suppress(OSError):
                Path(self._path).unlink()

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Abort, unless finished."""
        self.abort()

    def _too_long(self) -> SizeDiffers:
        if self._size is not None and self.received > self._size:
            msg = f"{self._name} is longer than the promised {self._size} bytes; the feed may have changed."
            return SizeDiffers(msg, promised=self._size)
        return SizeDiffers(f"{self._name} is longer than {self._most} bytes, and no more are taken.", at_most=self._most)

    def _gather(self) -> bytes:
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks, self._gathered = [], 0
        return data

    def _hash(self, data: bytes) -> dict[str, str]:
        found = {"sha256": hashlib.sha256(data).hexdigest()}
        for kind in self._promised:
            if kind != "sha256":  # each one costs as much as all the rest for a small file
                found[kind] = hashlib.new(kind, data, usedforsecurity=False).hexdigest()
        return found

    def _flush(self) -> None:
        """Hash and write what was gathered."""
        if not self._hashes:
            self._hashes = {kind: hashlib.new(kind, usedforsecurity=False) for kind in {"sha256", *self._promised}}
        data = self._gather()
        for hash_ in self._hashes.values():
            hash_.update(data)
        self._store(data)

    def _store(self, data: bytes) -> None:
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self._path, _NEW, _MODE)
            _write_all(self._descriptor, data)
        except OSError as error:
            self.abort()
            raise storage_error(error, self._root) from error

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.close(descriptor)
        except OSError as error:  # network file systems tell of a full disk here
            with contextlib.suppress(OSError):
                Path(self._path).unlink()
            raise storage_error(error, self._root) from error

    def _compare(self, found: Mapping[str, str]) -> None:
        for kind, promise in self._promised.items():
            if found[kind] != promise and found[kind] != promise.strip().lower():
                msg = (
                    f"{self._name} has the {kind} checksum {found[kind]}, not {promise} as promised; "
                    "it is damaged, or the feed changed meanwhile."
                )
                raise ChecksumDiffers(msg, algorithm=kind, promised=promise, found=found[kind])


def _write_all(descriptor: int, data: bytes) -> None:
    """Write `data`, however few of its bytes the system takes at once."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])


def _algorithm(kind: str, name: str) -> str:
    known = _ALIASES.get(kind, kind)
    if known not in hashlib.algorithms_available or known.startswith("shake"):
        msg = f"{name} is promised with a {kind!r} checksum, which cannot be checked here; sha256, sha512, sha1 and md5 can."
        raise ChecksumDiffers(msg, algorithm=kind)
    return known
