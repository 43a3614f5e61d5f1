"""Uploads under way: bytes that come in pieces, in any order, until they are imported. The only writer of the table `upload`.

    <store>/uploads/<upload id>      the bytes; a place where no piece came yet reads as zeros

The file is there before its row is, and goes after it; a file without a row is removed when it is old. A piece that was
answered for survives a power cut. What is imported is a copy, so an upload may be imported again.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from entrepot import clock
from entrepot.content.durability import sync_files
from entrepot.content.storage_faults import storage_error
from entrepot.content.store import BlobStore
from entrepot.content.writer import WrittenBlob
from entrepot.errors import InvalidValue, MissingResource, StorageError, StorageFull
from entrepot.models import Database, Row

#: Bytes that are read or written at once.
_PIECE_BYTES = 1 << 20
#: No upload is longer: 16 TiB. Beyond, file systems differ.
_LARGEST_BYTES = 1 << 44
_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COLUMNS = "SELECT upload_id, size, created_at, changed_at FROM upload"


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload; `size` is the end of the furthest piece that came, in bytes."""

    upload_id: str
    size: int
    created: datetime
    changed: datetime


def create_upload(database: Database, store: BlobStore) -> Upload:
    """Begin an upload, without a byte; raises `StorageFull`, `StorageUnwritable`, `StorageError`."""
    upload_id, now = str(uuid.uuid4()), clock.now_us()
    path = _path(store, upload_id)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        sync_files([str(path.parent)])
    except OSError as error:
        raise storage_error(error, store.root) from error
    with database.transaction():
        database.execute(
            "INSERT INTO upload (upload_id, size, created_at, changed_at) VALUES (?, 0, ?, ?)", (upload_id, now, now)
        )
    return _upload((upload_id, 0, now, now))


def write_upload(database: Database, store: BlobStore, upload_id: str, offset: int, data: bytes | BinaryIO) -> Upload:
    """Write a piece of an upload at `offset`, in bytes, to the disk; a stream is read to its end.

    Of a piece that fails nothing is counted; it may be sent again. Raises `MissingResource`, `InvalidValue` (offset),
    `StorageFull`, `StorageUnwritable`, `StorageError`.
    """
    if isinstance(offset, bool) or not 0 <= offset <= _LARGEST_BYTES:
        raise InvalidValue("offset", why=f"it is a number of bytes, from 0 to {_LARGEST_BYTES}")
    get_upload(database, upload_id)
    end = _write(store, upload_id, offset, BytesIO(data) if isinstance(data, bytes) else data)
    with database.transaction():
        known = database.row(f"SELECT size FROM upload WHERE upload_id = ?{database.for_update}", (upload_id,))
        if known is None:
            raise _missing(upload_id)
        now = clock.now_us()
        database.execute("UPDATE upload SET size = ?, changed_at = ? WHERE upload_id = ?", (max(end, known[0]), now, upload_id))
    return get_upload(database, upload_id)


def get_upload(database: Database, upload_id: str) -> Upload:
    """Return one upload; raises `MissingResource`."""
    row = database.row(f"{_COLUMNS} WHERE upload_id = ?", (upload_id,))
    if row is None:
        raise _missing(upload_id)
    return _upload(row)


def list_uploads(database: Database) -> list[Upload]:
    """Return all uploads, in the order they were begun."""
    return [_upload(row) for row in database.rows(f"{_COLUMNS} ORDER BY id")]


def delete_upload(database: Database, store: BlobStore, upload_id: str) -> bool:
    """Remove an upload and its bytes, and say whether there was one. Raises `StorageError`."""
    with database.transaction():
        deleted = database.execute("DELETE FROM upload WHERE upload_id = ?", (upload_id,)).rowcount
    if deleted:
        _unlink(store, upload_id)
    return bool(deleted)


def copy_upload(database: Database, store: BlobStore, upload_id: str) -> WrittenBlob:
    """Return a copy of what was uploaded, as a blob to be kept or discarded.

    Raises `MissingResource`, `StorageFull`, and `StorageError` if its bytes are not all there.
    """
    size = get_upload(database, upload_id).size
    _require_room(store, upload_id, size)
    with store.writer(name=f"The upload {upload_id}") as writer:
        try:
            with _path(store, upload_id).open("rb") as stream:
                while piece := stream.read(min(_PIECE_BYTES, size - writer.received)):
                    writer.write(piece)
        except FileNotFoundError:
            raise _missing(upload_id) from None
        except OSError as error:
            raise storage_error(error, store.root) from error
        if writer.received != size:
            msg = f"The upload {upload_id} has lost bytes: {writer.received:,} of {size:,} are there. Upload it again."
            raise StorageError(msg, upload_id=upload_id)
        return writer.finish()


def expire(database: Database, store: BlobStore, *, older_than: timedelta, forget: Callable[[str], object]) -> int:
    """Remove the uploads that nothing was written to for so long, and files without an upload; return how many. One round.

    `forget` is called with the id of each upload that goes, in the transaction that removes it.
    """
    before = clock.now_us() - clock.us(older_than)
    with database.transaction():
        gone = database.rows("DELETE FROM upload WHERE changed_at < ? RETURNING upload_id", (before,))
        for (upload_id,) in gone:
            forget(upload_id)
    for (upload_id,) in gone:
        _unlink(store, upload_id)
    return len(gone) + _sweep(database, store, before)


def _require_room(store: BlobStore, upload_id: str, size: int) -> None:
    """Raise `StorageFull` before the disk is: an upload with gaps takes less room than its copy will."""
    try:
        free = shutil.disk_usage(store.root).free
    except OSError as error:
        raise storage_error(error, store.root) from error
    if size > free:
        msg = f"The upload {upload_id} has {size:,} bytes, and {store.root} has room for {free:,}. Free some and try again."
        raise StorageFull(msg, folder=str(store.root))


def _sweep(database: Database, store: BlobStore, before: int) -> int:
    removed = 0
    for name in _old_files(store, before):
        if database.row("SELECT 1 FROM upload WHERE upload_id = ?", (name,)) is None:
            _unlink(store, name)
            removed += 1
    return removed


def _old_files(store: BlobStore, before: int) -> Iterator[str]:
    try:
        with os.scandir(store.root / "uploads") as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if _NAME.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_mtime_ns // 1000 < before:
                        yield entry.name
    except FileNotFoundError:
        return
    except OSError as error:
        raise storage_error(error, store.root) from error


def _write(store: BlobStore, upload_id: str, offset: int, stream: BinaryIO) -> int:
    """Write a stream at `offset` to the disk, and return where it ends."""
    at = offset
    try:
        descriptor = os.open(_path(store, upload_id), os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _missing(upload_id) from None
    except OSError as error:
        raise storage_error(error, store.root) from error
    try:
        while piece := stream.read(_PIECE_BYTES):
            if at + len(piece) > _LARGEST_BYTES:
                raise InvalidValue("offset", why=f"no upload is longer than {_LARGEST_BYTES} bytes")
            at += _put(store, descriptor, piece, at)
        with _translated(store):
            os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    return at


def _put(store: BlobStore, descriptor: int, piece: bytes, at: int) -> int:
    done = 0
    with _translated(store):
        while done < len(piece):
            done += os.pwrite(descriptor, memoryview(piece)[done:], at + done)
    return done


@contextlib.contextmanager
def _translated(store: BlobStore) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(error, store.root) from error


def _unlink(store: BlobStore, upload_id: str) -> None:
    try:
        _path(store, upload_id).unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error, store.root) from error


def _path(store: BlobStore, upload_id: str) -> Path:
    if not _NAME.fullmatch(upload_id):
        raise _missing(upload_id)
    return store.root / "uploads" / upload_id


def _missing(upload_id: str) -> MissingResource:
    return MissingResource(upload_request=upload_id)


def _upload(row: Row) -> Upload:
    upload_id, size, created, changed = row
    return Upload(upload_id, size, clock.from_us(created), clock.from_us(changed))
