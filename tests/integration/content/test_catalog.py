"""The catalog: which feed offers which file, and what is asked first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import peewee
import pytest

from entrepot.content import catalog, removal
from entrepot.content.catalog import Place, Source
from entrepot.content.units import save_units
from entrepot.models import Database

from .test_units import deferred, unit


@pytest.fixture
def known(database: Database) -> int:
    """A unit with the files a and b, and two importers with the row ids 1 and 2; return the unit's row id."""
    with database.transaction():
        for number in (1, 2):
            database.execute(
                "INSERT INTO repository (id, repository_id, notes, scratchpad, revision, content_unit_counts, created_at) "
                "VALUES (?, ?, '{}', '{}', 0, '{}', 0)",
                (number, f"zoo{number}"),
            )
            add = "INSERT INTO importer (id, repository, importer_type_id, config) VALUES (?, ?, 'iso_importer', '{}')"
            database.execute(add, (number, number))
        return next(iter(save_units(database, [unit("one", deferred("a"), deferred("b"))]).values()))


def test_each_feed_that_offers_a_file_is_known_with_its_address(database: Database, known: int) -> None:
    catalog.note(database, 1, [Place(known, "a", "f/a"), Place(known, "b", "f/b")])
    catalog.note(database, 2, [Place(known, "a", "http://other.test/a")])

    assert catalog.sources(database, known, "a") == [Source(1, "f/a"), Source(2, "http://other.test/a")]
    assert catalog.all_sources(database, [known]) == {
        (known, "a"): [Source(1, "f/a"), Source(2, "http://other.test/a")],
        (known, "b"): [Source(1, "f/b")],
    }
    assert catalog.count(database, [1, 2, 3]) == {1: 2, 2: 1}


def test_a_feed_that_gave_wrong_bytes_cools_down_unless_its_address_changes(
    database: Database, known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.note(database, 1, [Place(known, "a", "f/a")])
    catalog.note(database, 2, [Place(known, "a", "g/a")])

    catalog.note_failure(database, known, "a", 1)
    catalog.note(database, 1, [Place(known, "a", "f/a")])

    assert catalog.sources(database, known, "a") == [Source(2, "g/a")]
    assert catalog.all_sources(database, [known])[known, "a"] == [Source(2, "g/a"), Source(1, "f/a")]
    monkeypatch.setattr(catalog, "COOL_DOWN_US", -1)
    assert catalog.sources(database, known, "a") == [Source(2, "g/a"), Source(1, "f/a")]
    monkeypatch.undo()
    catalog.note(database, 1, [Place(known, "a", "new/a")])
    assert catalog.sources(database, known, "a") == [Source(1, "new/a"), Source(2, "g/a")]


def test_what_one_feed_offers_is_forgotten_alone(database: Database, known: int) -> None:
    catalog.note(database, 1, [Place(known, "a", "f/a"), Place(known, "b", "f/b")])
    catalog.note(database, 2, [Place(known, "a", "g/a")])

    assert catalog.forget(database, 1) == 2

    assert catalog.all_sources(database, [known]) == {(known, "a"): [Source(2, "g/a")]}


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_who_notes_files_and_who_deletes_their_units_do_not_wait_for_each_other_in_a_circle(
    database: Database, known: int
) -> None:
    catalog.note(database, 1, [Place(known, "a", "f/a")])
    other = next(iter(save_units(database, [unit("two", deferred("a"))]).values()))

    def note() -> None:
        try:
            with database.transaction():
                catalog.note(database, 1, [Place(known, "a", "new/a"), Place(other, "a", "g/a")])
        finally:
            database.close()

    with ThreadPoolExecutor(1) as thread:
        with database.transaction():
            removal.lock_units(database, [known, other], "TRUE", ())
            noted = thread.submit(note)
            while (
                database.row("SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
                is None
            ):
                assert not noted.done()
            gone = removal.delete_units(database, [known, other], "TRUE", ())
        with pytest.raises(peewee.IntegrityError):
            noted.result(10)

    assert gone.total() == 2
