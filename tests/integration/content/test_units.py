"""Units and their files as rows."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from entrepot.content.blobs import record_blobs
from entrepot.content.units import FileRecord, KnownUnit, UnitRecord, find_units, save_units
from entrepot.errors import StorageError
from entrepot.models import Database, UnitFile


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def unit(name: str, *files: FileRecord, data: str = "{}", unit_type: str = "iso") -> UnitRecord:
    return UnitRecord(unit_type, digest(f"{unit_type} {name}"), data, files, json.dumps([name]))


def stored(path: str, **digests: str) -> FileRecord:
    return FileRecord(path, digest(path), len(path), digests)


def deferred(path: str, **digests: str) -> FileRecord:
    return FileRecord(path, None, None, digests)


def save(database: Database, *records: UnitRecord) -> dict[tuple[str, str], int]:
    with database.transaction():
        record_blobs(database, [(file.sha256, 1) for record in records for file in record.files if file.sha256])
        return save_units(database, records)


def files(database: Database) -> list[tuple[object, ...]]:
    return database.rows(
        "SELECT unit_file.path, blob.sha256, unit_file.size, unit_file.digests "
        "FROM unit_file LEFT JOIN blob ON blob.id = unit_file.blob ORDER BY unit_file.path"
    )


def test_units_and_their_files_are_saved_in_bulk(database: Database) -> None:
    records = [unit(f"{number}", stored(f"{number}.iso", sha256=digest(f"{number}.iso"))) for number in range(1200)]

    ids = save(database, *records)

    assert ids.keys() == {(record.unit_type, record.uid) for record in records}
    assert len(set(ids.values())) == 1200
    assert database.row("SELECT count(*) FROM unit_file WHERE blob IS NOT NULL") == (1200,)


def test_every_field_of_a_unit_is_kept(database: Database) -> None:
    save(database, unit("a", stored("a.iso", md5="0"), data='{"name": "ä"}'))

    assert database.rows("SELECT unit_type, uid, data, repository_key FROM unit") == [
        ("iso", digest("iso a"), '{"name": "ä"}', '["a"]')
    ]
    assert files(database) == [("a.iso", digest("a.iso"), 5, '{"md5":"0"}')]


@pytest.mark.parametrize("digests", [{}, {"sha256": "ab", "md5": "0"}, {"odd": 'ä "quoted"'}], ids=["none", "two", "odd"])
def test_digests_are_kept_as_json(database: Database, digests: dict[str, str]) -> None:
    save(database, unit("a", stored("a.iso", **digests)))

    (file,) = UnitFile.select().bind(database.peewee)
    assert file.digests == digests


def test_units_of_one_key_and_two_types_are_two(database: Database) -> None:
    same = digest("same")

    ids = save(database, UnitRecord("rpm", same, "{}"), UnitRecord("srpm", same, "{}"))

    assert len(set(ids.values())) == 2
    assert find_units(database, [("rpm", same)]) == {("rpm", same): KnownUnit(ids["rpm", same], complete=True)}


def test_a_unit_that_exists_stays_as_it_is(database: Database) -> None:
    first = save(database, unit("a", data='{"a":1}'), unit("b", data='{"b":1}'))

    second = save(database, unit("b", data='{"b":2}'), unit("a", data='{"a":1}'), unit("c"))

    assert {key: second[key] for key in first} == first
    assert sorted(database.rows("SELECT data FROM unit")) == [('{"a":1}',), ('{"b":1}',), ("{}",)]


def test_of_two_records_of_one_unit_the_later_wins(database: Database) -> None:
    save(database, unit("a", data='{"a":1}'), unit("a", stored("a.iso"), data='{"a":2}'))

    assert database.rows("SELECT data FROM unit") == [('{"a":2}',)]
    assert len(files(database)) == 1


def test_a_unit_is_complete_when_each_of_its_files_has_bytes(database: Database) -> None:
    whole, half, none = unit("whole", stored("1"), stored("2")), unit("half", stored("3"), deferred("4")), unit("none")
    ids = save(database, whole, half, none)

    known = find_units(database, [*ids, ("iso", digest("iso unknown"))])

    assert {key: known_unit.complete for key, known_unit in known.items()} == {
        ("iso", whole.uid): True,
        ("iso", half.uid): False,
        ("iso", none.uid): True,
    }
    assert {key: known_unit.id for key, known_unit in known.items()} == ids


def test_bytes_that_come_later_complete_a_unit(database: Database) -> None:
    save(database, unit("a", deferred("a.iso", md5="0"), stored("b.iso")))

    save(database, unit("a", stored("a.iso", md5="0")))

    assert [row[:3] for row in files(database)] == [("a.iso", digest("a.iso"), 5), ("b.iso", digest("b.iso"), 5)]
    assert find_units(database, [("iso", digest("iso a"))])["iso", digest("iso a")].complete


def test_a_unit_that_is_deferred_again_keeps_its_bytes(database: Database) -> None:
    save(database, unit("a", stored("a.iso")))

    save(database, unit("a", deferred("a.iso")))

    assert [row[:3] for row in files(database)] == [("a.iso", digest("a.iso"), 5)]


def test_many_deferred_files_are_saved_at_once(database: Database) -> None:
    save(database, *[unit(f"{number}", deferred(f"{number}.iso")) for number in range(600)])

    assert database.row("SELECT count(*) FROM unit_file WHERE blob IS NULL AND size IS NULL") == (600,)


def test_a_file_whose_bytes_have_no_row_is_refused_and_nothing_is_saved(database: Database) -> None:
    with pytest.raises(StorageError, match=r"'a.iso'"), database.transaction():
        save_units(database, [unit("a", stored("a.iso"))])

    assert database.row("SELECT count(*) FROM unit") == (0,)


def test_row_ids_that_the_caller_knows_are_taken(database: Database) -> None:
    with database.transaction():
        blobs = record_blobs(database, [(digest("a.iso"), 5)])
        save_units(database, [unit("a", stored("a.iso"))], blobs=blobs)

    assert files(database)[0][1] == digest("a.iso")


def test_nothing_is_saved_for_nothing(database: Database) -> None:
    assert save(database) == {}
    assert find_units(database, []) == {}


def test_syncs_that_save_the_same_units_at_once_agree(database: Database) -> None:
    records = [unit(f"{number}", stored(f"{number}.iso")) for number in range(600)]

    def save_all(turn: int) -> dict[tuple[str, str], int]:
        try:
            return save(database, *(records if turn % 2 else records[::-1]))
        finally:
            database.close()

    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(save_all, range(8)))

    assert all(ids == saved[0] for ids in saved)
    assert database.row("SELECT count(*) FROM unit") == (600,)
