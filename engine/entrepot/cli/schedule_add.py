"""`entrepot schedule add …`: make a schedule of a sync, of a publish, or of a task of one's own."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli.options import ArgOption, KwargOption
from entrepot.cli.publication import DistributorId
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.sync import RepositoryId
from entrepot.cli.task_enqueue import require_fitting

if TYPE_CHECKING:
    from entrepot.schedules import ScheduleReport

app = typer.Typer(help="Make a schedule.", no_args_is_help=True, rich_markup_mode=None)


class Overlap(StrEnum):
    """What becomes of a run that is due while the last one is unfinished."""

    COALESCE = "coalesce"
    QUEUE = "queue"


ScheduleArgument = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="When: PT1H, 02:00/P1D, R5/2026-01-31T02:00Z/P1M, '0 3 * * mon-fri'.")
]
TimeZoneOption = Annotated[
    str | None, typer.Option(metavar="ZONE", help="Whose clock the schedule follows, as Europe/Zurich [default: UTC].")
]
_ThresholdOption = Annotated[
    int | None, typer.Option(metavar="N", help="Disable it after N failures in a row [default: never].")
]
_OverlapOption = Annotated[
    Overlap, typer.Option(help="While the last run is unfinished: leave the next out, or let it stand in line.")
]
_JitterOption = Annotated[
    int, typer.Option("--jitter", metavar="SECONDS", help="Move all of its runs by a span of its own below this.")
]
_DisabledOption = Annotated[bool, typer.Option("--disabled", help="Do not run it before `schedule enable`.")]
_OverrideOption = Annotated[
    list[str] | None,
    typer.Option("--override", metavar="KEY=VALUE", help="A setting for its runs only; may be given several times."),
]


@app.command()
def sync(
    ctx: typer.Context,
    repository_id: RepositoryId,
    schedule: ScheduleArgument,
    *,
    time_zone: TimeZoneOption = None,
    override: _OverrideOption = None,
    failure_threshold: _ThresholdOption = None,
    overlap: _OverlapOption = Overlap.COALESCE,
    jitter_seconds: _JitterOption = 0,
    disabled: _DisabledOption = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Sync a repository by the calendar.

    See before what a schedule means: entrepot schedule preview SCHEDULE

    Example: entrepot schedule add sync zoo 02:00/P1D --time-zone Europe/Zurich --failure-threshold 3
    """
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    override_config = pairs(override, option="--override") or None
    with session.service() as engine:
        importer_id = engine.repositories.get(repository_id).importer().importer_type_id
        report = engine.schedules.create_sync(
            repository_id,
            importer_id,
            schedule,
            override_config=override_config,
            failure_threshold=failure_threshold,
            enabled=not disabled,
            time_zone=time_zone,
            overlap=overlap.value,
            jitter_seconds=jitter_seconds,
        )
    _write_made(report, session)


@app.command()
def publish(
    ctx: typer.Context,
    repository_id: RepositoryId,
    schedule: ScheduleArgument,
    *,
    distributor_id: DistributorId = None,
    time_zone: TimeZoneOption = None,
    override: _OverrideOption = None,
    failure_threshold: _ThresholdOption = None,
    overlap: _OverlapOption = Overlap.COALESCE,
    jitter_seconds: _JitterOption = 0,
    disabled: _DisabledOption = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Publish a repository by the calendar.

    Example: entrepot schedule add publish zoo '0 3 * * mon-fri' --distributor-id web
    """
    from entrepot.cli.publication import chosen_distributor
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    override_config = pairs(override, option="--override") or None
    with session.service() as engine:
        report = engine.schedules.create_publish(
            repository_id,
            chosen_distributor(engine.repositories.get(repository_id).report(), distributor_id),
            schedule,
            override_config=override_config,
            failure_threshold=failure_threshold,
            enabled=not disabled,
            time_zone=time_zone,
            overlap=overlap.value,
            jitter_seconds=jitter_seconds,
        )
    _write_made(report, session)


@app.command()
def task(
    ctx: typer.Context,
    task_type: Annotated[str, typer.Argument(metavar="TYPE", help="The type of the task, as bakery.bake.")],
    schedule: ScheduleArgument,
    *,
    arg: ArgOption = None,
    kwarg: KwargOption = None,
    time_zone: TimeZoneOption = None,
    failure_threshold: _ThresholdOption = None,
    overlap: _OverlapOption = Overlap.COALESCE,
    jitter_seconds: _JitterOption = 0,
    disabled: _DisabledOption = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Run a task of your own by the calendar.

    Its module is found as workers find it: by ENTREPOT_TASK_MODULES, or by its entry point.

    Example: entrepot schedule add task bakery.bake R3/PT1H --arg 12 --kwarg glaze=true
    """
    from entrepot.cli.values import pairs, value

    session = Session.of(ctx)
    args, kwargs = list(map(value, arg or ())), pairs(kwarg, option="--kwarg")
    with session.service() as engine:
        require_fitting(engine, task_type, args, kwargs)
        report = engine.schedules.create_task(
            schedule,
            task_type,
            args,
            kwargs,
            failure_threshold=failure_threshold,
            enabled=not disabled,
            time_zone=time_zone,
            overlap=overlap.value,
            jitter_seconds=jitter_seconds,
        )
    _write_made(report, session)


def _write_made(report: ScheduleReport, session: Session) -> None:
    from entrepot import clock
    from entrepot.cli.output import write_json, write_line
    from entrepot.schedules.words import what_runs, whole_sentence

    if session.as_json:
        write_json(report)
    else:
        write_line(f"Added schedule {report.schedule_id}: {what_runs(report)} {whole_sentence(report, clock.now())}.")
