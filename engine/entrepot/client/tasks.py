"""The tasks of a server: `client.tasks`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from entrepot.client.connection import Connection
from entrepot.client.documents import group_report, task_report
from entrepot.client.figures import hours_back, task_figures, task_hour
from entrepot.client.groups import TaskGroup
from entrepot.client.handle import TaskHandle
from entrepot.errors import InvalidValue
from entrepot.tasking import Call, TaskRegistry

if TYPE_CHECKING:
    from entrepot.criteria import Criteria
    from entrepot.tasking import GroupReport, TaskHour, TaskReport
    from entrepot.tasking.figures import TaskFigures


class Tasks:
    """What programs do with the tasks of a server."""

    def __init__(self, connection: Connection) -> None:
        """Speak of the tasks of the server that `connection` leads to."""
        self._connection = connection
        self._registry = TaskRegistry()

    def enqueue(self, call: Call, *, group: TaskGroup | None = None) -> TaskHandle:
        """Keep a task that will run `call` in a worker, whose type the server knows by its task modules.

        It is on the server's disk when this returns. The same `idempotency_key` returns the same task, and with one the
        request is sent again when the connection fails. Raises `UnknownTaskType` if the function is no task, `InvalidValue`
        if the server knows no such type, or if an argument is not JSON or an option cannot be.
        """
        name = call.function if isinstance(call.function, str) else self._registry.type_of(call.function).name
        body: dict[str, Any] = {"task_type": name, "args": list(call.args), "kwargs": dict(call.kwargs)}
        options = {
            "idempotency_key": call.idempotency_key,
            "not_before": _not_before(call.not_before),
            "priority": call.priority,
            "group_id": None if group is None else group.group_id,
        }
        body |= {name: value for name, value in options.items() if value is not None}
        is_safe = call.idempotency_key is not None
        return spawned(self._connection, self._connection.post("tasks", body=body, is_safe=is_safe))[0]

    def hourly(self, *, since: timedelta = timedelta(hours=72)) -> Sequence[TaskHour]:
        """Return how many tasks ended in the hours that ended less than `since` ago, by hour, type and state, the oldest first.

        The server counts whole hours, 9600 at most. Raises `InvalidValue`.
        """
        document = self._connection.get("statistics", query=hours_back(since))
        return [task_hour(hour) for hour in document["tasks"]]

    def figures(self) -> TaskFigures:
        """Return how many tasks are unfinished now, and how long those that are first in line have been ready."""
        return task_figures(self._connection.get("statistics", query=[("hours", "1")])["unfinished"])

    def handle(self, task_id: str) -> TaskHandle:
        """Return a handle on the task with this id, without looking whether it exists."""
        return TaskHandle(self._connection, task_id)

    def get(self, task_id: str) -> TaskReport:
        """Return the report of one task, with what it waits for; raises `MissingResource`."""
        return self.handle(task_id).report()

    def list(
        self,
        *,
        states: Collection[str] = (),
        tags: Collection[str] = (),
        group: str | None = None,
        task_types: Collection[str] = (),
        queue: str | None = None,
        before: int | None = None,
        limit: int = 50,
        explain: bool = False,
    ) -> list[TaskReport]:
        """Return the newest tasks first: in one of `states` (any if empty), with all of `tags`, of `group` (its id) if given.

        Of one of `task_types` (any if empty), of `queue` if given, and made before the task with the row id `before`: that of
        the last one of a list leads to those that follow. `explain` looks up for each that waits what it waits for. Raises
        `MissingResource` if there is no such group.
        """
        query = [("newest", str(limit)), *(("state", state) for state in states), *(("tag", tag) for tag in tags)]
        query += [("task_type", task_type) for task_type in task_types]
        given = {"group_id": group, "queue": queue, "before": None if before is None else f"{before:024x}"}
        query += [(name, value) for name, value in given.items() if value is not None]
        query += [("explain", "true")] if explain else []
        return list(map(task_report, self._connection.get("tasks", query=query)))

    def search(self, criteria: Criteria) -> Sequence[TaskReport]:
        """Return the tasks that `criteria` select, in their order, else the oldest first; those in groups as well.

        Raises `InvalidValue` for what cannot be asked, `SearchTooSlow`. Source: the Pulp 2 REST contract, 4.
        """
        found = self._connection.search("tasks", "search", body={"criteria": whole(criteria.source)})
        return list(map(task_report, found))

    def purge(self, states: Collection[str]) -> int:
        """Remove all tasks that are complete and in one of `states`, and return how many there were.

        Raises `InvalidPurgeState` if one of them is neither `finished`, `error` nor `skipped`; then none is removed.
        """
        return self._connection.delete("tasks", query=[("state", state) for state in states]).count

    def cancel(self, task_id: str, *, with_spawned: bool = False) -> TaskReport:
        """Cancel one task, if it is not complete, and return its report; `with_spawned` all that it spawned as well.

        Raises `MissingResource`.
        """
        self.handle(task_id).cancel(with_spawned=with_spawned)
        return self.get(task_id)

    def retry(self, task_id: str) -> TaskHandle:
        """Enqueue once more what a task that has ended was to do, as a new task with the tag `entrepot:retry-of:TASK_ID`.

        Raises `MissingResource`, `OperationConflict` if the task has not ended, `InvalidValue` if it cannot be run any more.
        """
        return spawned(self._connection, self._connection.post("tasks", task_id, "actions", "retry"))[0]

    def create_group(self) -> TaskGroup:
        """Make an empty group of tasks."""
        return TaskGroup(self._connection, self._connection.post("task_groups")["group_id"])

    def get_group(self, group_id: str) -> TaskGroup:
        """Return the group with this id; raises `MissingResource`."""
        return TaskGroup(self._connection, self._connection.get("task_groups", group_id)["group_id"])

    def list_groups(self, *, limit: int = 50) -> Sequence[GroupReport]:
        """Return the newest groups first, with how many of their tasks are in each state."""
        return list(map(group_report, self._connection.get("task_groups", query=[("limit", str(limit))])))


def spawned(connection: Connection, call_report: dict[str, Any]) -> list[TaskHandle]:
    """Return handles on the tasks that a call report names. Source: the Pulp 2 REST contract, 1.7."""
    return [TaskHandle(connection, task["task_id"]) for task in call_report["spawned_tasks"]]


def whole(source: object) -> dict[str, Any]:
    """Return the criteria to send for whole objects, whatever fields were asked for; raises `InvalidValue` without any."""
    if not isinstance(source, Mapping):
        raise InvalidValue("criteria", why="make them by Criteria.parse: a client sends the document that was parsed")
    return {name: value for name, value in source.items() if name != "fields"}


def _not_before(moment: datetime | timedelta | None) -> str | float | None:
    if moment is None:
        return None
    if isinstance(moment, timedelta):
        return moment.total_seconds()
    if not isinstance(moment, datetime):
        raise InvalidValue("not_before", why=f"{moment!r} is neither a datetime nor a timedelta")
    if moment.utcoffset() is None:
        raise InvalidValue("not_before", why=f"{moment.isoformat()} names no time zone: give an aware datetime, or a span")
    return moment.astimezone(UTC).isoformat()
