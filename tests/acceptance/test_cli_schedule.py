"""Schedules on the command line: added, previewed, listed, switched, run and deleted; here and on a server."""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrepot import Engine

#: So far off that "in so many days" does not change while a test runs.
FAR = "2990-01-01T00:00:00Z/P1D"
BAKERY = """
import entrepot


@entrepot.task(name="bakery.bake")
def bake(loaves, *, glaze=False):
    return loaves
"""


@pytest.fixture
def zoo(tmp_path: Path, sqlite_template: Path) -> str:
    """A repository with an importer and one distributor, in the engine of this test."""
    (tmp_path / "data").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / "data" / "entrepot.sqlite3")
    with Engine() as engine:
        engine.repositories.create(
            "zoo",
            importer_type_id="iso_importer",
            importer_config={"feed": "http://127.0.0.1:9/"},
            distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web"}],
        )
    return "zoo"


@pytest.fixture
def nightly(run, zoo: str) -> str:
    """The id of a schedule that syncs the repository."""
    ran = run("schedule", "add", "sync", zoo, FAR, "--failure-threshold", "3", "-o", "json")
    assert ran.code == 0, ran.err
    return ran.document["schedule_id"]


@pytest.fixture
def bakery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module with a task, which the settings name; forgotten afterwards, for others have one of that name."""
    (tmp_path / "bakery.py").write_text(BAKERY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ENTREPOT_TASK_MODULES", '["bakery"]')
    sys.modules.pop("bakery", None)
    yield
    sys.modules.pop("bakery", None)


def test_a_sync_is_scheduled_with_all_that_was_said(run, zoo: str) -> None:
    said = ("--time-zone", "Europe/Zurich", "--override", "max_downloads=2", "--failure-threshold", "3")
    more = ("--overlap", "queue", "--jitter", "60", "--disabled")
    made = run("schedule", "add", "sync", zoo, "02:00/P1D", *said, *more, "-o", "json").document

    assert (made["kind"], made["plugin_id"], made["sentence"]) == ("sync", "iso_importer", "every day at 02:00 Europe/Zurich")
    assert (made["override_config"], made["failure_threshold"]) == ({"max_downloads": 2}, 3)
    assert (made["overlap"], made["jitter_seconds"], made["enabled"]) == ("queue", 60, False)


def test_what_was_added_is_said_with_its_next_run(run, zoo: str) -> None:
    ran = run("schedule", "add", "publish", zoo, "PT1H")

    assert ran.out.startswith("Added schedule ")
    assert ran.out.endswith(": publish zoo (web) every hour, next now.\n")


def test_a_task_is_scheduled_with_its_arguments(run, zoo: str, bakery) -> None:
    made = run("schedule", "add", "task", "bakery.bake", "R3/PT1H", "--arg", "12", "--kwarg", "glaze=true", "-o", "json")

    assert (made.document["args"], made.document["kwargs"], made.document["remaining_runs"]) == ([12], {"glaze": True}, 3)
    assert "Arguments  12, glaze=true\n" in run("schedule", "show", made.document["schedule_id"]).out


def test_a_task_that_cannot_be_called_is_refused(run, zoo: str, bakery) -> None:
    for named, command in (("bakery.burn", ("bakery.burn",)), ("does not take them", ("bakery.bake", "--kwarg", "salt=1"))):
        ran = run("schedule", "add", "task", *command, "PT1H")

        assert (ran.code, named in ran.err) == (2, True)
    assert run("schedule", "list", "-o", "json").document == []


def test_schedules_are_listed_in_words_and_by_repository(run, nightly: str) -> None:
    printed = run("schedule", "list").out.splitlines()
    of_zoo = run("schedule", "list", "--repository", "zoo", "-o", "json").document

    assert printed[0].split() == ["SCHEDULE", "WHAT", "NEXT", "RUN", "WHEN"]
    assert printed[1].startswith(f"{nightly[:8]}  sync zoo  in ")
    assert printed[1].endswith(" days  every day at 00:00 UTC")
    assert [one["schedule_id"] for one in of_zoo] == [nightly]


def test_a_schedule_is_disabled_and_enabled_by_the_beginning_of_its_id(run, nightly: str) -> None:
    disabled = run("schedule", "disable", nightly[:6])
    listed, previewed = run("schedule", "list"), run("schedule", "preview", nightly[:6])
    enabled = run("schedule", "enable", nightly[:6])

    assert disabled.out == f"Disabled schedule {nightly}: sync zoo every day at 00:00 UTC.\n"
    assert "  disabled  " in listed.out
    assert previewed.out == "sync zoo every day at 00:00 UTC, disabled\n"
    assert enabled.out.startswith(f"Enabled schedule {nightly}: sync zoo every day at 00:00 UTC, next in ")


def test_a_run_out_of_turn_enqueues_its_task_and_moves_nothing(run, nightly: str) -> None:
    before = run("schedule", "show", nightly, "-o", "json").document

    task_id = run("schedule", "run-now", nightly, "--background").out.strip()

    assert run("task", "show", task_id, "-o", "json").document["state"] == "waiting"
    assert run("schedule", "show", nightly, "-o", "json").document == before


def test_a_deleted_schedule_is_gone(run, nightly: str) -> None:
    deleted = run("schedule", "delete", nightly[:8], "-o", "json")

    assert deleted.document == {"schedule_id": nightly, "deleted": True}
    assert run("schedule", "show", nightly).code == 3


def test_a_preview_says_the_sentence_and_the_runs_and_needs_no_database(run) -> None:
    printed = run("schedule", "preview", "2990-03-30T02:30:00/P1D", "--time-zone", "Europe/Zurich", "--count", "2")
    document = run("schedule", "preview", "R2/2990-12-24T18:00:00+01:00/P1Y", "-o", "json").document

    lines = printed.out.splitlines()
    assert (printed.code, printed.err) == (0, "")
    assert lines[0].startswith("every day at 02:30 Europe/Zurich, next in ")
    assert lines[2].split() == ["DAY", "Europe/Zurich", "UTC", "WHEN"]
    assert lines[3].startswith("Tue  2990-03-30 02:30:00+02:00  2990-03-30 00:30:00  in ")
    assert len(lines) == 5
    assert document["runs"] == ["2990-12-24T17:00:00Z", "2991-12-24T17:00:00Z"]


def test_what_is_no_schedule_is_refused_with_the_reason(run, nightly: str) -> None:
    for code, named, command in (
        (2, "needs exactly one interval", ("preview", "nightly")),
        (2, "no IANA time zone", ("preview", "P1D", "--time-zone", "Mars")),
        (2, "--count", ("preview", "P1D", "--count", "101")),
        (2, "has its own", ("preview", nightly, "--time-zone", "UTC")),
        (2, "time_zone", ("add", "sync", "zoo", "PT0S", "--time-zone", "Mars")),
        (2, "jitter_seconds", ("add", "sync", "zoo", "PT1H", "--jitter", "-1")),
        (2, "too short", ("show", nightly[:5])),
        (3, "entrepot repo list", ("add", "sync", "nowhere", "PT1H")),
        (3, "distributor", ("add", "publish", "zoo", "PT1H", "--distributor-id", "nowhere")),
        (3, "entrepot schedule list", ("enable", "0" * 24)),
        (3, "entrepot schedule list", ("preview", "0" * 7)),
        (3, "entrepot repo list", ("list", "--repository", "nowhere")),
    ):
        ran = run("schedule", *command)

        assert (ran.code, named in ran.err) == (code, True), (command, ran.err)


@pytest.fixture
def remotely(run, served) -> Any:
    """Run a command line over REST, as the administrator and without anything of the machine's own."""
    token = run("token", "create", "admin", f"schedules-{secrets.token_hex(6)}", "-o", "json").document["token"]

    def remotely(*arguments: object) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ENTREPOT_DATA_DIR", "/nowhere")
            return run("--url", served.url, "--token", token, *arguments)

    return remotely


def test_a_server_is_asked_in_the_same_words(run, remotely, feed) -> None:
    feed.offer({"a.iso": b"scheduled far away"})
    distributor = ("--distributor", "iso_distributor")
    assert run("repo", "create", "far-zoo", "--importer", "iso_importer", "--feed", feed.url, *distributor).code == 0
    added = remotely("schedule", "add", "sync", "far-zoo", FAR, "--override", "max_downloads=2", "-o", "json").document
    assert remotely("schedule", "add", "publish", "far-zoo", FAR, "--disabled").code == 0
    schedule_id = added["schedule_id"]

    for command in (
        ("list", "--repository", "far-zoo"),
        ("list", "--repository", "nowhere"),
        ("show", schedule_id),
        ("show", schedule_id[:5]),
        ("show", "0" * 24),
        ("preview", schedule_id[:8], "--count", "3"),
        ("preview", FAR, "--time-zone", "Europe/Zurich"),
        ("preview", "nightly"),
        ("add", "sync", "far-zoo", "PT0S", "--time-zone", "Mars", "--jitter", "-1"),
        ("add", "sync", "nowhere", FAR),
        ("add", "publish", "far-zoo", FAR, "--distributor-id", "nowhere"),
        ("add", "task", "bakery.burn", FAR),
    ):
        here, there = (ask("schedule", *command, "-o", "json") for ask in (run, remotely))

        assert (there.code, there.out, there.err) == (here.code, here.out, here.err), command
    assert remotely("schedule", "list").out == run("schedule", "list").out
    assert remotely("schedule", "disable", schedule_id).code == 0
    assert run("schedule", "show", schedule_id, "-o", "json").document["enabled"] is False
    assert remotely("schedule", "enable", schedule_id).code == 0
    assert remotely("schedule", "run-now", schedule_id, "-o", "json").document["state"] == "finished"
    assert remotely("schedule", "delete", schedule_id).code == 0
    assert run("schedule", "show", schedule_id).code == 3
