"""The schedules of one engine: `engine.schedules`.

Whoever changes one writes the fields that he changes and no others, so that nothing is lost when the clockwork (`due`) counts
a run at the same moment. Source: the Pulp 2 REST contract, 1.8.2 and 2.11, with its fixes.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import peewee

from entrepot import clock
from entrepot.errors import JSON, InvalidValue, MissingResource, UnsupportedValue
from entrepot.models import Schedule
from entrepot.plugin import unmasked
from entrepot.schedules import due, outcomes, plan, preview, rows, runs, values, wrong_clock

if TYPE_CHECKING:
    from collections import Counter
    from datetime import datetime, timedelta

    from entrepot.repositories import House
    from entrepot.schedules.reports import Kind, Overlap, SchedulePage, SchedulePreview, ScheduleQuery, ScheduleReport
    from entrepot.schedules.runs import ScheduleRun
    from entrepot.tasking import TaskHandle


class Schedules:
    """Create, look up, change and delete schedules."""

    def __init__(self, house: House) -> None:
        """Serve the schedules of the repositories in `house`."""
        self._house = house

    def create_sync(
        self,
        repository_id: str,
        importer_id: str,
        schedule: str,
        *,
        override_config: Mapping[str, JSON] | None = None,
        failure_threshold: int | None = None,
        enabled: bool = True,
        time_zone: str | None = None,
        overlap: Overlap = "coalesce",
        jitter_seconds: int = 0,
    ) -> ScheduleReport:
        """Schedule syncs by the repository's importer; `schedule` is what `Recurrence.parse` takes.

        After `failure_threshold` failures in a row it is disabled. A run that is due while the last one is unfinished is
        left out, or stands in line with `overlap="queue"`. All runs come later by less than `jitter_seconds`, always by the
        same. Raises `MissingResource`, and `InvalidValue` with the names of all that is refused.
        """
        given = {
            "schedule": schedule,
            "override_config": override_config,
            "failure_threshold": failure_threshold,
            "enabled": enabled,
            "time_zone": time_zone,
            "overlap": overlap,
            "jitter_seconds": jitter_seconds,
        }
        return self._create("sync", given, repository_id, importer_id=importer_id)

    def create_publish(
        self,
        repository_id: str,
        distributor_id: str,
        schedule: str,
        *,
        override_config: Mapping[str, JSON] | None = None,
        failure_threshold: int | None = None,
        enabled: bool = True,
        time_zone: str | None = None,
        overlap: Overlap = "coalesce",
        jitter_seconds: int = 0,
    ) -> ScheduleReport:
        """Schedule publishes by one of the repository's distributors; otherwise as `create_sync`."""
        given = {
            "schedule": schedule,
            "override_config": override_config,
            "failure_threshold": failure_threshold,
            "enabled": enabled,
            "time_zone": time_zone,
            "overlap": overlap,
            "jitter_seconds": jitter_seconds,
        }
        return self._create("publish", given, repository_id, distributor_id=distributor_id)

    def create_task(
        self,
        schedule: str,
        function: Callable[..., Any] | str,
        args: Sequence[JSON] = (),
        kwargs: Mapping[str, JSON] | None = None,
        *,
        failure_threshold: int | None = None,
        enabled: bool = True,
        time_zone: str | None = None,
        overlap: Overlap = "coalesce",
        jitter_seconds: int = 0,
    ) -> ScheduleReport:
        """Schedule `function(*args, **kwargs)`, a `@task` function or the name of its type; otherwise as `create_sync`.

        The schedulers find it as workers do. Raises `UnknownTaskType`, and `InvalidValue` with all that is refused.
        """
        given = {
            "schedule": schedule,
            "failure_threshold": failure_threshold,
            "enabled": enabled,
            "time_zone": time_zone,
            "overlap": overlap,
            "jitter_seconds": jitter_seconds,
        }
        arguments = [list(args), dict(kwargs or {})]
        try:
            json.dumps(arguments, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InvalidValue("arguments", why=f"the arguments must be JSON values: {error}") from error
        task_type = self._house.tasks.registry.type_of(function).name
        return self._insert("task", given, {"task_type": task_type, "arguments": arguments})

    def run_now(self, schedule_id: str) -> TaskHandle:
        """Enqueue the task of a schedule at once, whether it is due, enabled or neither, and return it.

        Its runs on the calendar are not moved and not used up; how it ends counts as any run. Raises `MissingResource`.
        """
        row = self._get(schedule_id)
        return due.enqueue_now(self._house, row.id, schedule_id)

    def preview(self, schedule: str, *, time_zone: str | None = None, count: int = 5) -> SchedulePreview:
        """Return when a schedule that is made now would run: the first `count` times, from 1 to 100.

        Nothing is kept, and no database is needed. Raises `InvalidValue` with all that is refused.
        """
        return preview.of_text(schedule, time_zone, count, clock.now())

    def preview_of(self, schedule_id: str, *, count: int = 5) -> SchedulePreview:
        """Return when a schedule runs next: `count` times, from 1 to 100, or as often as it still does.

        One that is disabled does not run. Raises `MissingResource`, `InvalidValue`.
        """
        return preview.of_row(self._get(schedule_id), count, clock.now())

    def list_sync(self, repository_id: str, importer_id: str) -> list[ScheduleReport]:
        """Return the sync schedules of an importer, in the order they were made; raises `MissingResource`."""
        owner = rows.owner_of(self._house, repository_id, importer_id=importer_id, distributor_id=None)
        query = rows.select().where(Schedule.importer == owner["importer"])
        return rows.reports(self._house, query.bind(self._house.database.peewee))

    def list_publish(self, repository_id: str, distributor_id: str) -> list[ScheduleReport]:
        """Return the publish schedules of a distributor, in the order they were made; raises `MissingResource`."""
        owner = rows.owner_of(self._house, repository_id, importer_id=None, distributor_id=distributor_id)
        query = rows.select().where(Schedule.distributor == owner["distributor"])
        return rows.reports(self._house, query.bind(self._house.database.peewee))

    def get(
        self,
        schedule_id: str,
        *,
        repository_id: str | None = None,
        importer_id: str | None = None,
        distributor_id: str | None = None,
    ) -> ScheduleReport:
        """Return one schedule; with the ids of what it must belong to, one of another is as missing as none.

        Raises `MissingResource`.
        """
        row = self._get(schedule_id, repository_id, importer_id, distributor_id)
        return rows.report(self._house, row)

    def update(
        self,
        schedule_id: str,
        changes: Mapping[str, Any],
        *,
        repository_id: str | None = None,
        importer_id: str | None = None,
        distributor_id: str | None = None,
    ) -> ScheduleReport:
        """Change what `changes` names, all or nothing: any of the keywords of `create_sync`, and `schedule`.

        A new `schedule` or `time_zone` begins anew: first and next run, and the runs that remain. `*****` in an override
        configuration leaves that secret as it is. Raises `MissingResource` as `get` does, `UnsupportedValue` with the
        names that cannot be changed, and `InvalidValue` with all that is refused, a bad schedule as `iso_schedule`.
        """
        database, now = self._house.database, clock.now()
        with database.transaction():
            row = self._get(schedule_id, repository_id, importer_id, distributor_id)
            database.execute(f"SELECT 1 FROM schedule WHERE id = ?{database.for_update}", (row.id,))
            row = self._get(schedule_id)  # as it is since nobody else can change it
            if row.kind == "task" and "override_config" in changes:
                raise UnsupportedValue("override_config")  # there is no plugin whose configuration that would be
            text, zone = changes.get("schedule", row.schedule), changes.get("time_zone", row.time_zone)
            recurrence, kept = values.check(changes, text=text, zone=zone, schedule_name="iso_schedule")
            if "override_config" in kept:
                kept["override_config"] = unmasked(kept["override_config"] or {}, row.override_config)
            splay = plan.splay_of(schedule_id, kept.get("jitter_seconds", row.jitter_seconds))
            if "schedule" in changes or "time_zone" in changes:
                planned = plan.begin(recurrence, now, splay, row.last_run_at)
                kept |= {"schedule": text, "time_zone": zone, "remaining_runs": recurrence.count}
                kept |= {"first_run": planned.first_run, "next_run": planned.next_run}
            elif row.next_run is not None:
                kept["next_run"] = row.next_run + splay - plan.splay_of(schedule_id, row.jitter_seconds)
            Schedule.update(**kept, last_updated=now).where(Schedule.id == row.id).execute(database.peewee)
            database.announce()
        return self.get(schedule_id)

    def delete(
        self,
        schedule_id: str,
        *,
        repository_id: str | None = None,
        importer_id: str | None = None,
        distributor_id: str | None = None,
    ) -> None:
        """Delete one schedule; the tasks it has enqueued stay. Raises `MissingResource` as `get` does."""
        database = self._house.database
        with database.transaction():
            row = self._get(schedule_id, repository_id, importer_id, distributor_id)
            if not Schedule.delete().where(Schedule.id == row.id).execute(database.peewee):
                raise MissingResource(schedule_id=schedule_id)

    def next_runs(self, repository_ids: Sequence[str]) -> dict[str, datetime]:
        """Return when something scheduled of each of these repositories runs next; those that have nothing are left out."""
        return rows.next_runs(self._house.database, repository_ids)

    def upcoming(self, *, limit: int = 5) -> list[ScheduleReport]:
        """Return the enabled schedules that run next, the soonest first, by an index; raises `InvalidValue`."""
        if limit < 1:
            raise InvalidValue("limit", why="it must be at least 1")
        query = rows.select().where(Schedule.enabled, Schedule.next_run.is_null(False))
        found = query.order_by(Schedule.next_run, Schedule.id).limit(limit)
        return rows.reports(self._house, found.bind(self._house.database.peewee))

    def page(self, wanted: ScheduleQuery, *, skip: int = 0, limit: int = 50) -> SchedulePage:
        """Return schedules that are `wanted`, those that run next first, and how many there are; raises `InvalidValue`."""
        return rows.page(self._house, wanted, skip=skip, limit=limit)

    def runs(self, schedule_id: str, *, before: int | None = None, limit: int = 50) -> Sequence[ScheduleRun]:
        """Return the runs of a schedule whose tasks are kept, the newest first.

        Those before a run, by its `row_id`, if one is given. Raises `MissingResource`, and `InvalidValue` for a bad `limit`.
        """
        if limit < 1:
            raise InvalidValue("limit", why="it must be at least 1")
        row = self._get(schedule_id)
        return runs.runs_of(self._house.database, row.schedule_id, before=before, limit=limit)

    def last_runs(self, reports: Sequence[ScheduleReport]) -> dict[str, ScheduleRun]:
        """Return the last run of each of these schedules, by its id, as far as their tasks are kept."""
        return runs.last_runs(self._house.database, reports)

    def count_runs(
        self, reports: Sequence[ScheduleReport], since: datetime, step: timedelta
    ) -> dict[str, Counter[tuple[int, str]]]:
        """Return how many runs these schedules had since a moment: by schedule, number of the `step` after it, and state."""
        return runs.count_runs(self._house.database, reports, since, step)

    def list(self) -> list[ScheduleReport]:
        """Return all schedules, in the order they were made."""
        return rows.reports(self._house, rows.select().bind(self._house.database.peewee))

    def go_round(self) -> int:
        """Count how scheduled tasks have ended, and enqueue what is due; return how many were enqueued.

        One round of the clockwork. Any number of processes may make it side by side.
        """
        outcomes.count_ended(self._house.database)
        return due.enqueue_due(self._house)

    def return_to_grid(self) -> int:
        """Let schedules run on their grid again that ran while the clock was far ahead; one round of a loop."""
        return wrong_clock.return_to_grid(self._house.database)

    def _create(
        self,
        kind: Kind,
        given: dict[str, Any],
        repository_id: str,
        *,
        importer_id: str | None = None,
        distributor_id: str | None = None,
    ) -> ScheduleReport:
        owner = rows.owner_of(self._house, repository_id, importer_id=importer_id, distributor_id=distributor_id)
        try:
            return self._insert(kind, given, owner)
        except peewee.IntegrityError as error:  # its owner was removed at this very moment
            raise MissingResource(repository=repository_id) from error

    def _insert(self, kind: Kind, given: dict[str, Any], what: Mapping[str, Any]) -> ScheduleReport:
        """Keep a schedule of `what`, the columns that say what is to run."""
        database, now = self._house.database, clock.now()
        schedule_id = secrets.token_hex(12)
        recurrence, kept = values.check(given, text=given["schedule"], zone=given["time_zone"])
        planned = plan.begin(recurrence, now, plan.splay_of(schedule_id, kept["jitter_seconds"]))
        kept["override_config"] = dict(kept.get("override_config") or {})
        with database.transaction():
            Schedule.insert(
                schedule_id=schedule_id,
                kind=kind,
                schedule=recurrence.text,
                time_zone=recurrence.zone,
                first_run=planned.first_run,
                next_run=planned.next_run,
                remaining_runs=recurrence.count,
                created_at=now,
                last_updated=now,
                **what,
                **kept,
            ).execute(database.peewee)
            database.announce()
        return self.get(schedule_id)

    def _get(
        self,
        schedule_id: str,
        repository_id: str | None = None,
        importer_id: str | None = None,
        distributor_id: str | None = None,
    ) -> Any:  # noqa: ANN401 - a row of `rows.select`
        owner: dict[str, int] = {}
        if repository_id is not None:
            owner = rows.owner_of(self._house, repository_id, importer_id=importer_id, distributor_id=distributor_id)
        row = rows.find(self._house, schedule_id)
        if row is None or any(getattr(row, column) != id_ for column, id_ in owner.items()):
            raise MissingResource(schedule_id=schedule_id)
        return row
