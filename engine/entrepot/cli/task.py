"""`entrepot task …`: look at tasks, wait for them, cancel them."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from entrepot.cli.session import OutputOption, Session
from entrepot.cli.values import seconds

app = typer.Typer(help="Look at tasks, wait for them, cancel them.", no_args_is_help=True, rich_markup_mode=None)

TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The id of the task, or as much of it as no other has.")]
TimeoutOption = Annotated[
    float | None, typer.Option(parser=seconds, metavar="SECONDS", help="Stop waiting after this time; the task goes on.")
]


@app.command("list")
def list_tasks(
    ctx: typer.Context,
    *,
    state: Annotated[list[str] | None, typer.Option(help="Only tasks in this state; may be given several times.")] = None,
    repository: Annotated[str | None, typer.Option(help="Only tasks of this repository.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only tasks with this tag; may be given several times.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Only tasks of this group: its id, or as much of it as no other has.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many tasks to print.")] = 50,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print tasks, the newest first.

    The note says what went wrong, or why a task waits; `task show` says it in full.

    Example: entrepot task list --state running --state waiting
    """
    from entrepot import clock
    from entrepot.cli.output import span_text, write_json, write_table
    from entrepot.cli.short_ids import full_group_id
    from entrepot.cli.steps import note
    from entrepot.errors import InvalidValue
    from entrepot.tasking import STATES
    from entrepot.tasking.waiting import rough_text

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
    from entrepot.cli.steps import outcome, runs, steps, unit_errors

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
            ("Steps", "\n".join(f"{step.description}: {step.state.lower()}  {step.counts}".rstrip() for step in steps(report))),
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
