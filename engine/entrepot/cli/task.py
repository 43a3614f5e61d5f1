"""`entrepot task …`: look at tasks, wait for them, cancel them, repeat them."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer

from entrepot.cli import completion, task_enqueue
from entrepot.cli.failures import FAILED
from entrepot.cli.options import BackgroundOption, TaskId, TimeoutOption
from entrepot.cli.session import OutputOption, Session

app = typer.Typer(help="Look at tasks, wait for them, cancel them, repeat them.", no_args_is_help=True, rich_markup_mode=None)

app.command()(task_enqueue.enqueue)


class PurgedState(StrEnum):
    """What may be purged. Source: the Pulp 2 REST contract, 3.3."""

    FINISHED = "finished"
    ERROR = "error"
    SKIPPED = "skipped"


@app.command("list")
def list_tasks(
    ctx: typer.Context,
    *,
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE", autocompletion=completion.task_states, help="Only tasks in this state; may be given several times."
        ),
    ] = None,
    repository: Annotated[
        str | None, typer.Option(metavar="ID", autocompletion=completion.repositories, help="Only tasks of this repository.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="Only tasks with this tag; may be given several times.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="GROUP",
            autocompletion=completion.groups,
            help="Only tasks of this group: its id, or as much of it as no other has.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many tasks to print.")] = 50,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print tasks, the newest first.

    The note says what went wrong, or why a task waits; `task show` says it in full.

    Example: entrepot task list --state running --state waiting
    """
    from entrepot import clock
    from entrepot.cli.output import write_json, write_table
    from entrepot.cli.short_ids import full_group_id
    from entrepot.cli.steps import note
    from entrepot.errors import InvalidValue
    from entrepot.tasking import STATES
    from entrepot.tasking.waiting import rough_text
    from entrepot.wording import span_text

    session = Session.of(ctx)
    states = state or []
    if unknown := [name for name in states if name not in STATES]:
        raise InvalidValue("state", why=f"{unknown[0]!r} is none of {', '.join(STATES)}")
    tags = [*(tag or ()), *([f"pulp:repository:{repository}"] if repository else ())]
    with session.service() as engine:
        group_id = None if group is None else full_group_id(engine, group)
        reports = engine.tasks.list(states=states, tags=tags, group=group_id, limit=limit, explain=True)
    if session.as_json:
        write_json(reports)
        return
    rows, now = [], clock.now()
    for report in reports:
        took = span_text(report.finished - report.started) if report.finished and report.started else "-"
        rows.append((report.task_id, report.state, report.title, rough_text(now - report.created), took, note(report)))
    columns = ("TASK", "STATE", "WHAT", "AGE#", "TOOK#", "NOTE")
    write_table(columns, rows, flexible="NOTE", empty="There are no such tasks.")


@app.command()
def show(ctx: typer.Context, task_id: TaskId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print everything that is known about one task.

    Example: entrepot task show 5b1c2a -o json
    """
    from entrepot.cli.output import write_json, write_record
    from entrepot.cli.short_ids import full_task_id
    from entrepot.cli.steps import outcome, runs, unit_errors
    from entrepot.tasking.steps import steps_of

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.tasks.get(full_task_id(engine, task_id))
    if session.as_json:
        write_json(report)
        return
    error, result = report.error or {}, report.result
    if isinstance(result, dict):
        result = result.get("summary", result)  # the rest of a sync's or publish's result stands above
    write_record(
        [
            ("Task", report.task_id),
            ("What", report.title),
            ("State", report.state),
            ("Waits for", report.waiting.text if report.waiting else None),
            ("Outcome", outcome(report) if report.is_final else None),
            ("Error", error.get("description")),
            ("Error code", error.get("code")),
            ("Created", report.created),
            ("Started", report.started),
            ("Finished", report.finished),
            ("Worker", report.worker_name),
            ("Not before", report.not_before),
            ("Attempt", report.attempt if report.attempt > 1 else None),
            ("Attempts", "\n".join(runs(report))),
            ("Rescues", report.rescues or None),
            ("Queue", report.queue),
            ("Priority", report.priority if report.priority != "default" else None),
            ("Type", report.task_type),
            ("Tags", report.tags),
            ("Parent", report.parent),
            ("Group", report.group_id),
            ("Spawned", "\n".join(report.spawned)),
            (
                "Steps",
                "\n".join(f"{step.description}: {step.state.lower()}  {step.counts}".rstrip() for step in steps_of(report)),
            ),
            ("Unit errors", "\n".join(unit_errors(report))),
            ("Result", json.dumps(result, indent=2, ensure_ascii=False) if result is not None else None),
        ]
    )


@app.command()
def wait(ctx: typer.Context, task_id: TaskId, *, timeout: TimeoutOption = None, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Wait until a task has ended.

    Without showing its progress; the exit code tells how it ended.

    Example: entrepot task wait 5b1c2a --timeout 60
    """
    from entrepot.cli.following import Following, follow
    from entrepot.cli.output import write_line
    from entrepot.cli.short_ids import full_task_id
    from entrepot.cli.steps import outcome

    session = Session.of(ctx)
    with session.service() as engine:
        handle = engine.tasks.handle(engine.tasks.get(full_task_id(engine, task_id)).task_id)
        follow(engine, handle, "", Following(timeout, session.as_json, is_quiet=True, with_spawned=False))
        if not session.as_json:
            report = handle.report()
            write_line(f"{report.title}: {outcome(report)}")


@app.command()
def watch(ctx: typer.Context, task_id: TaskId, *, timeout: TimeoutOption = None, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Show how a task goes until it has ended.

    And the tasks that it spawned; the exit code tells how they ended.

    Example: entrepot task watch 5b1c2a
    """
    from entrepot.cli.following import Following, follow
    from entrepot.cli.short_ids import full_task_id

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.tasks.get(full_task_id(engine, task_id))
        follow(engine, engine.tasks.handle(report.task_id), report.title, Following(timeout, session.as_json))


@app.command()
def cancel(
    ctx: typer.Context,
    task_id: TaskId,
    *,
    with_spawned: Annotated[
        bool, typer.Option("--with-spawned", help="Cancel all that it spawned as well, and what those spawned.")
    ] = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Cancel a task.

    One that waits is canceled at once, one that runs as soon as it can stop.

    Example: entrepot task cancel 5b1c2a --with-spawned
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.short_ids import full_task_id

    session = Session.of(ctx)
    with session.service() as engine:
        before = engine.tasks.get(full_task_id(engine, task_id))
        report = engine.tasks.cancel(before.task_id, with_spawned=with_spawned)
    if session.as_json:
        write_json(report)
        return
    if before.is_final:
        write_line(f"Task {report.task_id} had ended already: {report.state}.")
    elif report.is_final:
        write_line(f"Task {report.task_id} is {report.state}.")
    else:
        write_line(f"Task {report.task_id} is told to stop. Watch it: entrepot task watch {report.task_id}")
    if with_spawned:
        write_line("All that it spawned is canceled, or told to stop.")


@app.command()
def purge(
    ctx: typer.Context,
    *,
    state: Annotated[list[PurgedState], typer.Option(help="Tasks in this state; at least one, may be given several times.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, which is done on a terminal only.")] = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Remove tasks that have ended, whatever their age.

    The engine removes them by itself when they are old enough (`ENTREPOT_TASK_RETENTION_DAYS`).

    Example: entrepot task purge --state finished --yes
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    states = sorted({one.value for one in state})
    is_asked = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    if is_asked and not typer.confirm(f"Remove all tasks in state {', '.join(states)}, with their reports?"):
        raise typer.Exit(FAILED)
    with session.service() as engine:
        count = engine.tasks.purge(states)
    if session.as_json:
        write_json({"states": states, "removed": count})
        return
    write_line(f"Removed {count:,} {'task' if count == 1 else 'tasks'}.")


@app.command()
def retry(
    ctx: typer.Context,
    task_id: TaskId,
    *,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Run once more what a task was to do, as a new task.

    It must have ended, no matter how; the new one has the tag `entrepot:retry-of:TASK`.

    Example: entrepot task retry 5b1c2a
    """
    from entrepot.cli.following import Following, start
    from entrepot.cli.short_ids import full_task_id

    session = Session.of(ctx)
    with session.service() as engine:
        before = engine.tasks.get(full_task_id(engine, task_id))
        handle = engine.tasks.retry(before.task_id)
        start(engine, handle, before.title, background=background, following=Following(timeout, session.as_json))
