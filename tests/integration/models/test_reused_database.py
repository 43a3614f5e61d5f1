"""The database that tests get on PostgreSQL, one after the other, is as new each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString, cast

import psycopg
import pytest
from tests.reused_database import ReusedDatabase

TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"


@pytest.fixture
def reused(postgresql_server: str, postgresql_template: str) -> Iterator[ReusedDatabase]:
    reused = ReusedDatabase(postgresql_server, postgresql_template)
    yield reused
    reused.close()


def run(url: str, *statements: str) -> list[Any]:
    """Run statements, and return the rows of the last one."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = [connection.execute(cast("LiteralString", statement)) for statement in statements]
        return found[-1].fetchall() if found[-1].description else []


def content(url: str) -> dict[str, Any]:
    """Return the rows of all tables, and the state of all sequences."""
    tables = {table: sorted(map(str, run(url, f"SELECT * FROM {table}"))) for (table,) in run(url, TABLES)}
    return tables | {"sequences": sorted(run(url, "SELECT sequencename, last_value FROM pg_sequences"))}


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO task_group (group_id, created_at) VALUES ('g', 1)",
        "DELETE FROM role_grant; DELETE FROM role",
        "TRUNCATE role CASCADE",
        "CREATE TABLE own (number BIGSERIAL); INSERT INTO own DEFAULT VALUES",
        "DROP TABLE worker_drain",
        "ALTER TABLE role DROP COLUMN description",
        "CREATE INDEX another ON role (description)",
    ],
)
def test_whatever_a_test_changes_the_next_one_finds_it_as_new(reused: ReusedDatabase, change: str) -> None:
    first = reused.as_new()
    before = content(first)
    columns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    shape = run(first, columns) + run(first, indexes)

    run(first, change)

    second = reused.as_new()
    assert content(second) == before
    assert run(second, columns) + run(second, indexes) == shape


def test_what_an_earlier_test_left_running_is_cut_off_and_does_not_find_it_again(reused: ReusedDatabase) -> None:
    first = reused.as_new()
    with psycopg.connect(first) as left:
        left.execute("LOCK TABLE task")

        second = reused.as_new()

        assert run(second, "SELECT count(*) FROM task") == [(0,)]
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(first)
