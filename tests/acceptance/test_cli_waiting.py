"""What the command line says of tasks that wait, and of tasks that belong together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

import entrepot
from entrepot.engine import Engine
from entrepot.testing import drain

FEED = "http://127.0.0.1:9/"


@entrepot.task(name="shop.ship", queue="parcels", priority="low")
def ship(number: str) -> str:
    """Return what is given."""
    return number


@entrepot.task(name="shop.refuse", retry=entrepot.Retry(max=1, first=timedelta(minutes=9)))
def refuse() -> None:
    """Fail."""
    msg = "out of parcels"
    raise ValueError(msg)


@pytest.fixture
def engine(run) -> Iterator[Engine]:
    """The engine that the commands of this test use; no worker runs."""
    run("init")
    with Engine() as made:
        yield made


@pytest.fixture
def held(run, served, feed, request: pytest.FixtureRequest) -> tuple[str, str, str]:
    """A repository, its sync that runs until the feed is released, and one that waits for that."""
    repository_id = f"held-{request.node.name[:40].rstrip('_')}"
    feed.offer({"held.iso": repository_id.encode()})
    run("repo", "create", repository_id, "--importer", "iso_importer", "--feed", feed.url)
    first = run("repo", "sync", repository_id, "--background").out.strip()
    assert feed.was_asked_for_held.wait(30)
    return repository_id, first, run("repo", "sync", repository_id, "--background").out.strip()


def test_a_task_behind_another_tells_which_one_holds_its_repository(run, feed, held: tuple[str, str, str]) -> None:
    repository_id, first, second = held

    shown = run("task", "show", second)
    listed = run("task", "list", "--repository", repository_id, "--state", "waiting", "-o", "json").document
    feed.release()

    text = f"repository:{repository_id} is held by task {first} (sync {repository_id}, running for"
    assert f"Waits for  {text}" in shown.out
    assert "position 2 of 2" in shown.out
    assert [report["waiting"]["reason"] for report in listed] == ["resource"]
    assert listed[0]["waiting"]["data"]["task_id"] == first


def test_watching_a_task_says_why_it_waits_and_then_how_it_goes(run, feed, held: tuple[str, str, str]) -> None:
    repository_id, first, second = held
    said = f"sync {repository_id}: waiting, task {second}: repository:{repository_id} is held by task {first} "

    timed_out = run("task", "watch", second, "--timeout", "0.5")
    feed.release()
    watched = run("task", "watch", second)

    assert timed_out.code == 5
    assert timed_out.out.startswith(said)
    assert watched.code == 0
    assert f"sync {repository_id}: finished in " in watched.out


def test_a_list_notes_why_tasks_wait_and_what_was_wrong_with_others(run, engine: Engine) -> None:
    engine.enqueue(ship, "1")
    failed = engine.enqueue(refuse)
    drain(engine)
    engine.database.execute(
        "UPDATE task SET state = 'error', error = ? WHERE task_id = ?", ('{"description": "no"}', failed.task_id)
    )
    engine.enqueue(ship, "2", not_before=timedelta(hours=3))

    lines = run("task", "list").out.splitlines()

    assert lines[0].split() == ["TASK", "STATE", "WHAT", "AGE", "TOOK", "NOTE"]
    assert "  starts in " in lines[1]
    assert lines[2].endswith("  no")


def test_a_task_shows_its_queue_its_priority_and_that_nobody_serves_it(run, engine: Engine) -> None:
    handle = engine.enqueue(ship, "1")

    shown = run("task", "show", handle.task_id).out

    assert "Waits for  no worker is running; start one: entrepot worker\n" in shown
    assert "Queue      parcels\n" in shown
    assert "Priority   low\n" in shown


def test_a_task_to_be_tried_again_shows_its_runs(run, engine: Engine) -> None:
    handle = engine.enqueue(refuse)
    drain(engine)

    shown = run("task", "show", handle.task_id).out

    assert "Waits for   tried once; tried again at " in shown
    assert ": out of parcels\n" in shown
    assert "Not before  " in shown
    assert "Attempts    1 by drain@test at " in shown


def test_a_task_is_canceled_with_all_that_it_spawned(run, engine: Engine) -> None:
    parent, child = engine.enqueue(ship, "1"), engine.enqueue(ship, "2")
    engine.database.execute(
        "UPDATE task SET parent = (SELECT id FROM task WHERE task_id = ?) WHERE task_id = ?", (parent.task_id, child.task_id)
    )

    ran = run("task", "cancel", parent.task_id, "--with-spawned")

    assert ran.out == f"Task {parent.task_id} is canceled.\nAll that it spawned is canceled, or told to stop.\n"
    assert child.state == "canceled"


def test_groups_are_listed_and_shown_with_their_counters(run, engine: Engine) -> None:
    group = engine.group()
    engine.enqueue(ship, "1", group=group)
    drain(engine)
    engine.enqueue(ship, "2", group=group)

    listed, shown = run("group", "list"), run("group", "show", group.group_id)
    document = run("group", "show", group.group_id, "-o", "json").document

    assert listed.out.splitlines()[0].split() == ["GROUP", "CREATED", "TASKS", "STATES"]
    assert listed.out.splitlines()[1].endswith("  2  1 waiting, 1 finished")
    assert f"Group     {group.group_id}\n" in shown.out
    assert "Finished  1\n" in shown.out
    assert document["group_id"] == group.group_id
    assert document["summary"] == group.summary()


def test_the_tasks_of_a_group_are_listed(run, engine: Engine) -> None:
    group = engine.group()
    member = engine.enqueue(ship, "1", group=group)
    engine.enqueue(ship, "2")

    listed = run("task", "list", "--group", group.group_id, "-o", "json").document

    assert [report["task_id"] for report in listed] == [member.task_id]


def test_waiting_for_a_group_that_ended_well_is_exit_code_0(run, engine: Engine) -> None:
    group = engine.group()
    engine.enqueue(ship, "1", group=group)
    drain(engine)

    ran = run("group", "wait", group.group_id)

    assert (ran.code, ran.err) == (0, "")
    assert "Finished  1\n" in ran.out


def test_a_group_of_which_a_task_failed_is_exit_code_1(run, engine: Engine) -> None:
    group = engine.group()
    engine.enqueue(ship, "1", group=group)
    drain(engine)
    engine.database.execute("UPDATE task SET state = 'error'")

    ran = run("group", "wait", group.group_id, "-o", "json")

    assert ran.code == 1
    assert ran.document["summary"]["error"] == 1
    assert ran.error["description"] == f"Failed: 1 of 1 tasks of group {group.group_id}."


def test_a_group_that_was_canceled_is_exit_code_4(run, engine: Engine) -> None:
    group = engine.group()
    for number in ("1", "2"):
        engine.enqueue(ship, number, group=group)
    drain(engine, limit=1)

    canceled, waited = run("group", "cancel", group.group_id), run("group", "wait", group.group_id)

    assert canceled.out == "1 task is canceled or told to stop; 1 had ended already.\n"
    assert waited.code == 4


def test_a_group_that_does_not_end_in_time_is_exit_code_5(run, engine: Engine) -> None:
    group = engine.group()
    engine.enqueue(ship, "1", group=group)

    ran = run("group", "wait", group.group_id, "--timeout", "0.1")

    assert ran.code == 5
    assert "they go on" in ran.err


def test_waiting_for_a_group_without_a_worker_is_exit_code_6(run, engine: Engine) -> None:
    group = engine.group()
    engine.enqueue(ship, "1", group=group)

    ran = run("group", "wait", group.group_id)

    assert ran.code == 6
    assert "entrepot worker" in ran.err


@pytest.mark.parametrize("command", [("group", "show"), ("group", "wait"), ("group", "cancel"), ("task", "list", "--group")])
def test_an_unknown_group_is_exit_code_3(run, engine: Engine, command: tuple[str, ...]) -> None:
    ran = run(*command, "nothing")

    assert ran.code == 3
    assert "hint: See what there is: entrepot group list" in ran.err
