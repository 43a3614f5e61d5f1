"""Migrations bring a database to this version's tables, and the classes of `entrepot.models` agree with them."""

from __future__ import annotations

import threading

import peewee
import pytest

from entrepot import models
from entrepot.errors import DatabaseOutdated, DatabaseTooNew
from entrepot.models import Database
from entrepot.models.migrate import check, known_migrations, migrate

TABLES = {
    model._meta.table_name: model
    for model in vars(models).values()
    if isinstance(model, type) and issubclass(model, peewee.Model)
}


@pytest.fixture
def empty_database(empty_database_url: str):
    database = Database(empty_database_url)
    yield database
    database.close()


def test_an_empty_database_gets_every_migration_once_and_in_order(empty_database: Database) -> None:
    applied = migrate(empty_database)

    assert applied == known_migrations()
    assert migrate(empty_database) == []


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    numbers = [migration.number for migration in known_migrations()]

    assert numbers == list(range(1, len(numbers) + 1))


def test_an_empty_database_is_refused_with_the_command_that_mends_it(empty_database: Database) -> None:
    with pytest.raises(DatabaseOutdated, match="entrepot db migrate"):
        check(empty_database)


def test_a_migrated_database_is_accepted(database: Database) -> None:
    check(database)


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(database: Database) -> None:
    newer = len(known_migrations()) + 1
    database.execute("INSERT INTO schema_migration (number, name, applied_at) VALUES (?, 'from_the_future', 0)", (newer,))

    with pytest.raises(DatabaseTooNew, match=f"migration {newer:04}"):
        check(database)
    with pytest.raises(DatabaseTooNew, match="Nothing was changed"):
        migrate(database)

    assert database.row("SELECT max(number) FROM schema_migration") == (newer,)


def test_processes_that_migrate_at_once_apply_each_migration_once(empty_database_url: str) -> None:
    applied, errors = [], []
    start = threading.Barrier(4)

    def migrate_alone() -> None:
        database = Database(empty_database_url)
        try:
            start.wait()
            applied.extend(migrate(database))
        except Exception as error:  # noqa: BLE001 - shown below
            errors.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=migrate_alone) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert applied == known_migrations()


def test_every_table_has_a_model_and_every_model_a_table(database: Database) -> None:
    tables = set(database.peewee.get_tables()) - {"schema_migration"}

    assert tables == set(TABLES)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_model_has_the_columns_of_its_table(database: Database, table: str) -> None:
    columns = {column.name: column for column in database.peewee.get_columns(table)}
    fields = TABLES[table]._meta.columns
    key = set(database.peewee.get_primary_keys(table))

    assert set(fields) == set(columns)
    assert {name for name, field in fields.items() if field.null} == {
        name for name, column in columns.items() if column.null and name not in key
    }
    assert {field.column_name for field in TABLES[table]._meta.get_primary_keys()} == key


def test_repositories_of_before_are_found_by_their_notes(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_migrations()
    with monkeypatch.context() as before:
        before.setattr("entrepot.models.migrate.known_migrations", lambda: known[:3])
        migrate(empty_database)
    notes = '{"kind": "rpm", "arches": ["x86_64", 5, "noarch", "noarch"], "n": 5, "none": null, "odd": {"kind": "x"}}'
    columns = "repository_id, notes, scratchpad, content_unit_counts, created_at"
    empty_database.execute(f"INSERT INTO repository ({columns}) VALUES (?, ?, ?, ?, 0)", ("zoo", notes, "{}", "{}"))

    migrate(empty_database)

    found = empty_database.rows("SELECT name, value FROM repository_note ORDER BY name, value")
    assert [tuple(row) for row in found] == [("arches", "noarch"), ("arches", "x86_64"), ("kind", "rpm")]


def test_what_was_published_before_is_served_on_and_known_by_its_name(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = known_migrations()
    with monkeypatch.context() as before:
        before.setattr("entrepot.models.migrate.known_migrations", lambda: known[:6])
        migrate(empty_database)
    rows: dict[str, list[dict[str, object]]] = {
        "blob": [{"id": 1, "sha256": "ab", "size": 2, "created_at": 0}],
        "unit": [
            {"id": 1, "unit_type": "iso", "uid": "u", "data": '{"name":"a.iso"}', "created_at": 0},
            {"id": 2, "unit_type": "odd", "uid": "v", "data": '{"name":7}', "created_at": 0},
        ],
        "repository": [
            {"id": 1, "repository_id": "zoo", "notes": "{}", "scratchpad": "{}", "content_unit_counts": "{}", "created_at": 0}
        ],
        "importer": [{"repository": 1, "importer_type_id": "iso_importer", "config": "{}", "sync_state": '{"token":"t"}'}],
        "distributor": [
            {
                "id": 1,
                "repository": 1,
                "distributor_id": "web",
                "distributor_type_id": "iso_distributor",
                "config": "{}",
                "auto_publish": False,
                "base_path": "zoo",
            }
        ],
        "entry": [{"distributor": 1, "path": "a.iso", "added_revision": 1, "removed_revision": 3, "added_at": 5, "blob": 1}],
    }
    for table, inserted in rows.items():
        for row in inserted:
            marks = ", ".join("?" * len(row))
            empty_database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))

    migrate(empty_database)

    entries = empty_database.rows("SELECT path, added_revision, removed_revision, added_at, blob, unit, file FROM entry")
    assert [tuple(row) for row in entries] == [("a.iso", 1, 3, 5, 1, None, None)]
    assert [tuple(row) for row in empty_database.rows("SELECT id, name FROM unit ORDER BY id")] == [(1, "a.iso"), (2, None)]
    assert empty_database.row("SELECT sync_state FROM importer") == (None,)  # so that the next sync notes where files come from
