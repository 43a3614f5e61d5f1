"""Tasks are found by what clients see of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from entrepot import clock
from entrepot.criteria import Criteria
from entrepot.engine import Engine
from entrepot.errors import InvalidValue
from entrepot.tasking import TaskHandle
from entrepot.testing import drain
from tests.integration.tasking.conftest import echo, fail, hold


def found(engine: Engine, filters: object = None, **keys: object) -> list[str]:
    """Return the ids of the tasks that a search finds, in its order."""
    return [report.task_id for report in engine.tasks.search(Criteria.parse({"filters": filters, **keys}))]


def ids(handles: Sequence[TaskHandle]) -> list[str]:
    return [handle.task_id for handle in handles]


@pytest.fixture
def tasks(engine: Engine) -> list[TaskHandle]:
    """Tasks on zoo, on zoo and farm, on farm; one with a result, one that failed; the first three still wait."""
    ended = [engine.enqueue(echo, {"added": 3, "names": ["a", "b"]}), engine.enqueue(fail, "no feed")]
    drain(engine)
    return [engine.enqueue(hold, "zoo"), engine.enqueue(hold, "zoo", "farm"), engine.enqueue(hold, "farm"), *ended]


def test_an_empty_search_returns_all_tasks_in_the_order_they_came(engine: Engine, tasks: list[TaskHandle]) -> None:
    assert found(engine) == ids([*tasks[3:], *tasks[:3]])


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"tags": "on:zoo"}, [0, 1]),
        ({"tags": {"$all": ["on:zoo", "on:farm"]}}, [1]),
        ({"tags": {"$all": ["on:zoo", "pulp:action:none"]}}, []),
        ({"tags": {"$in": ["on:farm", "on:moon"]}}, [1, 2]),
        ({"tags": {"$nin": ["on:farm"]}, "state": "waiting"}, [0]),
        ({"tags": {"$ne": "on:zoo"}, "state": "waiting"}, [2]),
        ({"$or": [{"tags": "on:zoo"}, {"tags": "on:farm"}]}, [0, 1, 2]),
        ({"tags": "on:zoo", "$nor": [{"tags": "on:farm"}]}, [0]),
        ({"tags": ["on:zoo"]}, [0]),
        ({"tags": {"$size": 0}}, [3, 4]),
        ({"tags": {"$regex": "^on:z"}}, [0, 1]),
        ({"tags.1": "on:farm"}, [1]),
        ({"tags": "on:zoo", "state": {"$in": ["running", "error"]}}, []),
        ({"state": "waiting"}, [0, 1, 2]),
        ({"state": {"$in": ["waiting", "finished"]}}, [3, 0, 1, 2]),
        ({"state": {"$nin": ["waiting", "finished"]}}, [4]),
        ({"state": "frozen"}, []),
        ({"result.added": 3}, [3]),
        ({"result.names": "b"}, [3]),
        ({"result": None, "state": "finished"}, []),
        ({"error.description": {"$regex": "FEED", "$options": "i"}}, [4]),
        ({"error": {"$ne": None}}, [4]),
        ({"exception": None, "state": "error"}, [4]),
        ({"traceback": {"$regex": "ValueError"}}, [4]),
        ({"start_time": None}, [0, 1, 2]),
        ({"finish_time": {"$gt": "2020-01-01T00:00:00Z"}}, [3, 4]),
        ({"finish_time": {"$lt": {"$date": "2020-01-01T00:00:00Z"}}}, []),
        ({"create_time": {"$gte": {"$date": "2020-01-01T00:00:00+02:00"}}}, [3, 4, 0, 1, 2]),
        ({"group_id": None, "state": "waiting"}, [0, 1, 2]),
        ({"group_id": "none"}, []),
        ({"priority": "default", "state": "error"}, [4]),
        ({"attempt": {"$gte": 1}}, [3, 4]),
        ({"unknown": None, "state": "error"}, [4]),
        ({"unknown": 1}, []),
    ],
)
def test_tasks_are_found_by_their_fields(engine: Engine, tasks: list[TaskHandle], filters: object, expected: list[int]) -> None:
    assert found(engine, filters) == ids([tasks[place] for place in expected])


def test_tasks_are_found_by_many_ids_at_once(engine: Engine, tasks: list[TaskHandle]) -> None:
    strangers = [f"no-task-{number}" for number in range(2000)]

    assert found(engine, {"task_id": {"$in": [*strangers, tasks[0].task_id]}}) == [tasks[0].task_id]


def test_a_task_is_found_by_its_object_id_in_every_form(engine: Engine, tasks: list[TaskHandle]) -> None:
    row_id = f"{tasks[1].report().row_id:024x}"

    for form in (row_id, {"$oid": row_id}, {"$in": [{"$oid": row_id}]}, {"$in": [row_id, "no hex"]}):
        assert found(engine, {"_id": form}) == [tasks[1].task_id]
    assert found(engine, {"_id": "no hex"}) == []


def test_the_times_of_a_task_are_compared_as_they_are_shown_in_whole_seconds(engine: Engine, tasks: list[TaskHandle]) -> None:
    finished = tasks[3].report().finished
    assert finished is not None
    shown = clock.iso(finished)

    assert tasks[3].task_id in found(engine, {"finish_time": shown})
    assert tasks[3].task_id not in found(engine, {"finish_time": {"$gt": shown}})
    assert tasks[3].task_id in found(engine, {"finish_time": {"$lte": {"$date": shown}}})


def test_tasks_of_a_group_and_children_are_found_by_what_they_belong_to(engine: Engine) -> None:
    group = engine.group()
    member = engine.enqueue(echo, 1, group=group)
    engine.enqueue(echo, 2)

    assert found(engine, {"group_id": group.group_id}) == [member.task_id]


def test_pages_of_a_sort_with_equal_keys_neither_repeat_nor_leave_out(engine: Engine, tasks: list[TaskHandle]) -> None:
    pages = [found(engine, sort=[["queue", "descending"]], limit=2, skip=skip) for skip in (0, 2, 4)]

    assert [task_id for page in pages for task_id in page] == found(engine)


def test_tasks_are_sorted_with_those_first_that_lack_the_key(engine: Engine, tasks: list[TaskHandle]) -> None:
    up, down = (found(engine, sort=[["result.added", direction]]) for direction in (1, -1))

    assert up[-1] == down[0] == tasks[3].task_id


@pytest.mark.parametrize("key", [{"sort": [["speed", 1]]}, {"fields": ["speed"]}])
def test_an_unknown_field_in_sort_or_fields_is_refused_with_a_sentence(engine: Engine, key: dict[str, object]) -> None:
    with pytest.raises(InvalidValue) as refused:
        found(engine, **key)

    assert refused.value.data["property_names"] == ["There is no field 'speed' in the collection 'task_status'"]


def test_tasks_that_wait_are_looked_up_without_a_look_at_those_that_ended(engine: Engine, tasks: list[TaskHandle]) -> None:
    from entrepot.tasking.reports import in_states

    condition, values = in_states(["waiting"])
    query = f"SELECT task.id FROM task WHERE {condition} ORDER BY task.id DESC LIMIT 50"
    if engine.database.dialect == "sqlite":
        plan = str(engine.database.rows(f"EXPLAIN QUERY PLAN {query}", values))
    else:
        engine.database.execute("SET enable_seqscan = off")
        engine.database.execute("SET enable_sort = off")
        plan = str(engine.database.rows(f"EXPLAIN {query}", values))

    assert "task_state" in plan
