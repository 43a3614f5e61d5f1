"""Wait for a task and for those it spawned, or for a group of tasks; show how they go, and end as they end.

The walk: `follow` -> `_changes` (reports as they come, and a look at the workers now and then) -> a display (`progress`) -> the
final report -> the spawned tasks, one after the other -> `_conclude`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import typer

from entrepot import clock
from entrepot.cli.failures import CANCELED, FAILED, INTERRUPTED, TIMED_OUT, UNAVAILABLE, CommandFailed, Failure
from entrepot.cli.output import as_document, write_json, write_line
from entrepot.cli.progress import Display, open_display
from entrepot.cli.steps import unit_errors
from entrepot.errors import JSON, AccessError, TaskCanceled, TaskError, TaskFailed, WaitTimeout

if TYPE_CHECKING:
    from entrepot import client, tasking
    from entrepot.client import Client
    from entrepot.engine import Engine
    from entrepot.tasking import GroupReport, TaskReport

    Service: TypeAlias = Engine | Client
    Handle: TypeAlias = tasking.TaskHandle | client.TaskHandle
    Group: TypeAlias = tasking.TaskGroup | client.TaskGroup

#: How often the workers are looked at while a task is waited for, seconds.
_LOOK_SECONDS = 5.0
#: How often is looked while it waits, why it does, seconds.
_WAITING_LOOK_SECONDS = 2.0
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


def start(engine: Service, handle: Handle, title: str, *, background: bool, following: Following) -> None:
    """Print the id of a task that was just enqueued and return, if it is to run in the background; else follow it."""
    if not background:
        follow(engine, handle, title, following)
    elif following.as_json:
        write_json(handle.report())
    else:
        write_line(handle.task_id)


def follow(engine: Service, handle: Handle, title: str, following: Following) -> None:
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


def follow_group(engine: Service, group: Group, timeout_seconds: float | None) -> GroupReport:
    """Return the report of a group once all of its tasks have ended; `conclude_group` says what came of them.

    Raises `CommandFailed` if time ran out, or if no worker is there; ends with exit code 130 at Ctrl-C. The tasks go on.
    """
    deadline = None if timeout_seconds is None else clock.monotonic() + timeout_seconds
    try:
        while True:
            left = None if deadline is None else max(deadline - clock.monotonic(), 0.0)
            try:
                group.wait(timeout=_PATIENCE_SECONDS if left is None else min(_PATIENCE_SECONDS, left))
            except WaitTimeout:
                if left is not None and left <= _PATIENCE_SECONDS:
                    raise CommandFailed(_group_timed_out(group, timeout_seconds or 0)) from None
                if not is_any_alive(engine):
                    raise CommandFailed(_no_worker_for(group)) from None
            else:
                return group.report()
    except KeyboardInterrupt:
        write_line(f"\nStopped waiting; the tasks go on. Wait again: entrepot group wait {group.group_id}", stderr=True)
        raise typer.Exit(INTERRUPTED) from None


def conclude_group(report: GroupReport) -> None:
    """Return if all tasks of a group ended well; else raise `CommandFailed` with how many did not."""
    ways = (("error", "Failed", FAILED, TaskFailed.code), ("canceled", "Canceled", CANCELED, TaskCanceled.code))
    for state, word, exit_code, code in ways:
        if count := report.summary[state]:
            message = f"{word}: {count:,} of {report.summary['total']:,} tasks of group {report.group_id}."
            hint = f"See which: entrepot task list --group {report.group_id} --state {state}"
            raise CommandFailed(Failure(message, exit_code, code, {"task_group": report.group_id, "count": count}, [hint]))


def is_any_alive(engine: Service) -> bool:
    """Say whether a worker is there; yes if who asks may not know."""
    try:
        return any(worker.alive for worker in engine.workers())
    except AccessError:
        return True


def _follow_all(
    engine: Service, handle: Handle, title: str, *, deadline: float | None, display: Display, following: Following
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
        title = spawned.report().title
        yield from _follow_all(engine, spawned, title, deadline=deadline, display=display, following=following)


def _changes(engine: Service, handle: Handle, deadline: float | None, following: Following) -> Iterator[TaskReport]:
    """Yield the task's reports until it has ended, looking in between after the workers and why it still waits."""
    while True:
        left = None if deadline is None else deadline - clock.monotonic()
        report = handle.report()
        if left is not None and left <= 0:
            if report.is_final:
                yield report
                return
            raise CommandFailed(_timed_out(report, following))
        if report.state == "waiting":
            yield report
        if not report.is_final:
            _require_worker(engine, handle, deadline)
        look_seconds = _WAITING_LOOK_SECONDS if report.state == "waiting" else _LOOK_SECONDS
        try:
            yield from handle.watch(timeout=look_seconds if left is None else min(look_seconds, left))
        except WaitTimeout:
            continue
        return


def _require_worker(engine: Service, handle: Handle, deadline: float | None) -> None:
    """Return when a worker is there for the task, or the task has ended; raise `CommandFailed` if none appears in a while."""
    patience = clock.monotonic() + _PATIENCE_SECONDS
    if deadline is not None:
        patience = min(patience, deadline)
    report = handle.report()
    while not (report.is_final or _has_worker(engine, report)):
        if clock.monotonic() >= patience:
            raise CommandFailed(_no_worker(report))
        with suppress(WaitTimeout):
            for _ in handle.watch(timeout=_PATIENCE_LOOK_SECONDS):
                pass
        report = handle.report()


def _has_worker(engine: Service, report: TaskReport) -> bool:
    if report.waiting is not None and report.waiting.reason == "no worker":
        return False
    return is_any_alive(engine)


def _no_worker(report: TaskReport) -> Failure:
    served = report.waiting.data.get("served_queues") if report.waiting is not None else None
    what, option = (f"serves queue {report.queue}", f" --queue {report.queue}") if served else ("is running", "")
    return Failure(
        f"No worker {what}, so task {report.task_id} waits; it is kept and runs when one is there.",
        UNAVAILABLE,
        TaskError.code,
        {"task_id": report.task_id, "queue": report.queue},
        [
            f"Start one: entrepot worker{option}    (or the whole engine: entrepot serve)",
            f"Then: entrepot task watch {report.task_id}",
        ],
    )


def _no_worker_for(group: Group) -> Failure:
    return Failure(
        f"No worker is running, so the tasks of group {group.group_id} wait; they are kept and run when one is there.",
        UNAVAILABLE,
        TaskError.code,
        {"task_group": group.group_id},
        [
            "Start one: entrepot worker    (or the whole engine: entrepot serve)",
            f"Then: entrepot group wait {group.group_id}",
        ],
    )


def _group_timed_out(group: Group, timeout_seconds: float) -> Failure:
    return Failure(
        f"Not all tasks of group {group.group_id} have ended after {timeout_seconds:g} s; they go on.",
        TIMED_OUT,
        WaitTimeout.code,
        {"task_group": group.group_id},
        [
            f"Wait again: entrepot group wait {group.group_id}",
            f"Or stop them: entrepot group cancel {group.group_id}",
        ],
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
