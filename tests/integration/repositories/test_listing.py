"""Reports of many repositories cost as many statements as reports of few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from entrepot.engine import Engine
from entrepot.repositories import listing

WEB = {"distributor_type_id": "iso_distributor", "distributor_id": "web"}


def create(engine: Engine, first: int, last: int) -> None:
    for number in range(first, last):
        engine.repositories.create(
            f"r{number:04}",
            importer_type_id="iso_importer",
            importer_config={"feed": f"http://x/{number}", "query_auth_token": "s3cret"},
            distributors=[WEB, WEB | {"distributor_id": "more"}],
            notes={"number": number},
        )


@pytest.fixture
def count_statements(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], int]:
    """Return a function that calls another and returns how many statements that ran, by whichever way."""
    ran: list[str] = []
    execute, execute_sql = engine.database.execute, engine.database.peewee.execute_sql

    def counted(sql: str, *arguments: Any, **options: Any) -> Any:
        ran.append(sql)
        return execute(sql, *arguments, **options)

    def counted_by_peewee(sql: str, *arguments: Any, **options: Any) -> Any:
        ran.append(sql)
        return execute_sql(sql, *arguments, **options)

    monkeypatch.setattr(engine.database, "execute", counted)
    monkeypatch.setattr(engine.database.peewee, "execute_sql", counted_by_peewee)

    def count(call: Callable[[], Any]) -> int:
        ran.clear()
        call()
        return len(ran)

    return count


def test_fifty_repositories_are_reported_in_as_many_statements_as_five(
    engine: Engine, count_statements: Callable[[Callable[[], Any]], int]
) -> None:
    create(engine, 0, 5)
    of_five = count_statements(engine.repositories.reports)
    create(engine, 5, 50)

    of_fifty = count_statements(engine.repositories.reports)

    assert (of_five, of_fifty) == (3, 3)
    assert count_statements(lambda: [one.report() for one in engine.repositories.list()]) > 50


def test_reports_are_the_same_for_all_for_some_and_for_one(engine: Engine) -> None:
    create(engine, 0, 7)

    everything = engine.repositories.reports()

    assert [report.repository_id for report in everything] == [f"r{number:04}" for number in range(7)]
    assert everything == [repository.report() for repository in engine.repositories.list()]
    some = engine.database.rows(f"{listing.SELECT_REPOSITORIES} WHERE repository.id > 3 ORDER BY repository.id DESC")
    assert [one.repository_id for one in listing.reports(engine.repositories._house, some)] == [
        "r0006",
        "r0005",
        "r0004",
        "r0003",
    ]
    assert [(one.importer.config, len(one.distributors)) for one in everything if one.importer] == [
        ({"feed": f"http://x/{number}", "query_auth_token": "*****"}, 2) for number in range(7)
    ]


def test_more_repositories_than_one_statement_takes_are_reported(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    create(engine, 0, 7)
    monkeypatch.setattr(listing, "CHUNK_ROWS", 2)
    rows = engine.database.rows(f"{listing.SELECT_REPOSITORIES} ORDER BY repository.repository_id")

    assert listing.reports(engine.repositories._house, rows) == engine.repositories.reports()


def test_secrets_of_a_plugin_that_is_gone_stay_hidden(engine: Engine) -> None:
    create(engine, 0, 1)
    engine.database.execute("UPDATE importer SET importer_type_id = 'gone'")
    engine.database.execute("UPDATE distributor SET distributor_type_id = 'gone', config = ?", ('{"key": "s3cret"}',))

    [report] = engine.repositories.reports()

    assert report.importer is not None
    assert report.importer.config["query_auth_token"] == "*****"
    assert [(one.distributor_type_id, one.config) for one in report.distributors] == [("gone", {"key": "*****"})] * 2


def test_units_whose_files_are_not_all_there_are_not_counted_as_stored(engine: Engine) -> None:
    create(engine, 0, 1)
    engine.database.execute("INSERT INTO blob (id, sha256, size, created_at) VALUES (1, 'ab', 1, 0)")
    for unit, blobs in ((1, [1]), (2, [1, None]), (3, []), (4, [None]), (5, [1])):
        engine.database.execute(
            "INSERT INTO unit (id, unit_type, uid, data, created_at) VALUES (?, 'iso', ?, '{}', 0)", (unit, str(unit))
        )
        for path, blob in enumerate(blobs):
            engine.database.execute(
                "INSERT INTO unit_file (unit, path, blob, digests) VALUES (?, ?, ?, '{}')", (unit, str(path), blob)
            )
        engine.database.execute(
            "INSERT INTO association (repository, unit, added_revision) SELECT id, ?, 1 FROM repository", (unit,)
        )
    engine.database.execute("UPDATE association SET removed_revision = 2 WHERE unit = 5")

    assert engine.repositories.get("r0000").locally_stored_units() == 2
