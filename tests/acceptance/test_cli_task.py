"""Tasks on the command line: waited for, timed out, interrupted, canceled, and without a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from entrepot import Engine


@pytest.fixture
def held_task(run, served, feed, request: pytest.FixtureRequest):
    """A sync that runs until the feed is released."""
    repository_id = f"held-{request.node.name[:40].rstrip('_')}"
    feed.offer({"held.iso": repository_id.encode()})  # bytes that the engine has already would not be asked for
    run("repo", "create", repository_id, "--importer", "iso_importer", "--feed", feed.url)
    task_id = run("repo", "sync", repository_id, "--background").out.strip()
    assert feed.was_asked_for_held.wait(30)
    return task_id


def test_a_wait_that_times_out_is_exit_code_5_and_the_task_goes_on(run, feed, held_task: str) -> None:
    ran = run("task", "wait", held_task, "--timeout", "0.2")
    feed.release()

    assert ran.code == 5
    assert "it goes on" in ran.err
    assert run("task", "watch", held_task).code == 0


def test_a_canceled_task_is_exit_code_4(run, feed, held_task: str) -> None:
    canceled = run("task", "cancel", held_task)
    feed.release()

    assert canceled.code == 0
    assert run("task", "wait", held_task).code == 4
    assert run("task", "cancel", held_task).out == f"Task {held_task} had ended already: canceled.\n"


def test_ctrl_c_stops_the_waiting_and_not_the_task(run, feed, held_task: str) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it, and so do their children
    command = [sys.executable, "-m", "entrepot", "task", "watch", held_task]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it waits now
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    feed.release()

    assert process.returncode == 130
    assert f"entrepot task watch {held_task}" in error
    assert "Traceback" not in error
    assert run("task", "wait", held_task).code == 0


def test_tasks_are_listed_by_state_and_repository(run, feed, held_task: str) -> None:
    repository_id = run("task", "show", held_task, "-o", "json").document["tags"][0].rpartition(":")[2]

    running = run("task", "list", "--repository", repository_id, "--state", "running", "-o", "json").document
    finished = run("task", "list", "--repository", repository_id, "--state", "finished", "-o", "json").document

    assert [report["task_id"] for report in running] == [held_task]
    assert finished == []


def test_an_unknown_state_is_refused_with_those_there_are(run) -> None:
    run("init")

    ran = run("task", "list", "--state", "sleeping")

    assert ran.code == 2
    assert "waiting" in ran.err


@pytest.mark.parametrize("command", ["show", "wait", "watch", "cancel"])
def test_an_unknown_task_is_exit_code_3(run, command: str) -> None:
    run("init")

    ran = run("task", command, "nothing")

    assert ran.code == 3
    assert "hint: See what there is: entrepot task list" in ran.err


def test_without_a_worker_the_task_is_kept_and_exit_code_is_6(run) -> None:
    run("init")
    run("repo", "create", "zoo", "--importer", "iso_importer", "--feed", "http://127.0.0.1:9/")

    ran = run("repo", "sync", "zoo", "-o", "json")
    (task,) = run("task", "list", "-o", "json").document

    assert ran.code == 6
    assert "entrepot worker" in ran.error["hints"][0]
    assert (task["task_id"], task["state"]) == (ran.error["data"]["task_id"], "waiting")


def test_a_waiting_task_is_canceled_at_once(run) -> None:
    run("init")
    run("repo", "create", "zoo", "--importer", "iso_importer", "--feed", "http://127.0.0.1:9/")
    task_id = run("repo", "sync", "zoo", "--background").out.strip()

    assert run("task", "cancel", task_id).out == f"Task {task_id} is canceled.\n"


@pytest.mark.parametrize("command", ["show", "cancel", "wait", "watch"])
def test_a_task_is_named_by_the_beginning_of_its_id(run, command: str) -> None:
    run("init")
    run("repo", "create", "zoo", "--importer", "iso_importer", "--feed", "http://127.0.0.1:9/")
    task_id = run("repo", "sync", "zoo", "--background").out.strip()
    run("task", "cancel", task_id)

    ran = run("task", command, task_id[:6])

    assert ran.code == (0 if command in ("show", "cancel") else 4)
    assert task_id in ran.out + ran.err


def test_the_beginning_of_several_ids_is_exit_code_2_and_says_how_many(run) -> None:
    run("init")
    for name in ("zoo", "ark"):
        run("repo", "create", name, "--importer", "iso_importer", "--feed", "http://127.0.0.1:9/")
        task_id = run("repo", "sync", name, "--background").out.strip()

    ran = run("task", "show", task_id[:6])

    assert ran.code == 2
    assert "the beginning of 2 ids" in ran.err


def test_a_group_is_named_by_the_beginning_of_its_id(run) -> None:
    run("init")
    with Engine() as engine:
        group_id = engine.group().group_id

    shown = [run("group", command, group_id[:6], "-o", "json") for command in ("show", "wait", "cancel")]

    assert [ran.document["group_id"] for ran in shown] == [group_id] * 3
    assert run("task", "list", "--group", group_id[:6]).code == 0
    assert run("group", "show", "0" * 8 if group_id[0] != "0" else "f" * 8).code == 3
