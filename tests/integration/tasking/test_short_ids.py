"""The beginning of an id stands for the id, if no other begins so."""

from __future__ import annotations

import pytest

from entrepot.errors import InvalidValue, MissingResource
from entrepot.models import Database
from entrepot.tasking.short_ids import full_group_id, full_task_id

ONE = "019a0b1c-2d3e-7000-8000-00000000000f"
TWO = "019a0b1c-2d3f-7000-8000-000000000000"
NEXT = "019a0b1d-0000-7000-8000-000000000000"


@pytest.fixture
def ids(database: Database) -> Database:
    """A database with three tasks, and a group."""
    for task_id in (ONE, TWO, NEXT):
        database.execute(
            "INSERT INTO task (task_id, task_type, state, arguments, tags, idempotent, created_at) "
            "VALUES (?, 'x', 'finished', '{}', '[]', ?, 1)",
            (task_id, False),
        )
    database.execute("INSERT INTO task_group (group_id, created_at) VALUES (?, 1)", (ONE,))
    return database


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("019a0b1c-2d3e", ONE),
        ("019A0B1C-2D3E", ONE),
        ("019a0b1c-2d3f-", TWO),
        (ONE[:-1], ONE),
        (TWO[:-1], TWO),
        ("019a0b1d", NEXT),
        (ONE, ONE),
        ("0" * 36, "0" * 36),
    ],
)
def test_a_beginning_that_only_one_id_has_stands_for_it(ids: Database, given: str, meant: str) -> None:
    assert full_task_id(ids, given) == meant


def test_the_same_holds_for_groups(ids: Database) -> None:
    assert full_group_id(ids, "019a0b") == ONE
    with pytest.raises(MissingResource, match="task_group=7c9e66"):
        full_group_id(ids, "7c9e66")


@pytest.mark.parametrize(("given", "count"), [("019a0b", 3), ("019a0b1c", 2), ("019a0b1c-2d3", 2)])
def test_a_beginning_of_several_ids_is_refused_with_their_number(ids: Database, given: str, count: int) -> None:
    with pytest.raises(InvalidValue, match=f"the beginning of {count} ids"):
        full_task_id(ids, given)


@pytest.mark.parametrize(
    "given", ["019a0c", "019a0b-", "019a0b1c2d3e", "019a0b1c-2d3e-7000-9", "nothing", "019a0b%", "019a0b_"]
)
def test_a_beginning_of_no_id_is_missing(ids: Database, given: str) -> None:
    with pytest.raises(MissingResource):
        full_task_id(ids, given)


def test_too_short_a_beginning_is_refused(ids: Database) -> None:
    with pytest.raises(InvalidValue, match="at least 6 characters"):
        full_task_id(ids, "019a0")


def test_the_index_finds_it(ids: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[str] = []
    rows = ids.rows

    def explained(sql: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
        how = "EXPLAIN QUERY PLAN" if ids.dialect == "sqlite" else "EXPLAIN"
        plans.extend(str(row) for row in rows(f"{how} {sql}", parameters))
        return rows(sql, parameters)

    if ids.dialect == "postgresql":
        ids.execute("SET enable_seqscan = off")  # three rows are read faster than an index
    monkeypatch.setattr(ids, "rows", explained)

    full_task_id(ids, "019a0b1d")

    plan = "\n".join(plans)
    assert "task_id>? AND task_id<?" in plan if ids.dialect == "sqlite" else "Index Cond: ((task_id >= '019a0b1d'" in plan
