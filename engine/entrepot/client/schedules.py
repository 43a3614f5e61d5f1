"""The schedules of a server: `client.schedules`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from entrepot.client.documents import schedule_preview, schedule_report
from entrepot.client.tasks import spawned
from entrepot.errors import JSON, MissingResource
from entrepot.tasking import TaskRegistry

if TYPE_CHECKING:
    from entrepot.client.connection import Connection
    from entrepot.client.handle import TaskHandle
    from entrepot.schedules import Overlap, SchedulePreview, ScheduleReport


class Schedules:
    """Create, look up, change and delete the schedules of a server."""

    def __init__(self, connection: Connection) -> None:
        """Speak of the schedules of the server that `connection` leads to."""
        self._connection = connection
        self._registry = TaskRegistry()

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
        return self._made(_sync(repository_id, importer_id), given)

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
        return self._made(_publish(repository_id, distributor_id), given)

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

        The server must know the type by its task modules: `InvalidValue` if it does not. Raises `UnknownTaskType` if the
        function is no task.
        """
        given = {
            "schedule": schedule,
            "task": function if isinstance(function, str) else self._registry.type_of(function).name,
            "args": list(args),
            "kwargs": dict(kwargs or {}),
            "failure_threshold": failure_threshold,
            "enabled": enabled,
            "time_zone": time_zone,
            "overlap": overlap,
            "jitter_seconds": jitter_seconds,
        }
        return self._made(("schedules",), given)

    def run_now(self, schedule_id: str) -> TaskHandle:
        """Enqueue the task of a schedule at once, whether it is due, enabled or neither, and return it.

        Its runs on the calendar are not moved and not used up; how it ends counts as any run. Raises `MissingResource`.
        """
        return spawned(self._connection, self._connection.post("schedules", schedule_id, "actions", "run_now"))[0]

    def preview(self, schedule: str, *, time_zone: str | None = None, count: int = 5) -> SchedulePreview:
        """Return when a schedule that is made now would run: the first `count` times, from 1 to 100.

        Nothing is kept. Raises `InvalidValue` with all that is refused.
        """
        body = {"schedule": schedule, "time_zone": time_zone, "count": count}
        return schedule_preview(self._connection.search("schedules", "actions", "preview", body=body))

    def preview_of(self, schedule_id: str, *, count: int = 5) -> SchedulePreview:
        """Return when a schedule runs next: `count` times, from 1 to 100, or as often as it still does.

        One that is disabled does not run. Raises `MissingResource`, `InvalidValue`.
        """
        return schedule_preview(self._connection.get("schedules", schedule_id, "preview", query=[("count", str(count))]))

    def list_sync(self, repository_id: str, importer_id: str) -> list[ScheduleReport]:
        """Return the sync schedules of an importer, in the order they were made; raises `MissingResource`."""
        return list(map(schedule_report, self._connection.get(*_sync(repository_id, importer_id))))

    def list_publish(self, repository_id: str, distributor_id: str) -> list[ScheduleReport]:
        """Return the publish schedules of a distributor, in the order they were made; raises `MissingResource`."""
        return list(map(schedule_report, self._connection.get(*_publish(repository_id, distributor_id))))

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
        path = _path(schedule_id, repository_id, importer_id, distributor_id)
        found = schedule_report(self._connection.get(*path))
        if repository_id not in (None, found.repository_id):
            raise MissingResource(schedule_id=schedule_id)
        return found

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
        path = self._place(schedule_id, repository_id, importer_id, distributor_id)
        return schedule_report(self._connection.put(*path, body=dict(changes)))

    def delete(
        self,
        schedule_id: str,
        *,
        repository_id: str | None = None,
        importer_id: str | None = None,
        distributor_id: str | None = None,
    ) -> None:
        """Delete one schedule; the tasks it has enqueued stay. Raises `MissingResource` as `get` does."""
        self._connection.delete(*self._place(schedule_id, repository_id, importer_id, distributor_id))

    def upcoming(self, *, limit: int = 5) -> list[ScheduleReport]:
        """Return the enabled schedules that run next, the soonest first; raises `InvalidValue`."""
        return list(map(schedule_report, self._connection.get("schedules", query=[("upcoming", str(limit))])))

    def list(self) -> list[ScheduleReport]:
        """Return all schedules, in the order they were made."""
        return list(map(schedule_report, self._connection.get("schedules")))

    def _made(self, path: tuple[str, ...], given: dict[str, Any]) -> ScheduleReport:
        return schedule_report(self._connection.post(*path, body=given))

    def _place(
        self, schedule_id: str, repository_id: str | None, importer_id: str | None, distributor_id: str | None
    ) -> tuple[str, ...]:
        """Return the path of a schedule that is to be changed; raises `MissingResource`."""
        if repository_id is not None and importer_id is None and distributor_id is None:
            self.get(schedule_id, repository_id=repository_id)  # no path says that it is to belong to that
        return _path(schedule_id, repository_id, importer_id, distributor_id)


def _path(schedule_id: str, repository_id: str | None, importer_id: str | None, distributor_id: str | None) -> tuple[str, ...]:
    if repository_id is not None and distributor_id is not None:
        return (*_publish(repository_id, distributor_id), schedule_id)
    if repository_id is not None and importer_id is not None:
        return (*_sync(repository_id, importer_id), schedule_id)
    return ("schedules", schedule_id)


def _sync(repository_id: str, importer_id: str) -> tuple[str, ...]:
    return ("repositories", repository_id, "importers", importer_id, "schedules", "sync")


def _publish(repository_id: str, distributor_id: str) -> tuple[str, ...]:
    return ("repositories", repository_id, "distributors", distributor_id, "schedules", "publish")
