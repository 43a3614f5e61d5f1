"""The blob store: bytes by their SHA-256, whole or not at all.

    <root>/tmp/<machine>-<process>-<random>     on their way, same file system
    <root>/blobs/ab/<sha256>                    0444, never rewritten
    <root>/quarantine/<sha256>.<time>           bytes that were found to be damaged, for people to look at
    <root>/lock, <root>/lock.next               see `locks`

Step 3 of the walk of a file: what `writer` verified is flushed to the disk, renamed to its digest, and the folder is
flushed; only then may its row be written (`blobs.record_blobs`). So a power cut or SIGKILL at any point leaves a file in
`tmp`, which `sweep` removes, or a whole blob, with or without a row; never a row without its bytes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from entrepot import clock, failpoints
from entrepot.content import temporary
from entrepot.content.durability import sync_file_system, sync_files
from entrepot.content.locks import StoreLock
from entrepot.content.storage_faults import storage_error
from entrepot.content.writer import BlobWriter, WrittenBlob
from entrepot.errors import StorageError

__all__ = ["BlobStore", "BlobWriter", "WrittenBlob"]

#: From so many blobs on, flushing the file system twice is cheaper than each file and each folder.
_SYNCFS_FROM = 4
#: Errors that say that this file cannot have another name, though it can be copied. Source: link(2).
_CANNOT_LINK = frozenset({errno.EMLINK, errno.EPERM, errno.EXDEV, errno.EOPNOTSUPP})
_READ_BYTES = 1 << 20
_DIGEST_LENGTH = 64  # hexadecimals of a SHA-256
_RESTORE = "Download the repository again with verify_all_units to restore it."


class BlobStore:
    """The store below one folder; safe to use from several threads and processes at once.

    A `BlobWriter` belongs to one thread, but the `WrittenBlob` it returns may be kept by another: fetching in one thread
    and `keep` in a second one is the intended use, for `keep` waits for the disk with the interpreter's lock released.
    Two `keep` of the same bytes at once are fine: both return when the blob is durable.
    """

    def __init__(self, root: Path) -> None:
        """Name the store's folder; nothing is read or written."""
        self.root = root
        self._tmp = str(root / "tmp")
        self._blobs = str(root / "blobs")
        self._names = temporary.TemporaryNames()
        self._lock = StoreLock(root)

    def prepare(self) -> None:
        """Make the store's folders, those that are missing, and try to write.

        Raises `StorageUnwritable`, `StorageFull`, `StorageError`.
        """
        try:
            Path(self._tmp).mkdir(parents=True, exist_ok=True)
            for number in range(256):
                Path(self._blobs, f"{number:02x}").mkdir(parents=True, exist_ok=True)
            trial = self.temporary_path()
            os.close(os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            Path(trial).unlink()
            sync_files([self._blobs, str(self.root)])
        except OSError as error:
            raise storage_error(error, self.root) from error

    def path(self, sha256: str) -> Path:
        """Return where the blob lies, or would lie."""
        return Path(self._target(sha256))

    def has(self, sha256: str) -> bool:
        """Answer whether the blob's bytes are here."""
        return self.path(sha256).exists()

    def read(self, sha256: str) -> bytes:
        """Return a blob's bytes, all at once: for small ones.

        Raises `StorageError` if they are missing, cannot be read, or are damaged: these are put aside.
        """
        try:
            data = self.path(sha256).read_bytes()
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            msg = f"The blob {sha256} cannot be read from {self.root}: {reason}. {_RESTORE}"
            raise StorageError(msg, sha256=sha256) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            aside = self.quarantine(sha256)
            msg = f"The blob {sha256} is damaged; its bytes were put aside as {aside}. {_RESTORE}"
            raise StorageError(msg, sha256=sha256)
        return data

    def temporary_path(self) -> str:
        """Return the path of a new temporary file, which `sweep` removes once this process is gone."""
        return f"{self._tmp}/{self._names.next()}"

    def writer(
        self, *, size: int | None = None, digests: Mapping[str, str] | None = None, name: str = "", may_hold: bool = False
    ) -> BlobWriter:
        """Return a writer for one blob; nothing is on the disk yet.

        `size` (bytes) and `digests` (algorithm: hexadecimals) are what was promised; `name` is for messages. `may_hold`: the
        bytes of a small blob may stay in memory until `keep`, which may run in another thread, writes them.
        Raises `ChecksumDiffers` if a digest is of a kind that cannot be checked.
        """
        return BlobWriter(self.temporary_path(), self.root, size, digests, name, may_hold=may_hold)

    def keeping(self) -> AbstractContextManager[None]:
        """Hold off removals: hold it from before `keep`, or before asking which blobs are here, until the rows are committed.

        Take it before a transaction, never within one: a removal holds them in that order too. A thread may nest it. Raises
        `StorageError`.
        """
        return self._lock.keeping()

    def removing(self) -> AbstractContextManager[None]:
        """Hold off all who keep bytes, in every process: delete rows, commit, then unlink their bytes. Keep it short.

        Never within `keeping`. Raises `StorageError`.
        """
        return self._lock.removing()

    def keep(self, blobs: Sequence[WrittenBlob]) -> None:
        """Make `blobs` durable and visible; then their temporary files are gone, and rows may be written.

        Within `keeping`, so that the bytes are still there when the rows are committed. Many at once cost little more than
        one. After a failure none of their temporary files is left; those that were visible by then stay, whole. Raises
        `StorageFull`, `StorageUnwritable`, `StorageError`.
        """
        if not blobs:
            return
        try:
            for blob in blobs:
                blob.put_down()
            if len(blobs) < _SYNCFS_FROM or not sync_file_system(self._tmp):
                sync_files([blob.location for blob in blobs])
            failpoints.reach("store.written")
            folders = {self._link(blob) for blob in blobs}
            failpoints.reach("store.linked")
            if len(blobs) < _SYNCFS_FROM or not sync_file_system(self._tmp):
                sync_files(sorted(folders))
        except OSError as error:
            self._discard_all(blobs)
            raise storage_error(error, self.root) from error
        except BaseException:
            self._discard_all(blobs)
            raise

    def share(self, blob: WrittenBlob) -> WrittenBlob:
        """Return the same bytes under another temporary name, to be kept while `blob` stays readable where it lies.

        Raises `StorageFull`, `StorageUnwritable`, `StorageError`.
        """
        if blob.held is not None:
            return replace(blob, location=self.temporary_path())
        location = self.temporary_path()
        try:
            os.link(blob.location, location)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise storage_error(error, self.root) from error
            return self.copy(Path(blob.location), sha256=blob.sha256, size=blob.size)
        return replace(blob, location=location)

    def copy(self, source: Path, *, sha256: str, size: int) -> WrittenBlob:
        """Return a copy of the file at `source`, as a blob to be kept.

        Raises `ChecksumDiffers` or `SizeDiffers` if it is not what is said of it, `StorageError` if it cannot be read.
        """
        with self.writer(size=size, digests={"sha256": sha256}, name=source.name) as writer:
            try:
                with source.open("rb") as stream:
                    while piece := stream.read(_READ_BYTES):
                        writer.write(piece)
            except OSError as error:
                raise storage_error(error, source) from error
            return writer.finish()

    def quarantine(self, sha256: str) -> Path | None:
        """Move the blob's file, which is damaged, out of the way and return where it is; None if there is no such file.

        Raises `StorageUnwritable`, `StorageError`.
        """
        target = self.root / "quarantine" / f"{sha256}.{clock.now_us()}"
        try:
            target.parent.mkdir(exist_ok=True)
            os.rename(self._target(sha256), target)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error(error, self.root) from error
        return target

    def discard(self, blob: WrittenBlob) -> None:
        """Remove a written blob that is not to be kept."""
        with contextlib.suppress(OSError):
            os.unlink(blob.location)

    def sweep(self) -> int:
        """Remove the temporary files that dead processes left, and return how many there were.

        Raises `StorageError` if the folder cannot be read.
        """
        removed = 0
        try:
            with os.scandir(self._tmp) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):  # kept or swept by another at this moment
                        if temporary.is_abandoned(entry.name, entry.stat(follow_symlinks=False).st_mtime_ns // 1000):
                            Path(entry.path).unlink()
                            removed += 1
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise storage_error(error, self.root) from error
        return removed

    def _target(self, sha256: str) -> str:
        if len(sha256) != _DIGEST_LENGTH or not sha256.isalnum():
            msg = f"{sha256!r} is not the hexadecimal SHA-256 of a blob"
            raise ValueError(msg)
        return f"{self._blobs}/{sha256[:2]}/{sha256}"

    def _link(self, blob: WrittenBlob) -> str:
        """Rename one blob to its digest, unless it is there already; return its folder."""
        target = self._target(blob.sha256)
        try:
            is_there = os.stat(target).st_size == blob.size
        except FileNotFoundError:
            is_there = False
        if is_there:
            os.unlink(blob.location)
        else:
            os.rename(blob.location, target)
        return target[: -_DIGEST_LENGTH - 1]

    def _discard_all(self, blobs: Sequence[WrittenBlob]) -> None:
        for blob in blobs:
            self.discard(blob)
