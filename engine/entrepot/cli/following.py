"""Wait for a task and for those it spawned, show how they go, and end as they end.

The walk: `follow` -> `_changes` (reports as they come, and a look at the workers now and then) -> a display (`progress`) -> the
final report -> the spawned tasks, one after the other -> `_conclude`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from entrepot import clock
from entrepot.cli.failures import CANCELED, FAILED, INTERRUPTED, TIMED_OUT, UNAVAILABLE, CommandFailed, Failure
from entrepot.cli.output import as_document, write_json, write_line
from entrepot.cli.progress import Display, open_display
from entrepot.cli.steps import unit_errors
from entrepot.errors import JSON, TaskCanceled, TaskError, TaskFailed, WaitTimeout

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.tasking import TaskHandle, TaskReport

#: How often the workers are looked at while a task is waited for, seconds.
_LOOK_SECONDS = 5.0
#: How long a worker that is just starting is waited for before the command says that there is none, seconds.
_PATIENCE_SECONDS = 3.0
_PATIENCE_LOOK_SECONDS = 0.25
#: Per-unit errors shown below a failed task; `task show` has all.
_SHOWN_ERRORS = 10


@dataclass(frozen=True)
class Following:
    """How a task is to be followed."""

    timeout_seconds: float | None
    as_json: bool
    is_quiet: bool = False
    with_spawned: bool = True


def start(engine: Engine, handle: TaskHandle, title: str, *, background: bool, following: Following) -> None:
    """Print the id of a task that was just enqueued and return, if it is to run in the background; else follow it."""
    if not background:
        follow(engine, handle, title, following)
    elif following.as_json:
        write_json(handle.report())
    else:
        write_line(handle.task_id)


def follow(engine: Engine, handle: TaskHandle, title: str, following: Following) -> None:
    """Show the task until it and the tasks it spawned have ended, and print what came of them.

    Raises `CommandFailed` if one failed or was canceled, if time ran out, or if no worker is there; ends with
    exit code 130 at Ctrl-C. The task goes on in the last three cases.
    """
    deadline = None if following.timeout_seconds is None else clock.monotonic() + following.timeout_seconds
    try:
        with open_display(as_json=following.as_json, is_quiet=following.is_quiet) as display:
            reports = list(_follow_all(engine, handle, title, deadline=deadline, display=display, following=following))
    except KeyboardInterrupt:
        write_line(f"\nStopped waiting; the task goes on. Watch it again: entrepot task watch {handle.task_id}", stderr=True)
        raise typer.Exit(INTERRUPTED) from None
    if following.as_json:
        spawned: list[JSON] = [as_document(report) for report in reports[1:]]
        first = as_document(reports[0])
        assert isinstance(first, dict)  # noqa: S101 - a dataclass
        write_json({**first, "spawned_reports": spawned})
    for report in reports:
        _conclude(report)


def _follow_all(
    engine: Engine, handle: TaskHandle, title: str, *, deadline: float | None, display: Display, following: Following
) -> Iterator[TaskReport]:
    """Yield the final report of the task, then those of the tasks it spawned."""
    report = handle.report()
    for changed in _changes(engine, handle, deadline, following):
        report = changed
        display.show(title, report)
    display.end(title, report)
    yield report
    for task_id in report.spawned if following.with_spawned else ():
        spawned = engine.tasks.handle(task_id)
        title = task_title(spawned.report())
        yield from _follow_all(engine, spawned, title, deadline=deadline, display=display, following=following)


def task_title(report: TaskReport) -> str:
    """Return what a task is called to people: its action and its repository where its tags tell them.

    Source of the tags: the Pulp 2 REST contract, section 3.3 (`pulp:action:sync`, `pulp:repository:zoo`).
    """
    found: dict[str, str] = {}
    for tag in report.tags:
        kind, _, value = tag.removeprefix("pulp:").partition(":")
        found.setdefault(kind, value)
    words = [found.get("action", ""), found.get("repository", "")]
    return " ".join(word for word in words if word) or report.task_type


def _changes(engine: Engine, handle: TaskHandle, deadline: float | None, following: Following) -> Iterator[TaskReport]:
    """Yield the task's reports until it has ended, looking after the workers in between."""
    while True:
        left = None if deadline is None else deadline - clock.monotonic()
        if left is not None and left <= 0:
            report = handle.report()
            if report.is_final:
                yield report
                return
            raise CommandFailed(_timed_out(report, following))
        try:
            slice_seconds = _LOOK_SECONDS if left is None else min(_LOOK_SECONDS, left)
            report = handle.report()
            if report.state == "waiting":
                yield report
                _require_worker(engine, handle, deadline)
            yield from handle.watch(timeout=slice_seconds)
        except WaitTimeout:
            if not _has_worker(engine):
                _require_worker(engine, handle, deadline)
            continue
        return


def _has_worker(engine: Engine) -> bool:
    return any(worker.alive for worker in engine.workers())


def _require_worker(engine: Engine, handle: TaskHandle, deadline: float | None) -> None:
    """Return when a worker is alive or the task has ended; raise `CommandFailed` if none appears in a while."""
    patience = clock.monotonic() + _PATIENCE_SECONDS
    if deadline is not None:
        patience = min(patience, deadline)
    while not _has_worker(engine):
        if clock.monotonic() >= patience:
            raise CommandFailed(_no_worker(handle))
        try:
            for report in handle.watch(timeout=_PATIENCE_LOOK_SECONDS):
                if report.is_final:
                    return
        except WaitTimeout:
            continue


def _no_worker(handle: TaskHandle) -> Failure:
    return Failure(
        f"No worker is running, so task {handle.task_id} waits; it is kept and runs when one is there.",
        UNAVAILABLE,
        TaskError.code,
        {"task_id": handle.task_id},
        ["Start one: entrepot worker    (or the whole engine: entrepot serve)", f"Then: entrepot task watch {handle.task_id}"],
    )


def _timed_out(report: TaskReport, following: Following) -> Failure:
    return Failure(
        f"Task {report.task_id} is still {report.state} after {following.timeout_seconds:g} s; it goes on.",
        TIMED_OUT,
        WaitTimeout.code,
        {"task_id": report.task_id, "state": report.state},
        [f"Wait again: entrepot task watch {report.task_id}", f"Or stop it: entrepot task cancel {report.task_id}"],
    )


def _conclude(report: TaskReport) -> None:
    """Return if the task ended well; else raise `CommandFailed` with its error and the first of its per-unit errors."""
    if report.state == "canceled":
        failure = Failure(f"Task {report.task_id} was canceled.", CANCELED, TaskCanceled.code, {"task_id": report.task_id})
        raise CommandFailed(failure)
    if report.state != "error":
        return
    error = report.error or {}
    details = unit_errors(report)
    hints = [f"More: entrepot task show {report.task_id}"]
    if len(details) > _SHOWN_ERRORS:
        details = [*details[:_SHOWN_ERRORS], f"… and {len(details) - _SHOWN_ERRORS} more"]
    code, data, subs = error.get("code"), error.get("data"), error.get("sub_errors")
    raise CommandFailed(
        Failure(
            str(error.get("description") or "The task failed."),
            FAILED,
            code if isinstance(code, str) else TaskFailed.code,
            {**(data if isinstance(data, dict) else {}), "task_id": report.task_id, "sub_errors": subs or []},
            hints,
            details,
        )
    )
