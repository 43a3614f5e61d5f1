"""`entrepot schedule preview`: what a schedule means, and when it runs next."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.schedule_add import TimeZoneOption
from entrepot.cli.session import OutputOption, Session

if TYPE_CHECKING:
    from entrepot.schedules import SchedulePreview, ScheduleReport

#: What can be an id, or the beginning of one; no schedule is made of such characters alone.
_ID = re.compile(r"[0-9a-fA-F]+")


def preview(
    ctx: typer.Context,
    schedule: Annotated[
        str,
        typer.Argument(
            metavar="SCHEDULE|ID", autocompletion=completion.schedules, help="A schedule, as for `add`; or the id of one."
        ),
    ],
    *,
    count: Annotated[int, typer.Option(metavar="N", min=1, max=100, help="How many runs to print.")] = 5,
    time_zone: TimeZoneOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print what a schedule means, and its next runs.

    Nothing is made or changed.

    Example: entrepot schedule preview 02:00/P1D --time-zone Europe/Zurich

    Of one that there is: entrepot schedule preview 5b1c2a --count 10
    """
    from entrepot import clock
    from entrepot.cli.output import write_json, write_line
    from entrepot.schedules.words import how_soon, what_runs, whole_sentence

    session = Session.of(ctx)
    if _ID.fullmatch(schedule):
        report, found = _preview_of(session, schedule, count, time_zone)
        sentence = f"{what_runs(report)} {whole_sentence(report, clock.now())}"
    else:
        found = _preview(session, schedule, count, time_zone)
        sentence = f"{found.sentence}, next {how_soon(found.runs[0], clock.now())}"
    if session.as_json:
        write_json(found)
        return
    write_line(sentence)
    if found.runs:
        write_line("")
        _print_runs(found, clock.now())


def _preview(session: Session, schedule: str, count: int, time_zone: str | None) -> SchedulePreview:
    """Return the preview of a schedule that was typed, for which no database is needed."""
    if session.remote is None:
        with session.unchecked_engine() as engine:
            return engine.schedules.preview(schedule, time_zone=time_zone, count=count)
    with session.service() as service:
        return service.schedules.preview(schedule, time_zone=time_zone, count=count)


def _preview_of(
    session: Session, schedule_id: str, count: int, time_zone: str | None
) -> tuple[ScheduleReport, SchedulePreview]:
    """Return a schedule that there is, and its preview; raises `InvalidValue` for a time zone beside its own."""
    from entrepot.cli.short_ids import full_schedule_id
    from entrepot.errors import InvalidValue

    if time_zone is not None:
        raise InvalidValue("--time-zone", why=f"schedule {schedule_id} has its own: leave it out")
    with session.service() as engine:
        report = engine.schedules.get(full_schedule_id(engine, schedule_id))
        return report, engine.schedules.preview_of(report.schedule_id, count=count)


def _print_runs(found: SchedulePreview, now: datetime) -> None:
    from entrepot.cli.output import write_table
    from entrepot.schedules.words import how_soon
    from entrepot.schedules.zones import find_zone

    zone = find_zone(found.time_zone) if found.time_zone else None  # a server may know more of them
    rows = []
    for run in found.runs:
        there = str(run.astimezone(zone)) if zone else ""
        here = str(run.astimezone(UTC).replace(tzinfo=None))
        rows.append((f"{run.astimezone(zone or UTC):%a}", there, here, how_soon(run, now)))
    write_table(("DAY", found.time_zone or "", "UTC", "WHEN"), rows)
