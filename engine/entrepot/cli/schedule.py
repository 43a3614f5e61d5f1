"""`entrepot schedule …`: look at schedules, enable, disable, run and delete them.

`add` is in `schedule_add`, `preview` in `schedule_preview`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion, schedule_add, schedule_preview
from entrepot.cli.options import BackgroundOption, TimeoutOption
from entrepot.cli.session import OutputOption, Session

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.errors import JSON
    from entrepot.schedules import ScheduleReport

app = typer.Typer(help="Sync, publish and run tasks by the calendar.", no_args_is_help=True, rich_markup_mode=None)

ScheduleId = Annotated[
    str,
    typer.Argument(
        metavar="ID", autocompletion=completion.schedules, help="The id of the schedule, or as much of it as no other has."
    ),
]


@app.command("list")
def list_schedules(
    ctx: typer.Context,
    *,
    repository: Annotated[
        str | None,
        typer.Option(metavar="ID", autocompletion=completion.repositories, help="Only schedules of this repository."),
    ] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print schedules, in the order they were made.

    FAILED is how many runs in a row have failed, and how many may before it is disabled.

    Example: entrepot schedule list --repository zoo
    """
    from entrepot import clock
    from entrepot.cli.output import write_json, write_table
    from entrepot.schedules.words import SHOWN_LENGTH, failures, next_run, what_runs

    session = Session.of(ctx)
    with session.service() as engine:
        if repository is not None:
            engine.repositories.get(repository)
        reports = [one for one in engine.schedules.list() if repository in (None, one.repository_id)]
    if session.as_json:
        write_json(reports)
        return
    now = clock.now()
    rows = [
        (
            one.schedule_id[:SHOWN_LENGTH],
            what_runs(one),
            next_run(one, now),
            failures(one) if one.consecutive_failures else "",
            one.sentence,
        )
        for one in reports
    ]
    columns = ("SCHEDULE", "WHAT", "NEXT RUN", "FAILED#", "WHEN")
    write_table(columns, rows, flexible="WHEN", empty="There are no schedules. Make one: entrepot schedule add --help")


@app.command()
def show(ctx: typer.Context, schedule_id: ScheduleId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print everything that is known about one schedule.

    Secrets are masked.

    Example: entrepot schedule show 5b1c2a
    """
    from entrepot import clock
    from entrepot.cli.output import write_json
    from entrepot.cli.short_ids import full_schedule_id

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.schedules.get(full_schedule_id(engine, schedule_id))
    if session.as_json:
        write_json(report)
    else:
        _print_report(report, clock.now())


@app.command()
def update(
    ctx: typer.Context,
    schedule_id: ScheduleId,
    schedule: Annotated[
        str | None, typer.Argument(metavar="[SCHEDULE]", show_default=False, help="When it runs from now on; as for `add`.")
    ] = None,
    *,
    time_zone: schedule_add.TimeZoneOption = None,
    failure_threshold: Annotated[
        str | None, typer.Option(metavar="N", help="Disable it after N failures in a row; `never` for none.")
    ] = None,
    overlap: Annotated[
        schedule_add.Overlap | None,
        typer.Option(help="While the last run is unfinished: leave the next out, or let it stand in line.", show_default=False),
    ] = None,
    jitter_seconds: Annotated[
        int | None, typer.Option("--jitter", metavar="SECONDS", help="Move all of its runs by a span of its own below this.")
    ] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Change a schedule; what is not named stays as it is.

    A new SCHEDULE or time zone begins anew: its first run, and how many runs are left.

    Example: entrepot schedule update 5b1c2a 03:00/P1D --failure-threshold 3
    """
    from entrepot import clock
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.short_ids import full_schedule_id
    from entrepot.cli.values import value
    from entrepot.errors import MissingValue
    from entrepot.schedules.words import what_runs, whole_sentence

    session = Session.of(ctx)
    given: dict[str, JSON] = {
        "schedule": schedule,
        "time_zone": time_zone,
        "failure_threshold": None if failure_threshold is None else value(failure_threshold),
        "overlap": None if overlap is None else overlap.value,
        "jitter_seconds": jitter_seconds,
    }
    changes: dict[str, JSON] = {name: one for name, one in given.items() if one is not None}
    if changes.get("failure_threshold") == "never":
        changes["failure_threshold"] = None
    if not changes:
        raise MissingValue("SCHEDULE", "--time-zone", "--failure-threshold", "--overlap", "--jitter")
    with session.service() as engine:
        report = engine.schedules.update(full_schedule_id(engine, schedule_id), changes)
    if session.as_json:
        write_json(report)
        return
    write_line(f"Changed schedule {report.schedule_id}: {what_runs(report)} {whole_sentence(report, clock.now())}.")


@app.command()
def enable(ctx: typer.Context, schedule_id: ScheduleId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Let a schedule run again.

    If runs were missed meanwhile, one makes up for all of them, at once.

    Example: entrepot schedule enable 5b1c2a
    """
    _switch(Session.of(ctx), schedule_id, enabled=True)


@app.command()
def disable(ctx: typer.Context, schedule_id: ScheduleId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Keep a schedule from running until it is enabled.

    What it has enqueued goes on.

    Example: entrepot schedule disable 5b1c2a
    """
    _switch(Session.of(ctx), schedule_id, enabled=False)


@app.command("run-now")
def run_now(
    ctx: typer.Context,
    schedule_id: ScheduleId,
    *,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Run what a schedule runs, now.

    Its runs on the calendar stay as they are. Disabled or not, it waits for the end as `repo sync` does.

    Example: entrepot schedule run-now 5b1c2a --background
    """
    from entrepot.cli.following import Following, start
    from entrepot.cli.short_ids import full_schedule_id
    from entrepot.schedules.words import what_runs

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.schedules.get(full_schedule_id(engine, schedule_id))
        handle = engine.schedules.run_now(report.schedule_id)
        start(engine, handle, what_runs(report), background=background, following=Following(timeout, session.as_json))


@app.command()
def delete(ctx: typer.Context, schedule_id: ScheduleId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Delete a schedule; what it has enqueued goes on.

    Example: entrepot schedule delete 5b1c2a
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.short_ids import full_schedule_id
    from entrepot.schedules.words import what_runs

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.schedules.get(full_schedule_id(engine, schedule_id))
        engine.schedules.delete(report.schedule_id)
    if session.as_json:
        write_json({"schedule_id": report.schedule_id, "deleted": True})
    else:
        write_line(f"Deleted schedule {report.schedule_id}: {what_runs(report)} {report.sentence}.")


def _switch(session: Session, schedule_id: str, *, enabled: bool) -> None:
    from entrepot import clock
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.short_ids import full_schedule_id
    from entrepot.schedules.words import what_runs, whole_sentence

    with session.service() as engine:
        report = engine.schedules.update(full_schedule_id(engine, schedule_id), {"enabled": enabled})
    if session.as_json:
        write_json(report)
    elif enabled:
        write_line(f"Enabled schedule {report.schedule_id}: {what_runs(report)} {whole_sentence(report, clock.now())}.")
    else:
        write_line(f"Disabled schedule {report.schedule_id}: {what_runs(report)} {report.sentence}.")


def _print_report(report: ScheduleReport, now: datetime) -> None:
    from entrepot.cli.output import write_record
    from entrepot.schedules.words import failures, how_soon, next_run, what_runs

    coming = next_run(report, now)
    if report.enabled and report.next_run is not None:
        coming = f"{how_soon(report.next_run, now)} ({report.next_run:%Y-%m-%d %H:%M:%S} UTC)"
    write_record(
        [
            ("Schedule", report.schedule_id),
            ("What", what_runs(report)),
            ("When", report.sentence),
            ("As given", report.schedule),
            ("Time zone", report.time_zone),
            ("Enabled", report.enabled),
            ("Next run", coming),
            ("Last run", report.last_run_at or "never"),
            ("First run", report.first_run_text),
            ("Runs", report.total_run_count),
            ("Runs left", report.remaining_runs),
            ("Failures", f"{failures(report)} in a row" if report.consecutive_failures or report.failure_threshold else None),
            ("Overlap", report.overlap),
            ("Jitter", f"below {report.jitter_seconds} s" if report.jitter_seconds else None),
            ("Arguments", _arguments(report)),
            ("Override", report.override_config),
            ("Created", report.created),
            ("Changed", report.last_updated),
        ]
    )


def _arguments(report: ScheduleReport) -> str:
    """Return the arguments of a task as they would be written: `12, glaze=true`."""
    named = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in report.kwargs.items()]
    return ", ".join([*(json.dumps(value, ensure_ascii=False) for value in report.args), *named])


app.command("preview")(schedule_preview.preview)
app.add_typer(schedule_add.app, name="add")
