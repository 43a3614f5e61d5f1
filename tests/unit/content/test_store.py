"""The blob store: whole or not at all, durable before visible."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from entrepot import failpoints
from entrepot.content import durability
from entrepot.content import store as store_module
from entrepot.content.store import BlobStore, WrittenBlob
from entrepot.errors import ChecksumDiffers, SizeDiffers, StorageError, StorageFull, StorageUnwritable

from .conftest import sha256, temporary_files, visible_blobs

LARGE = b"0123456789abcdef" * 65536  # 1 MiB: more than a writer gathers


def write(store: BlobStore, data: bytes, **promised: str) -> WrittenBlob:
    with store.writer(size=len(data), digests=promised) as writer:
        writer.write(data)
        return writer.finish()


def full_disk(*_arguments: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_kept_blob_lies_under_its_digest_and_its_temporary_file_is_gone(store: BlobStore) -> None:
    blob = write(store, b"content")

    assert not store.has(blob.sha256)
    store.keep([blob])

    assert store.path(sha256(b"content")) == store.root / "blobs" / blob.sha256[:2] / blob.sha256
    assert store.has(blob.sha256)
    assert store.read(blob.sha256) == b"content"
    assert temporary_files(store) == []


def test_a_blob_is_read_only_from_the_start(store: BlobStore) -> None:
    blob = write(store, b"content")

    assert stat.S_IMODE(blob.temporary.stat().st_mode) & 0o222 == 0
    store.keep([blob])
    assert stat.S_IMODE(store.path(blob.sha256).stat().st_mode) & 0o222 == 0


def test_the_same_bytes_are_stored_once(store: BlobStore) -> None:
    store.keep([write(store, b"content")])
    first = store.path(sha256(b"content")).stat()

    store.keep([write(store, b"content")])

    second = store.path(sha256(b"content")).stat()
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)
    assert temporary_files(store) == []


def test_the_same_bytes_twice_in_one_batch_are_stored_once(store: BlobStore) -> None:
    store.keep([write(store, b"content") for _ in range(6)])

    assert visible_blobs(store) == [sha256(b"content")]
    assert temporary_files(store) == []


def test_a_blob_of_a_wrong_size_is_replaced(store: BlobStore) -> None:
    path = store.path(sha256(b"content"))
    path.write_bytes(b"con")

    store.keep([write(store, b"content")])

    assert path.read_bytes() == b"content"


def test_a_large_blob_is_written_as_it_comes(store: BlobStore) -> None:
    with store.writer(size=len(LARGE)) as writer:
        writer.write(LARGE[: len(LARGE) // 2])
        assert len(temporary_files(store)) == 1
        writer.write(LARGE[len(LARGE) // 2 :])
        blob = writer.finish()
    store.keep([blob])

    assert blob.sha256 == sha256(LARGE)
    assert store.read(blob.sha256) == LARGE


def test_an_empty_blob_is_a_blob(store: BlobStore) -> None:
    store.keep([write(store, b"")])

    assert store.read(sha256(b"")) == b""


@pytest.mark.parametrize("data", [b"content", LARGE], ids=["small", "large"])
def test_every_promised_digest_is_checked_whatever_its_case(store: BlobStore, data: bytes) -> None:
    import hashlib

    md5, sha1 = hashlib.md5(data).hexdigest(), hashlib.sha1(data).hexdigest()  # noqa: S324 - feeds promise them

    blob = write(store, data, md5=md5.upper(), sha=sha1, sha256=sha256(data))

    assert blob.digests == {"md5": md5, "sha1": sha1, "sha256": sha256(data)}


@pytest.mark.parametrize("data", [b"content", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_wrong_digest_is_refused_and_leaves_no_temporary_file(store: BlobStore, data: bytes, kind: str) -> None:
    with pytest.raises(ChecksumDiffers, match=f"has the {kind} checksum"):
        write(store, data, **{kind: "0" * 64})

    assert temporary_files(store) == []


def test_a_digest_that_cannot_be_checked_is_refused_before_a_byte_is_taken(store: BlobStore) -> None:
    with pytest.raises(ChecksumDiffers, match="'crc32' checksum, which cannot be checked"):
        store.writer(digests={"crc32": "0"}, name="a.iso")


@pytest.mark.parametrize("data", [b"content", LARGE], ids=["small", "large"])
def test_too_few_bytes_are_refused_and_leave_no_temporary_file(store: BlobStore, data: bytes) -> None:
    writer = store.writer(size=len(data) + 1, name="a.iso")
    writer.write(data)

    with pytest.raises(SizeDiffers, match=f"a.iso has {len(data)} bytes, not the promised {len(data) + 1}"):
        writer.finish()

    assert temporary_files(store) == []


def test_the_byte_after_the_promised_size_is_refused_at_once(store: BlobStore) -> None:
    writer = store.writer(size=len(LARGE), name="a.iso")
    writer.write(LARGE)

    with pytest.raises(SizeDiffers, match="longer than the promised 1048576 bytes"):
        writer.write(b"x")

    assert temporary_files(store) == []


def test_a_writer_that_is_left_unfinished_leaves_no_temporary_file(store: BlobStore) -> None:
    with store.writer() as writer:
        writer.write(LARGE)

    assert temporary_files(store) == []


def test_a_discarded_blob_leaves_no_temporary_file(store: BlobStore) -> None:
    store.discard(write(store, b"content"))

    assert temporary_files(store) == []


@pytest.mark.parametrize("call", ["open", "write"])
@pytest.mark.parametrize("data", [b"content", LARGE], ids=["small", "large"])
def test_a_full_disk_is_said_so_and_leaves_no_temporary_file(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch, data: bytes, call: str
) -> None:
    monkeypatch.setattr(os, call, full_disk)

    with pytest.raises(StorageFull, match=r"No space is left in .*store"):
        write(store, data)

    monkeypatch.undo()
    assert temporary_files(store) == []


@pytest.mark.parametrize("count", [1, 10])
@pytest.mark.parametrize("point", ["store.written", "store.linked"])
def test_a_failure_while_keeping_leaves_whole_blobs_and_no_temporary_file(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch, point: str, count: int
) -> None:
    contents = [b"%d" % number for number in range(count)]
    monkeypatch.setattr(failpoints, "_armed", failpoints._read_environment(f"{point}=raise"))

    with pytest.raises(StorageFull):
        store.keep([write(store, data) for data in contents])

    assert temporary_files(store) == []
    assert visible_blobs(store) == (sorted(map(sha256, contents)) if point == "store.linked" else [])
    assert all(sha256(store.read(name)) == name for name in visible_blobs(store))


def test_a_folder_that_cannot_be_made_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")

    with pytest.raises(StorageUnwritable, match=r"(?s)store.*ENTREPOT_DATA_DIR"):
        BlobStore(tmp_path / "store").prepare()


def test_writing_into_a_store_that_is_gone_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StorageUnwritable, match="No such file or directory"):
        write(BlobStore(tmp_path / "nowhere"), b"content")


def test_reading_a_blob_that_is_not_there_is_said_so(store: BlobStore) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        store.read(sha256(b"content"))


def test_reading_a_damaged_blob_is_said_so_and_puts_it_aside(store: BlobStore) -> None:
    damaged = store.path(sha256(b"content"))
    damaged.write_bytes(b"contents")

    with pytest.raises(StorageError, match="is damaged"):
        store.read(sha256(b"content"))

    assert not damaged.exists()
    assert [path.read_bytes() for path in (store.root / "quarantine").iterdir()] == [b"contents"]


def test_a_name_that_is_no_digest_never_becomes_a_path(store: BlobStore) -> None:
    with pytest.raises(ValueError, match="not the hexadecimal SHA-256"):
        store.path("../" * 20 + "etcs")


class Watched:
    """What was durable before, and after, names became visible."""

    def __init__(self, store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, int]] = []
        self._store = store
        for name in ("sync_file_system", "sync_files"):
            monkeypatch.setattr(store_module, name, self._watch(name, getattr(durability, name)))

    def _watch(self, name: str, function: Callable[..., object]) -> Callable[[str | Iterable[str]], object]:
        def watched(argument: str | Iterable[str]) -> object:
            if not isinstance(argument, str):
                argument = list(argument)
            self.calls.append((name, len(visible_blobs(self._store))))
            return function(argument)

        return watched


def test_one_blob_is_flushed_before_it_is_visible_and_its_folder_after(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(store, monkeypatch)

    store.keep([write(store, b"content")])

    assert watched.calls == [("sync_files", 0), ("sync_files", 1)]


def test_a_batch_flushes_the_file_system_once_before_and_once_after(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(store, monkeypatch)

    store.keep([write(store, b"%d" % number) for number in range(64)])

    assert watched.calls == [("sync_file_system", 0), ("sync_file_system", 64)]


def test_without_syncfs_a_batch_flushes_each_file_and_folder(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durability, "_syncfs", lambda: None)
    watched = Watched(store, monkeypatch)

    store.keep([write(store, b"%d" % number) for number in range(64)])

    assert watched.calls == [("sync_file_system", 0), ("sync_files", 0), ("sync_file_system", 64), ("sync_files", 64)]


def test_an_error_of_syncfs_is_not_overlooked(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durability, "_syncfs", lambda: lambda _descriptor: -1)

    with pytest.raises(StorageError):
        store.keep([write(store, b"%d" % number) for number in range(64)])

    assert visible_blobs(store) == []


def test_one_thread_keeps_while_another_writes(store: BlobStore) -> None:
    contents = [b"%d" % (number % 300) for number in range(600)]

    with ThreadPoolExecutor(2) as pool:
        kept = [
            pool.submit(store.keep, [write(store, data) for data in contents[start : start + 20]])
            for start in range(0, 600, 20)
        ]
        for future in kept:
            future.result()

    assert visible_blobs(store) == sorted({sha256(data) for data in contents})
    assert temporary_files(store) == []


def test_shared_bytes_are_kept_while_they_stay_readable_where_they_were(store: BlobStore) -> None:
    blob = write(store, b"content")

    store.keep([store.share(blob)])

    assert store.read(blob.sha256) == blob.temporary.read_bytes() == b"content"
    store.discard(blob)
    assert temporary_files(store) == []


def test_bytes_that_cannot_be_linked_are_copied(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = write(store, b"content")

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "across")

    monkeypatch.setattr(os, "link", refuse)
    store.keep([store.share(blob)])

    assert store.read(blob.sha256) == b"content"


def test_a_file_from_elsewhere_is_copied_if_it_is_what_is_said_of_it(store: BlobStore, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(b"content")

    store.keep([store.copy(upload, sha256=sha256(b"content"), size=7)])

    assert store.read(sha256(b"content")) == b"content"
    with pytest.raises(ChecksumDiffers, match="upload"):
        store.copy(upload, sha256=sha256(b"other"), size=7)
    with pytest.raises(StorageError):
        store.copy(tmp_path / "missing", sha256=sha256(b"content"), size=7)
    assert temporary_files(store) == []


def test_a_damaged_blob_is_put_aside_and_its_place_is_free(store: BlobStore) -> None:
    blob = write(store, b"content")
    store.keep([blob])

    aside = store.quarantine(blob.sha256)

    assert aside is not None
    assert (aside.parent.name, aside.read_bytes(), store.has(blob.sha256)) == ("quarantine", b"content", False)
    assert store.quarantine(blob.sha256) is None
