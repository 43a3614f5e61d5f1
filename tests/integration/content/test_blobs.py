"""Blobs as rows."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

from entrepot.content.blobs import find_blobs, record_blobs
from entrepot.models import Database


def digest(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()


def test_each_blob_gets_a_row_of_its_own(database: Database) -> None:
    with database.transaction():
        ids = record_blobs(database, [(digest(number), number) for number in range(1200)])

    assert len(set(ids.values())) == 1200
    assert dict(database.rows("SELECT sha256, size FROM blob")) == {digest(number): number for number in range(1200)}


def test_a_blob_that_has_a_row_keeps_it(database: Database) -> None:
    with database.transaction():
        first = record_blobs(database, [(digest(1), 1)])
    with database.transaction():
        both = record_blobs(database, [(digest(2), 2), (digest(1), 1), (digest(2), 2)])

    assert both[digest(1)] == first[digest(1)]
    assert database.row("SELECT count(*) FROM blob") == (2,)


def test_nothing_is_written_for_nothing(database: Database) -> None:
    with database.transaction():
        assert record_blobs(database, []) == {}

    assert find_blobs(database, []) == {}


def test_only_blobs_that_have_rows_are_found(database: Database) -> None:
    with database.transaction():
        ids = record_blobs(database, [(digest(number), number) for number in range(700)])

    assert find_blobs(database, (digest(number) for number in range(650, 1300))) == {
        digest(number): ids[digest(number)] for number in range(650, 700)
    }


def test_rows_of_a_transaction_that_fails_are_gone(database: Database) -> None:
    try:
        with database.transaction():
            record_blobs(database, [(digest(1), 1)])
            raise KeyError
    except KeyError:
        pass

    assert find_blobs(database, [digest(1)]) == {}


def test_syncs_that_record_the_same_blobs_at_once_agree(database: Database) -> None:
    blobs = [(digest(number), number) for number in range(600)]

    def record(turn: int) -> dict[str, int]:
        try:
            with database.transaction():
                return record_blobs(database, blobs if turn % 2 else blobs[::-1])
        finally:
            database.close()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(record, range(8)))

    assert all(ids == found[0] for ids in found)
    assert database.row("SELECT count(*) FROM blob") == (600,)
