"""Which blobs a process takes for whole, and what becomes of those that are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrepot.content.store import BlobStore
from entrepot.content.wholeness import Wholeness

DATA = b"whole"


@pytest.fixture
def sha256(store: BlobStore) -> str:
    with store.writer() as writer:
        writer.write(DATA)
        blob = writer.finish()
    store.keep([blob])
    return blob.sha256


@pytest.fixture
def wholeness(store: BlobStore) -> Wholeness:
    return Wholeness(store)


def _is_known(wholeness: Wholeness, store: BlobStore, sha256: str) -> bool:
    return wholeness.is_known(sha256, store.path(sha256).stat())


def test_a_blob_is_known_once_it_has_been_read(wholeness: Wholeness, store: BlobStore, sha256: str) -> None:
    assert not _is_known(wholeness, store, sha256)

    assert wholeness.check(sha256, len(DATA))

    assert _is_known(wholeness, store, sha256)


def _rewrite(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(DATA)


def _replace(path: Path) -> None:
    path.unlink()
    path.write_bytes(DATA)


def _age(path: Path) -> None:
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("change", [_rewrite, _replace, _age])
def test_a_file_that_was_touched_has_to_be_read_again(wholeness: Wholeness, store: BlobStore, sha256: str, change) -> None:
    wholeness.check(sha256, len(DATA))

    change(store.path(sha256))

    assert not _is_known(wholeness, store, sha256)
    assert wholeness.check(sha256, len(DATA))


@pytest.mark.parametrize("damaged", [b"whale", b"who", b""])
def test_a_damaged_blob_is_put_aside(wholeness: Wholeness, store: BlobStore, sha256: str, damaged: bytes) -> None:
    store.path(sha256).chmod(0o644)
    store.path(sha256).write_bytes(damaged)

    assert not wholeness.check(sha256, len(DATA))

    assert not store.has(sha256)
    assert [file.read_bytes() for file in (store.root / "quarantine").iterdir()] == [damaged]


def test_a_blob_that_is_not_there_is_not_whole(wholeness: Wholeness) -> None:
    assert not wholeness.check("a" * 64, 5)
