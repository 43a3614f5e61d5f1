"""The task service of one engine: enqueue, look up, list, cancel."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from entrepot.tasking import cancellation, groups, reports
from entrepot.tasking.context import find_current_task
from entrepot.tasking.handle import TaskHandle
from entrepot.tasking.resources import reserved
from entrepot.tasking.submission import NewTask, submit

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.models import Database
    from entrepot.tasking.groups import TaskGroup
    from entrepot.tasking.reports import TaskReport
    from entrepot.tasking.task_type import TaskRegistry


class Tasks:
    """What doors, programs and the engine's own packages do with tasks."""

    def __init__(self, database: Database, registry: TaskRegistry) -> None:
        """Serve the tasks in `database`, whose types are in `registry`."""
        self.database = database
        self.registry = registry

    def enqueue(
        self,
        function: Callable[..., Any] | str,
        *args: JSON,
        idempotency_key: str | None = None,
        group: TaskGroup | None = None,
        **kwargs: JSON,
    ) -> TaskHandle:
        """Keep a task that will run `function(*args, **kwargs)` in a worker; joins the caller's transaction.

        Within a running task the new one is its child. The same `idempotency_key` returns the same task. Raises
        `UnknownTaskType` if the function is no task, `InvalidValue` if the arguments are not JSON.
        """
        task_type = self.registry.type_of(function)
        parent = find_current_task()
        new = NewTask(
            task_type=task_type.name,
            args=args,
            kwargs=kwargs,
            resources=reserved(task_type.resources_for(args, kwargs)),
            tags=task_type.tags_for(args, kwargs),
            idempotent=task_type.idempotent,
            timeout=task_type.timeout,
            idempotency_key=idempotency_key,
            parent=parent.claim.id if parent and parent.tasks.database is self.database else None,
            group=group.row_id if group else None,
        )
        return TaskHandle(self.database, submit(self.database, new))

    def handle(self, task_id: str) -> TaskHandle:
        """Return a handle on the task with this id, without looking whether it exists."""
        return TaskHandle(self.database, task_id)

    def get(self, task_id: str) -> TaskReport:
        """Return the report of one task; raises `MissingResource`."""
        return reports.get_report(self.database, task_id)

    def list(self, *, states: Collection[str] = (), tags: Collection[str] = (), limit: int = 50) -> list[TaskReport]:
        """Return the newest tasks first: those in one of `states` (any if empty) that carry all of `tags`."""
        return reports.list_reports(self.database, states=states, tags=tags, limit=limit)

    def cancel(self, task_id: str) -> TaskReport:
        """Cancel one task, if it is not complete, and return its report; raises `MissingResource`."""
        cancellation.cancel(self.database, task_id)
        return reports.get_report(self.database, task_id)

    def create_group(self) -> TaskGroup:
        """Make an empty group of tasks."""
        return groups.create_group(self.database)

    def get_group(self, group_id: str) -> TaskGroup:
        """Return the group with this id; raises `MissingResource`."""
        return groups.get_group(self.database, group_id)
