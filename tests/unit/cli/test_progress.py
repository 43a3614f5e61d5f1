"""How a running task looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from entrepot.cli.progress import LineDisplay, LiveDisplay, open_display
from entrepot.cli.steps import note, outcome, runs, unit_errors
from entrepot.errors import JSON
from entrepot.tasking import Attempt, TaskReport, Waiting
from entrepot.tasking.steps import steps_of
from entrepot.tasking.waiting import Reason

_START = datetime(2026, 11, 2, 10, 20, 30, tzinfo=UTC)


def _step(**given: JSON) -> dict[str, JSON]:
    return {"step_id": "download", "description": "Downloading", "state": "IN_PROGRESS", "items_total": 10_000} | given


def _report(state: str = "running", *given: dict[str, JSON]) -> TaskReport:
    return TaskReport(
        row_id=1,
        task_id="5b1c",
        task_type="sync",
        state=state,
        tags=("pulp:repository:zoo", "pulp:action:sync"),
        created=_START,
        started=None if state == "waiting" else _START,
        finished=None if state in ("waiting", "running") else _START + timedelta(seconds=12),
        worker_name=None if state == "waiting" else "worker-0",
        progress={"iso_importer": list(given)} if given else {},
        result=None,
        error=None,
        traceback=None,
        spawned=(),
        parent=None,
        group_id=None,
        queue="default",
        priority="default",
        not_before=None,
        attempt=1,
        rescues=0,
        retries=0,
        attempts=(),
        waiting=None,
    )


def _waiting(reason: Reason, text: str) -> TaskReport:
    return replace(_report("waiting"), waiting=Waiting(reason, text, {}))


def test_a_step_tells_its_items_bytes_and_failures() -> None:
    (step,) = steps_of(
        _report("running", _step(num_processed=1200, bytes_done=12_300_000, bytes_total=40_000_000, num_failures=2))
    )

    assert step.counts == "1,200/10,000  12.3 MB/40.0 MB  2 failed"


def test_a_progress_report_may_lack_anything() -> None:
    report = replace(_report(), progress={"odd": [{}, "text", {"num_processed": None}], "other": "text"})

    assert [step.description for step in steps_of(report)] == ["odd/0", "odd/2"]


def test_lines_are_printed_once_for_each_state_of_the_task_and_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    display = LineDisplay()

    display.show("sync zoo", _report("waiting"))
    for done in (0, 5000, 9000):
        display.show("sync zoo", _report("running", _step(num_processed=done)))
    finished = _report("finished", _step(num_processed=10_000, state="FINISHED"))
    display.show("sync zoo", finished)
    display.end("sync zoo", replace(finished, result={"added_count": 10_000, "updated_count": 0, "removed_count": 2}))

    assert capsys.readouterr().out.splitlines() == [
        "sync zoo: waiting, task 5b1c",
        "sync zoo: running by worker-0, task 5b1c",
        "sync zoo: Downloading: in progress  0/10,000",
        "sync zoo: Downloading: finished  10,000/10,000",
        "sync zoo: finished in 12 s: 10,000 added, 0 updated, 2 removed",
    ]


def test_a_rescued_task_is_said_to_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    display = LineDisplay()

    display.show("sync zoo", _report())
    display.show("sync zoo", replace(_report(), attempt=2, worker_name="worker-1"))

    assert "running by worker-1" in capsys.readouterr().out


def test_a_terminal_shows_a_bar_and_keeps_the_end() -> None:
    console = Console(force_terminal=True, width=120, color_system=None)
    display = LiveDisplay(console)
    with console.capture() as captured, display.live:
        display.show("sync zoo", _report("running", _step(num_processed=5000)))
        display.live.refresh()
        display.end("sync zoo", _report("error", _step(num_processed=5000, state="FAILED")))

    shown = captured.get()
    assert "━━━" in shown
    assert "✗ sync zoo  failed in 12 s" in shown
    assert "✗ Downloading" in shown


def test_json_output_is_not_mixed_with_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with open_display(as_json=True, is_quiet=False) as display:
        display.show("sync zoo", _report())
        display.end("sync zoo", _report("finished"))

    assert capsys.readouterr() == ("", "")


def test_errors_of_single_units_are_told_once_each() -> None:
    error: dict[str, JSON] = {"sub_errors": [{"description": "b.iso: 404"}, {"description": "a.iso: size differs"}]}
    report = replace(_report("error", _step(error_details=[{"error": "a.iso: size differs"}, "c.iso"])), error=error)

    assert unit_errors(report) == ["a.iso: size differs", "c.iso", "b.iso: 404"]


def test_the_outcome_of_a_task_that_never_ran_has_no_duration() -> None:
    assert outcome(replace(_report("canceled"), started=None)) == "canceled"


def test_the_outcome_of_a_publish_tells_its_files() -> None:
    result: dict[str, JSON] = {"summary": {"files": 301, "added": 0, "removed": 0, "unchanged": True}}

    assert outcome(replace(_report("finished"), result=result)) == "finished in 12 s: 301 files, 0 added, 0 removed, unchanged"


@pytest.mark.parametrize(
    ("result", "tag", "told"),
    [
        ({"units_successful": [{"type_id": "iso"}]}, "pulp:action:associate", ": 1 unit"),
        ({"units_successful": [], "truncated": True, "units_total": 20_000}, "pulp:action:associate", ": 20,000 units"),
        ({"iso": 1200, "rpm": 1}, "pulp:content_unit:orphans", ": 1,200 iso deleted, 1 rpm deleted"),
        ({}, "pulp:content_unit:orphans", ": nothing to delete"),
        (None, "pulp:content_unit:orphans", ""),
    ],
)
def test_the_outcome_of_a_copy_and_of_a_deletion_tells_the_units(result: JSON, tag: str, told: str) -> None:
    assert outcome(replace(_report("finished"), result=result, tags=(tag,))) == f"finished in 12 s{told}"


def test_a_task_is_called_by_its_action_and_repository_or_else_by_its_type() -> None:
    assert _report().title == "sync zoo"
    assert replace(_report(), tags=("mine",), task_type="my.task").title == "my.task"


def test_a_line_tells_why_a_task_waits_once_for_each_reason(capsys: pytest.CaptureFixture[str]) -> None:
    display = LineDisplay()

    display.show("sync zoo", _waiting("resource", "zoo is held by task 1; position 3 of 3"))
    display.show("sync zoo", _waiting("resource", "zoo is held by task 2; position 2 of 2"))
    display.show("sync zoo", _waiting("busy", "4 of 4 threads of 1 worker are busy"))

    assert capsys.readouterr().out.splitlines() == [
        "sync zoo: waiting, task 5b1c: zoo is held by task 1; position 3 of 3",
        "sync zoo: waiting, task 5b1c: 4 of 4 threads of 1 worker are busy",
    ]


def test_a_task_that_is_about_to_be_taken_gives_no_reason(capsys: pytest.CaptureFixture[str]) -> None:
    LineDisplay().show("sync zoo", _waiting("ready", "a worker is about to take it"))

    assert capsys.readouterr().out == "sync zoo: waiting, task 5b1c\n"


def test_a_live_display_tells_why_a_task_waits_as_long_as_it_does() -> None:
    out = Console(width=100, force_terminal=True, color_system=None)
    display = LiveDisplay(out)

    with out.capture() as capture:
        display.show("sync zoo", _waiting("limit", "at most 2 at once for sync; position 3 of 7"))
        out.print(display.live.get_renderable())
        display.show("sync zoo", _report())
        out.print(display.live.get_renderable())

    waiting, reason, running = capture.get().splitlines()
    assert waiting.endswith("sync zoo  waiting  task 5b1c")
    assert reason.strip() == "at most 2 at once for sync; position 3 of 7"
    assert "sync zoo  running" in running


def test_each_run_that_did_not_end_a_task_is_told_with_its_error() -> None:
    ended = _START + timedelta(seconds=12)
    attempts = (
        Attempt(1, "worker-0", _START, ended, {"description": "connection refused"}),
        Attempt(2, "worker-1", None, ended, None),
    )

    assert runs(replace(_report(), attempts=attempts)) == [
        "1 by worker-0 at 2026-11-02T10:20:30Z for 12 s: connection refused",
        "2 by worker-1 not begun: its worker was lost",
    ]


@pytest.mark.parametrize(
    ("reason", "data", "text"),
    [
        ("retry", {"tries": 2, "error": "connection refused"}, "tried 2×: connection refused"),
        ("resource", {"position": 2, "of": 5, "title": "sync zoo"}, "2 of 5, behind sync zoo"),
        ("limit", {"position": 3, "of": 7, "capacity": 2, "limit": "sync"}, "3 of 7, 2 at once: sync"),
        ("paused", {}, "its workers are drained"),
        ("no worker", {"queue": "mail"}, "no worker of queue mail"),
        ("busy", {"ready_before": 12}, "busy, 12 before it"),
        ("ready", {}, "ready"),
    ],
)
def test_a_note_says_in_a_few_words_why_a_task_waits(reason: Reason, data: dict[str, JSON], text: str) -> None:
    assert note(replace(_report("waiting"), waiting=Waiting(reason, "in full", data))) == text


def test_the_note_of_a_task_that_failed_is_its_error_and_of_any_other_nothing() -> None:
    assert note(replace(_report("error"), error={"description": "no such file"})) == "no such file"
    assert note(_report()) == ""
