"""The walk of a file: bytes first, then its row; stored once whatever number of repositories has it."""

from __future__ import annotations

from pathlib import Path

from entrepot.content.blobs import find_blobs, record_blobs
from entrepot.content.store import BlobStore
from entrepot.models import Database


def test_the_same_bytes_are_stored_once_across_repositories(database: Database, tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "store")
    store.prepare()

    for _ in range(2):
        writer = store.writer()
        writer.write(b"content")
        blob = writer.finish()
        store.keep([blob])
        with database.transaction():
            record_blobs(database, [(blob.sha256, blob.size)])

    assert len([path for path in (store.root / "blobs").glob("*/*") if path.is_file()]) == 1
    assert len(find_blobs(database, [blob.sha256])) == 1
    assert database.row("SELECT count(*) FROM blob") == (1,)
