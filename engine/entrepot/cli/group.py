"""`entrepot group …`: look at groups of tasks, wait for all of a group, cancel all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.options import TimeoutOption
from entrepot.cli.session import OutputOption, Session

if TYPE_CHECKING:
    from entrepot.tasking import GroupReport

app = typer.Typer(help="Look at groups of tasks, wait for them, cancel them.", no_args_is_help=True, rich_markup_mode=None)

GroupId = Annotated[
    str,
    typer.Argument(
        metavar="GROUP", autocompletion=completion.groups, help="The id of the group, or as much of it as no other has."
    ),
]


@app.command("list")
def list_groups(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many groups to print.")] = 50,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print groups, the newest first.

    With how many of their tasks are in each state.

    Example: entrepot group list --limit 10
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.tasks.list_groups(limit=limit)
    if session.as_json:
        write_json(reports)
        return
    rows = [(report.group_id, report.created, report.summary["total"], _counts(report)) for report in reports]
    write_table(("GROUP", "CREATED", "TASKS#", "STATES"), rows, flexible="STATES", empty="There are no groups.")


@app.command()
def show(ctx: typer.Context, group_id: GroupId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print how many tasks of a group are in each state.

    Its tasks themselves are printed by: entrepot task list --group GROUP

    Example: entrepot group show 7c9e66
    """
    from entrepot.cli.short_ids import full_group_id

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.tasks.get_group(full_group_id(engine, group_id)).report()
    _write(report, as_json=session.as_json)


@app.command()
def wait(ctx: typer.Context, group_id: GroupId, *, timeout: TimeoutOption = None, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Wait until all tasks of a group have ended.

    The exit code tells how: 0 if all went well, 1 if one failed, 4 if one was canceled.

    Example: entrepot group wait 7c9e66 --timeout 60
    """
    from entrepot.cli.following import conclude_group, follow_group
    from entrepot.cli.short_ids import full_group_id

    session = Session.of(ctx)
    with session.service() as engine:
        report = follow_group(engine, engine.tasks.get_group(full_group_id(engine, group_id)), timeout)
    _write(report, as_json=session.as_json)
    conclude_group(report)


@app.command()
def cancel(ctx: typer.Context, group_id: GroupId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Cancel all tasks of a group that have not ended.

    Those that wait are canceled at once, those that run as soon as they can stop.

    Example: entrepot group cancel 7c9e66
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.short_ids import full_group_id

    session = Session.of(ctx)
    with session.service() as engine:
        group = engine.tasks.get_group(full_group_id(engine, group_id))
        count = group.cancel()
        report = group.report()
    if session.as_json:
        write_json(report)
    else:
        what = "1 task is" if count == 1 else f"{count:,} tasks are"
        write_line(f"{what} canceled or told to stop; {report.summary['total'] - count:,} had ended already.")


def _counts(report: GroupReport) -> str:
    """Return the counters that are not zero: `3 waiting, 1 running`."""
    return ", ".join(f"{count:,} {state}" for state, count in report.summary.items() if count and state != "total")


def _write(report: GroupReport, *, as_json: bool) -> None:
    from entrepot.cli.output import write_json, write_record

    if as_json:
        write_json(report)
        return
    counts = [(state.capitalize(), count or None) for state, count in report.summary.items() if state != "total"]
    write_record([("Group", report.group_id), ("Created", report.created), ("Tasks", report.summary["total"]), *counts])
