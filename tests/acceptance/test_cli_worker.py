"""Workers on the command line: listed, drained and resumed."""

from __future__ import annotations

import json

import pytest

from entrepot import Engine, clock
from entrepot.wording import size_text


@pytest.fixture
def engine(run) -> Engine:
    """An engine of which two workers are known: `one` on web-1, `two` on web-2."""
    assert run("init").code == 0
    engine = Engine()
    for name, host, queues in (("one", "web-1", []), ("two", "web-2", ["mail", "night"])):
        now = clock.now_us()
        with engine.transaction() as database:
            database.execute(
                "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at, queues, tasks_ended, rss_bytes) "
                "VALUES (?, ?, 4711, 4, '1', ?, ?, ?, 17, 63000000)",
                (f"reserved_resource_worker-{name}@{host}", host, now, now, json.dumps(queues)),
            )
    engine.close()
    return engine


def run_tasks(engine: Engine, name: str, count: int) -> list[str]:
    """Let the worker run so many tasks, and return their ids."""
    ids = [f"019a0b1c-{number}{name.encode().hex()[:3]}-7000-8000-000000000000" for number in range(count)]
    with engine.transaction() as database:
        for task_id in ids:
            database.execute(
                "INSERT INTO task (task_id, task_type, state, arguments, tags, idempotent, created_at, started_at, owner) "
                "SELECT ?, 'shop.pack', 'running', '{}', '[]', 0, 1, ?, name FROM worker WHERE name LIKE ?",
                (task_id, clock.now_us(), f"%-{name}@%"),
            )
    engine.close()
    return ids


def drains(engine: Engine) -> list[str]:
    with engine:
        return [row[0] for row in engine.database.rows("SELECT target FROM worker_drain ORDER BY target")]


@pytest.mark.usefixtures("engine")
def test_the_list_tells_what_each_worker_is_doing(run) -> None:
    listed = run("worker", "list").out.splitlines()

    assert listed[0].split() == ["NAME", "HOST", "PID", "STATE", "VERSION", "BUSY", "QUEUES", "UP", "BEAT", "RSS", "ENDED"]
    assert listed[1].split()[:7] == ["one", "web-1", "4711", "active", "1", "0/4", "all"]
    assert listed[2].split()[:8] == ["two", "web-2", "4711", "active", "1", "0/4", "mail,", "night"]
    assert listed[2].endswith(f"{size_text(63_000_000)}     17")


def test_the_list_names_what_runs_where_that_is_little(run, engine: Engine) -> None:
    ids = run_tasks(engine, "one", 1) + run_tasks(engine, "two", 3)

    listed = run("worker", "list").out.splitlines()

    assert listed[0].endswith("  RUNS")
    assert listed[1].endswith(f"  {ids[0][:13]}")
    assert listed[2].endswith(f"  {ids[1][:13]}, +2")


def test_the_list_tells_each_task_that_runs_if_asked(run, engine: Engine) -> None:
    ids = run_tasks(engine, "one", 1) + run_tasks(engine, "two", 3)

    listed = run("worker", "list", "--tasks").out.split("\n\n")[1].splitlines()

    assert listed[0].split() == ["WORKER", "TASK", "FOR", "WHAT"]
    assert [line.split()[:2] for line in listed[1:]] == [["one", ids[0]], *(["two", task_id] for task_id in ids[1:])]


@pytest.mark.usefixtures("engine")
def test_the_list_as_json_has_all_that_is_known(run) -> None:
    [one, two] = run("worker", "list", "-o", "json").document

    assert one["name"] == "reserved_resource_worker-one@web-1"
    assert (two["queues"], two["state"], two["tasks"], two["rss_bytes"]) == (["mail", "night"], "active", [], 63_000_000)


def test_without_workers_the_list_says_how_to_start_some(run) -> None:
    run("init")

    ran = run("worker", "list")

    assert (ran.code, ran.out) == (0, "")
    assert "entrepot worker" in ran.err


def test_a_worker_is_drained_and_resumed_by_its_short_name(run, engine: Engine) -> None:
    ran = run("worker", "drain", "tw")

    assert ran.code == 0
    assert "entrepot worker resume tw" in ran.out
    assert drains(engine) == ["worker:reserved_resource_worker-two@web-2"]
    assert run("worker", "resume", "tw").code == 0
    assert drains(engine) == []


def test_a_host_and_all_are_drained_by_an_option(run, engine: Engine) -> None:
    drained = run("worker", "drain", "--host", "web-1", "-o", "json").document
    assert run("worker", "drain", "--all").code == 0

    assert [worker["host"] for worker in drained] == ["web-1"]
    assert drains(engine) == ["all", "host:web-1"]


@pytest.mark.usefixtures("engine")
def test_one_worker_of_a_drained_host_is_not_resumed_alone(run) -> None:
    run("worker", "drain", "--host", "web-1")

    ran = run("worker", "resume", "one")

    assert ran.code == 2
    assert "resume the host" in ran.err


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("command", ["drain", "resume"])
def test_an_unknown_worker_is_exit_code_3(run, command: str) -> None:
    ran = run("worker", command, "three")

    assert ran.code == 3
    assert "worker=three" in ran.err
    assert "entrepot worker list" in ran.err


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("arguments", [(), ("one", "--all"), ("--host", "web-1", "--all")])
def test_which_workers_are_meant_is_said_once(run, arguments: tuple[str, ...]) -> None:
    assert run("worker", "drain", *arguments).code == 2


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("span", ["inf", "nan", "1e300"])
def test_a_wait_without_end_is_refused_before_anything_is_drained(run, engine: Engine, span: str) -> None:
    ran = run("worker", "drain", "--all", "--wait", span)

    assert ran.code == 2
    assert "is no number of seconds" in ran.err
    assert drains(engine) == []


@pytest.mark.usefixtures("engine")
def test_a_wait_for_a_drain_that_times_out_is_exit_code_5(run) -> None:
    ran = run("worker", "drain", "one", "--wait", "0")

    assert ran.code == 5
    assert "not quiet after 0 s" in ran.err


def test_a_wait_for_a_drain_ends_when_nothing_runs(run, engine: Engine) -> None:
    with engine:
        engine.database.execute("UPDATE worker SET state = 'drained'")

    assert run("worker", "drain", "one", "--wait", "30").code == 0


@pytest.mark.usefixtures("engine")
def test_a_queue_name_that_cannot_be_is_refused_before_anything_is_started(run) -> None:
    ran = run("worker", "--queue", "no such queue")

    assert ran.code == 2
    assert "no queue name" in ran.err
