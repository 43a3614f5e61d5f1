"""Look schedules up, and make reports of their rows."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from peewee import JOIN

from entrepot import clock
from entrepot.content.bulk import placeholders
from entrepot.errors import JSON, BrokenPlugin, InvalidValue, MissingResource, UnknownDistributorType, UnknownImporterType
from entrepot.models import Distributor, Importer, Repository, Schedule
from entrepot.models.fields import storable
from entrepot.plugin import DistributorConfig, ImporterConfig, masked, masked_unseen
from entrepot.repositories import rows as repository_rows
from entrepot.schedules.recurrence import Recurrence
from entrepot.schedules.reports import Kind, SchedulePage, ScheduleQuery, ScheduleReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import BaseModel

    from entrepot.models import Database
    from entrepot.repositories import House

#: What the id of a schedule looks like; whatever else a path may hold is the id of none.
_SCHEDULE_ID = re.compile(r"[0-9a-f]{24}")


def select() -> Any:  # noqa: ANN401 - peewee is untyped
    """Return a query for all schedules, in the order they were made, with the ids of what they belong to."""
    names = (Repository.repository_id, Importer.importer_type_id, Distributor.distributor_id, Distributor.distributor_type_id)
    query = Schedule.select(Schedule, *names)
    for model, column in ((Repository, "repository"), (Importer, "importer"), (Distributor, "distributor")):
        query = query.join_from(Schedule, model, JOIN.LEFT_OUTER, on=(model.id == getattr(Schedule, column)))
    return query.order_by(Schedule.id).objects()


def page(house: House, wanted: ScheduleQuery, *, skip: int, limit: int) -> SchedulePage:
    """Return some of the schedules that are `wanted`, those that run next first; raises `InvalidValue`."""
    bad = [name for name, value, least in (("skip", skip, 0), ("limit", limit, 0)) if value < least]
    bad += ["kind"] if wanted.kind not in (None, *get_args(Kind)) else []
    if bad:
        raise InvalidValue(*bad, why="skip and limit are 0 or more, and a kind is sync, publish or task")
    query = select()
    if wanted.repository_id is not None:
        query = query.where(Repository.repository_id == storable(wanted.repository_id))
    if wanted.kind is not None:
        query = query.where(Schedule.kind == wanted.kind)
    if wanted.enabled is not None:
        query = query.where(Schedule.enabled == wanted.enabled)
    database = house.database.peewee
    never = Schedule.next_run.is_null()
    ordered = query.order_by(Schedule.enabled.desc(), never, Schedule.next_run, Schedule.id).offset(skip).limit(limit)
    return SchedulePage(tuple(reports(house, ordered.bind(database))), query.bind(database).count())


def find(house: House, schedule_id: str) -> Any | None:  # noqa: ANN401 - peewee is untyped
    """Return the row of `select` with this id, or None."""
    if not _SCHEDULE_ID.fullmatch(schedule_id):
        return None
    return select().where(Schedule.schedule_id == schedule_id).bind(house.database.peewee).first()


def owner_of(house: House, repository_id: str, *, importer_id: str | None, distributor_id: str | None) -> dict[str, int]:
    """Return the row ids of a repository and of its importer or distributor, as a schedule refers to them.

    Raises `MissingResource`.
    """
    repository = repository_rows.get_repository(house.database, repository_id)
    if distributor_id is not None:
        distributor = repository_rows.get_distributor(house.database, repository, distributor_id)
        return {"repository": repository.id, "distributor": distributor.id}
    if importer_id is not None:
        importer = repository_rows.find_importer(house.database, repository.id)
        if importer is None or importer.importer_type_id != importer_id:
            raise MissingResource(importer_id=importer_id)
        return {"repository": repository.id, "importer": importer.id}
    return {"repository": repository.id}


def next_runs(database: Database, repository_ids: Sequence[str]) -> dict[str, datetime]:
    """Return when something scheduled of each of these repositories runs next; those that have nothing are left out."""
    query = (
        "SELECT repository.repository_id, MIN(schedule.next_run) FROM schedule "
        "JOIN repository ON repository.id = schedule.repository WHERE schedule.enabled AND schedule.next_run IS NOT NULL "
        f"AND repository.repository_id IN {placeholders(len(repository_ids))} GROUP BY repository.repository_id"
    )
    found = database.rows(query, repository_ids) if repository_ids else []
    return {repository_id: clock.from_us(next_run) for repository_id, next_run in found}


def report(house: House, row: Any) -> ScheduleReport:  # noqa: ANN401 - a row of `select`
    """Return what clients see of a row."""
    recurrence, first_run = begun(row), row.first_run
    args, kwargs = row.arguments or ([], {})
    return ScheduleReport(
        schedule_id=row.schedule_id,
        kind=row.kind,
        repository_id=row.repository_id,
        plugin_id=row.distributor_id if row.kind == "publish" else row.importer_type_id,
        task_type=row.task_type,
        args=tuple(args),
        kwargs=kwargs,
        override_config=_shown_override(house, row),
        schedule=row.schedule,
        time_zone=row.time_zone,
        enabled=bool(row.enabled),
        failure_threshold=row.failure_threshold,
        consecutive_failures=row.consecutive_failures,
        first_run=first_run if recurrence is None else recurrence.first_run(first_run),
        next_run=row.next_run,
        last_run_at=row.last_run_at,
        remaining_runs=row.remaining_runs,
        total_run_count=row.total_run_count,
        overlap=row.overlap,
        jitter_seconds=row.jitter_seconds,
        created=row.created_at,
        last_updated=row.last_updated,
        sentence=row.schedule if recurrence is None else recurrence.sentence(),
    )


def reports(house: House, found: Iterable[Any]) -> list[ScheduleReport]:
    """Return what clients see of rows."""
    return [report(house, row) for row in found]


def begun(row: Any) -> Recurrence | None:  # noqa: ANN401 - a row of the table
    """Return when the schedule of a row runs, or None if this version cannot read what an older one accepted."""
    try:
        recurrence = Recurrence.parse(row.schedule, row.time_zone)
    except InvalidValue:
        return None
    first: datetime = row.first_run
    return recurrence.starting(_in_offset_of(recurrence, first))


def _in_offset_of(recurrence: Recurrence, first: datetime) -> datetime:
    """Return the first run with the offset that the text gives."""
    return first.astimezone(recurrence.first_run(first).tzinfo)


def _shown_override(house: House, row: Any) -> dict[str, JSON]:  # noqa: ANN401 - a row of `select`
    """Return the override configuration without the secrets, which the plugin knows; while it is missing, nobody does."""
    shared: type[BaseModel] = DistributorConfig if row.kind == "publish" else ImporterConfig
    plugins, given = house.plugins, row.override_config
    try:
        found = (
            plugins.distributor(row.distributor_type_id) if row.kind == "publish" else plugins.importer(row.importer_type_id)
        )
    except (UnknownDistributorType, UnknownImporterType, BrokenPlugin):
        return masked_unseen(shared, given)
    return masked(found.Config, given)
