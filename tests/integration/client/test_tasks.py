"""Tasks by way of a client: the reports, the endings and the errors are those of the engine."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from entrepot import Call, Client, TaskCanceled, TaskFailed, WaitTimeout
from entrepot.criteria import Criteria
from entrepot.engine import Engine
from entrepot.errors import EntrepotError, InvalidPurgeState, InvalidValue, MissingResource, OperationConflict, UnknownTaskType
from entrepot.testing import drain
from tests.integration.rest.sample_tasks import echo, fail, hold, spawn


@pytest.fixture(autouse=True)
def _known_to_the_server(engine: Engine) -> None:
    for function in (echo, fail, hold, spawn):
        engine.registry.type_of(function)


def test_a_task_is_enqueued_by_its_function_or_by_its_name(engine: Engine, client: Client, run_tasks: Any) -> None:
    by_function = client.enqueue(echo, "one", loud=True)
    by_name = client.enqueue("tests.integration.rest.sample_tasks.echo", "two")
    run_tasks()

    assert (by_function.wait(5).result, by_name.wait(5).result) == (["one", True], ["two", False])


def test_reports_are_those_of_the_engine(engine: Engine, client: Client, run_tasks: Any) -> None:
    group = client.group()
    handles = [client.enqueue(spawn), client.enqueue(fail), client.enqueue(hold, "ring", group=group)]
    run_tasks()
    handles += [client.enqueue(hold, "ring"), client.enqueue(hold, "ring"), client.enqueue(echo, not_before=timedelta(hours=1))]

    for handle in handles:
        assert client.tasks.get(handle.task_id) == engine.tasks.get(handle.task_id)
        assert handle.state == engine.tasks.get(handle.task_id).state
    assert handles[-2].report().waiting.reason == "resource"
    assert list(client.tasks.list(explain=True)) == engine.tasks.list(explain=True)


def test_options_of_a_task_arrive(client: Client) -> None:
    moment = datetime(2999, 1, 1, 12, 30, 15, 250_000, tzinfo=UTC)
    first = client.enqueue(echo, idempotency_key="once", not_before=moment, priority="high")

    assert client.enqueue(echo, idempotency_key="once").task_id == first.task_id
    assert (first.report().not_before, first.report().priority) == (moment, "high")


def test_a_wait_ends_with_the_task(client: Client, worker: Any) -> None:
    handle = client.enqueue(echo, 1)
    worker.set()

    assert handle.wait().result == [1, False]


def test_a_wait_tells_how_the_task_ended(engine: Engine, client: Client, run_tasks: Any) -> None:
    failed, canceled = client.enqueue(fail), client.enqueue(echo)
    waiting = client.enqueue(echo, not_before=timedelta(hours=1))
    assert canceled.cancel()
    run_tasks()

    for handle, error in ((failed, TaskFailed), (canceled, TaskCanceled), (waiting, WaitTimeout)):
        with pytest.raises(error) as by_client:
            handle.wait(timedelta(seconds=0.05))
        with pytest.raises(error) as by_engine:
            engine.tasks.handle(handle.task_id).wait(0.05)
        assert (by_client.value.message, by_client.value.data) == (by_engine.value.message, by_engine.value.data)


def test_a_watch_shows_each_change_and_ends_with_the_final_report(engine: Engine, client: Client, worker: Any) -> None:
    handle = client.enqueue(spawn)
    reports = []

    for report in handle.watch():
        reports.append(report)
        worker.set()

    assert (reports[0].state, reports[-1].state) == ("waiting", "finished")
    assert all(before != after for before, after in pairwise(reports))
    assert reports[-1] == engine.tasks.get(handle.task_id)


def test_a_watch_ends_when_its_time_is_over(client: Client) -> None:
    handle = client.enqueue(echo, not_before=timedelta(hours=1))
    seen = []

    with pytest.raises(WaitTimeout, match=r"is waiting after 0\.3 s"):
        seen.extend(handle.watch(0.3))

    assert [report.state for report in seen] == ["waiting"]


def test_a_task_is_canceled_once_and_with_what_it_spawned_on_request(engine: Engine, client: Client) -> None:
    parent = client.enqueue(spawn)
    drain(engine, limit=1)  # its child waits on
    child = client.tasks.handle(parent.report().spawned[0])

    assert parent.cancel() is False
    assert child.state == "waiting"
    assert parent.cancel(with_spawned=True) is True
    assert child.state == "canceled"
    assert client.tasks.cancel(child.task_id).state == "canceled"


def test_tasks_are_listed_and_searched_as_the_engine_does(engine: Engine, client: Client, run_tasks: Any) -> None:
    client.enqueue(hold, "ring")
    run_tasks()
    for number in range(3):
        client.enqueue(echo, number)

    for options in ({}, {"states": ["waiting"]}, {"tags": ["on:ring", "sample"]}, {"limit": 2}):
        assert list(client.tasks.list(**options)) == engine.tasks.list(**options)
    for document in (
        {"filters": {"state": "waiting"}, "sort": [["create_time", "descending"]], "limit": 2},
        {"filters": {"tags": "on:ring"}, "fields": ["state"]},
    ):
        criteria = Criteria.parse(document)
        assert list(client.tasks.search(criteria)) == list(engine.tasks.search(criteria))


def test_criteria_that_were_not_parsed_are_refused(client: Client) -> None:
    with pytest.raises(InvalidValue, match=r"Criteria\.parse"):
        client.tasks.search(Criteria())


def test_a_purge_says_how_many_it_removed(client: Client, run_tasks: Any) -> None:
    client.enqueue(echo)
    client.enqueue(echo)
    run_tasks()

    assert (client.tasks.purge(["finished"]), client.tasks.purge(["finished"])) == (2, 0)
    with pytest.raises(InvalidPurgeState):
        client.tasks.purge(["running"])


def test_a_group_is_counted_awaited_and_canceled(engine: Engine, client: Client, worker: Any) -> None:
    group = client.group()
    handles = [client.enqueue(echo, group=group), client.enqueue(fail, group=group)]
    late = client.enqueue(echo, not_before=timedelta(hours=1), group=group)

    assert [handle.task_id for handle in group.handles()] == [*(handle.task_id for handle in handles), late.task_id]
    with pytest.raises(WaitTimeout) as raised:
        group.wait(0.1)
    assert raised.value.data == {"task_group": group.group_id, **engine.tasks.get_group(group.group_id).summary()}
    assert group.cancel() == 3
    assert group.wait(30) == group.summary() == engine.tasks.get_group(group.group_id).summary()
    assert group.summary()["canceled"] == 3
    assert client.tasks.get_group(group.group_id).report().summary == group.summary()
    assert [report.group_id for report in client.tasks.list_groups(limit=5)] == [group.group_id]


def test_the_wait_for_a_group_ends_with_its_last_task(client: Client, worker: Any) -> None:
    group = client.group()
    for number in range(3):
        client.enqueue(echo, number, group=group)
    worker.set()

    assert group.wait(60)["finished"] == 3


UNKNOWN = str(uuid.uuid4())


@pytest.mark.parametrize(
    "ask",
    [
        lambda one: one.tasks.get(UNKNOWN),
        lambda one: one.tasks.handle(UNKNOWN).wait(1),
        lambda one: list(one.tasks.handle(UNKNOWN).watch(1)),
        lambda one: one.tasks.cancel(UNKNOWN),
        lambda one: one.tasks.purge(["running"]),
        lambda one: one.enqueue(echo, priority="urgent"),
        lambda one: one.enqueue(echo, not_before=datetime(2999, 1, 1)),  # noqa: DTZ001 - that is what is refused
        lambda one: one.enqueue(len),
    ],
)
def test_errors_are_those_of_the_engine(engine: Engine, client: Client, ask: Any) -> None:
    told = []
    for one in (engine, client):
        with pytest.raises(EntrepotError) as raised:
            ask(one)
        told.append((type(raised.value), raised.value.message, raised.value.data))

    assert told[0] == told[1]


def test_what_the_server_does_not_know_is_refused(client: Client) -> None:
    with pytest.raises(InvalidValue, match="nobody_knows"):
        client.enqueue("nobody_knows")
    with pytest.raises(UnknownTaskType):
        client.enqueue(len)
    with pytest.raises(InvalidValue, match="args"):
        client.tasks.enqueue(Call(echo, (object(),)))
    with pytest.raises(MissingResource):
        client.tasks.get("")
    with pytest.raises(MissingResource):
        client.tasks.get("..")


def test_a_task_is_tried_again(engine: Engine, client: Client, run_tasks: Any) -> None:
    first = client.enqueue(echo, "one", loud=True)
    with pytest.raises(OperationConflict):
        client.tasks.retry(first.task_id)
    run_tasks()

    again = client.tasks.retry(first.task_id)
    run_tasks()

    assert again.task_id != first.task_id
    assert again.wait(5).result == ["one", True]
