"""What may be asked for when a task is enqueued or spawned, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

import entrepot
from entrepot.engine import Engine
from entrepot.errors import InvalidValue
from entrepot.tasking.lease import claim
from entrepot.testing import drain

from .conftest import HOUR, LEASE, echo, hold, read


@entrepot.task(tags=lambda tag: [tag])
def tagged(tag: str) -> None:
    """Have a tag."""


@entrepot.task(limit_keys=lambda key: [key])
def limited(key: str) -> None:
    """Be counted by a key."""


@entrepot.task
def spawn_with_options(group_id: str) -> None:
    """Enqueue a child that is in a group, delayed, and urgent."""
    task = entrepot.current_task()
    task.spawn(echo, 1, group=task.tasks.get_group(group_id), not_before=HOUR, priority="high", idempotency_key="child")


BAD_NAMES = ["", "a\x00b", "a\udcffb", "a" * 1001]


@pytest.mark.parametrize("name", [*BAD_NAMES, "limit:mail"])
def test_a_resource_that_no_database_could_keep_is_refused_delayed_or_not(engine: Engine, name: str) -> None:
    for not_before in (None, HOUR):
        with pytest.raises(InvalidValue, match="resources"):
            engine.enqueue(hold, name, not_before=not_before)
        with pytest.raises(InvalidValue, match="resources"):
            engine.enqueue(read, name, not_before=not_before)

    assert engine.tasks.list() == []


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_tag_a_limit_key_and_an_idempotency_key_are_looked_at_as_well(engine: Engine, name: str) -> None:
    with pytest.raises(InvalidValue, match="tags"):
        engine.enqueue(tagged, name)
    with pytest.raises(InvalidValue, match="idempotency_key"):
        engine.enqueue(echo, 1, idempotency_key=name)
    limiting = Engine(settings=engine.settings.model_copy(update={"concurrency_limits": {"*": 1}}))
    with pytest.raises(InvalidValue, match="limit_keys"):
        limiting.enqueue(limited, name)

    assert engine.tasks.list() == []


def test_the_longest_names_are_kept(engine: Engine) -> None:
    longest = "".join(chr(0x4E00 + number) for number in range(333))
    handle = engine.enqueue(read, longest, idempotency_key=longest)
    delayed = engine.enqueue(tagged, longest, not_before=HOUR)

    assert engine.enqueue(echo, 1, idempotency_key=longest).task_id == handle.task_id
    assert [report.task_id for report in engine.tasks.list(tags=[longest])] == [delayed.task_id]


@pytest.mark.parametrize(
    "moment",
    [
        timedelta(days=3_000_000),
        timedelta.max,
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
        datetime(2100, 1, 1),  # noqa: DTZ001 - a naive one
        date(2100, 1, 1),
        60,
    ],
)
def test_a_moment_that_no_report_could_show_is_refused(engine: Engine, moment: timedelta | datetime) -> None:
    with pytest.raises(InvalidValue, match="not_before"):
        engine.enqueue(echo, 1, not_before=moment)

    assert engine.tasks.list() == []


def test_the_last_moment_of_the_calendar_is_shown(engine: Engine) -> None:
    last = datetime.max.replace(tzinfo=UTC)

    report = engine.enqueue(echo, 1, not_before=last).report()

    assert report.not_before == last
    assert report.waiting is not None
    assert "9999-12-31" in report.waiting.text


@pytest.mark.parametrize("moment", [timedelta(0), timedelta(seconds=-1), timedelta.min, datetime.min.replace(tzinfo=UTC)])
def test_a_moment_in_the_past_is_no_delay(engine: Engine, moment: timedelta | datetime) -> None:
    assert engine.enqueue(echo, 1, not_before=moment).report().not_before is None
    assert drain(engine) == 1


def test_a_child_is_spawned_with_the_options_of_any_other_task(engine: Engine) -> None:
    group = engine.group()
    parent = engine.enqueue(spawn_with_options, group.group_id)

    drain(engine)

    [child] = group.handles()
    assert parent.report().spawned == (child.task_id,)
    assert child.report().not_before is not None
    assert engine.database.rows("SELECT priority, idempotency_key FROM task WHERE task_id = ?", (child.task_id,)) == [
        (0, "child")
    ]
    with engine.database.transaction():
        assert claim(engine.database, "owner", limit=1, lease=LEASE) == []
