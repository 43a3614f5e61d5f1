"""What runs a schedule had, and is expected to have."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from entrepot.errors import InvalidValue, MissingResource
from entrepot.schedules import ScheduleQuery
from entrepot.schedules.runs import expected_runs
from tests.integration.schedules.conftest import create_repository, go_round, schedule_sync


def test_the_runs_of_a_schedule_are_told_the_newest_first_with_their_results(engine, time, zoo, feed):
    made = schedule_sync(engine, "PT1H", "zoo")
    other = engine.schedules.create_publish("zoo", "web", "PT2H")
    go_round(engine)
    (feed / "PULP_MANIFEST").unlink()
    time.move(hours=1)
    go_round(engine)
    engine.schedules.run_now(made.schedule_id)

    by_hand, second, first = engine.schedules.runs(made.schedule_id)

    assert [(run.number, run.state, run.due) for run in (first, second)] == [
        (1, "finished", time.now - timedelta(hours=1)),
        (2, "error", time.now),
    ]
    assert "PULP_MANIFEST" in (second.error or "")
    assert (by_hand.number, by_hand.due, by_hand.state, by_hand.duration) == (None, None, "waiting", None)
    assert engine.schedules.runs(made.schedule_id, before=by_hand.row_id, limit=1) == [second]
    last = engine.schedules.last_runs(engine.schedules.list())
    assert last[made.schedule_id] == by_hand
    assert last[other.schedule_id].number == 1


def test_runs_are_counted_however_many_there_were(engine, time, zoo):
    made = engine.schedules.create_publish("zoo", "web", "PT10M", overlap="queue")
    for _ in range(61):
        engine.schedules.go_round()
        time.move(minutes=10)
    engine.schedules.run_now(made.schedule_id)

    counts = engine.schedules.count_runs(
        [engine.schedules.get(made.schedule_id)], time.now - timedelta(hours=10), timedelta(hours=1)
    )

    assert counts == {made.schedule_id: {(10, "waiting"): 1, **{(hour, "waiting"): 6 for hour in range(10)}}}


def test_a_schedule_that_never_ran_has_no_runs(engine, time, zoo):
    made = engine.schedules.create_publish("zoo", "web", "PT10M")

    assert engine.schedules.count_runs([made], time.now, timedelta(hours=1)) == {}
    assert engine.schedules.count_runs([], time.now, timedelta(hours=1)) == {}
    assert engine.schedules.last_runs([made]) == {}
    assert list(engine.schedules.runs(made.schedule_id)) == []


def test_of_runs_that_are_expected_the_first_of_each_step_is_told(engine, time, zoo):
    dense = engine.schedules.create_publish("zoo", "web", "PT1M")
    counted = engine.schedules.create_publish("zoo", "web", "R2/PT1H")
    off = engine.schedules.create_publish("zoo", "web", "PT1H", enabled=False)
    until, step = time.now + timedelta(hours=2), timedelta(minutes=30)

    assert [run - time.now for run in expected_runs(dense, time.now, until, step)] == [number * step for number in range(4)]
    assert [run - time.now for run in expected_runs(counted, time.now, until, step)] == [timedelta(), timedelta(hours=1)]
    assert expected_runs(replace(counted, remaining_runs=1), time.now, until, step) == [time.now]
    assert expected_runs(off, time.now, until, step) == []


def test_schedules_come_in_the_order_in_which_they_run_a_page_at_a_time(engine, time, zoo, feed):
    create_repository(engine, "bar", feed)
    late = schedule_sync(engine, "2026-11-23T10:00:00Z/PT1H", "zoo").schedule_id
    soon = schedule_sync(engine, "PT1H", "bar").schedule_id
    off = engine.schedules.create_publish("zoo", "web", "PT1H", enabled=False).schedule_id

    def found(wanted=None, **options: Any):
        page = engine.schedules.page(wanted or ScheduleQuery(), **options)
        return [report.schedule_id for report in page.reports], page.total

    assert found() == ([soon, late, off], 3)
    assert found(skip=1, limit=1) == ([late], 3)
    assert found(ScheduleQuery(repository_id="zoo", kind="sync")) == ([late], 1)
    assert found(ScheduleQuery(enabled=False)) == ([off], 1)
    assert found(ScheduleQuery(repository_id="no such")) == ([], 0)
    assert found(ScheduleQuery(repository_id="no\0such")) == ([], 0)


def test_what_cannot_be_asked_is_refused(engine, zoo):
    with pytest.raises(InvalidValue):
        engine.schedules.page(ScheduleQuery(kind="bake"))
    with pytest.raises(InvalidValue):
        engine.schedules.page(ScheduleQuery(), skip=-1)
    with pytest.raises(MissingResource):
        engine.schedules.runs("0" * 24)
