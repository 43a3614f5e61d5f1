"""The task service of one engine: enqueue, look up, list, cancel."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from entrepot import clock, tracing
from entrepot.errors import InvalidSettings, InvalidValue, UnknownTaskType
from entrepot.tasking import cancellation, figures, groups, hourly, listing, repetition, reports, retention, search, trees
from entrepot.tasking.arguments import get_arguments
from entrepot.tasking.bulk_submission import submit_many
from entrepot.tasking.called import list_called
from entrepot.tasking.context import find_current_task
from entrepot.tasking.handle import TaskHandle
from entrepot.tasking.limits import Limits
from entrepot.tasking.listing import TaskFilter
from entrepot.tasking.names import require_name, require_names
from entrepot.tasking.resources import limited, reserved
from entrepot.tasking.submission import NewTask, submit
from entrepot.tasking.task_type import PRIORITIES

if TYPE_CHECKING:
    from entrepot.criteria import Criteria
    from entrepot.errors import JSON
    from entrepot.models import Database
    from entrepot.settings import Settings
    from entrepot.tasking.arguments import Arguments
    from entrepot.tasking.call import Call
    from entrepot.tasking.called import CalledTask
    from entrepot.tasking.delivery import Doorbell
    from entrepot.tasking.figures import TaskFigures
    from entrepot.tasking.groups import GroupReport, TaskGroup
    from entrepot.tasking.hourly import TaskHour
    from entrepot.tasking.listing import TaskBrief, TaskPage
    from entrepot.tasking.reports import TaskReport
    from entrepot.tasking.task_type import TaskRegistry
    from entrepot.tasking.trees import TaskTree

#: No report shows a later moment: the calendar of `datetime` ends with the year 9999.
_LATEST = datetime.max.replace(tzinfo=UTC)


class Tasks:
    """What doors, programs and the engine's own packages do with tasks."""

    def __init__(self, database: Database, registry: TaskRegistry, settings: Settings, doorbell: Doorbell) -> None:
        """Serve the tasks in `database`, whose types are in `registry`; `doorbell` tells workers of new ones."""
        self.database = database
        self.registry = registry
        self.doorbell = doorbell
        self.lease = settings.lease
        self._modules = settings.task_modules
        self._limits = Limits(settings)

    def enqueue(self, call: Call, *, group: TaskGroup | None = None) -> TaskHandle:
        """Keep a task that will run `call` in a worker; joins the caller's transaction.

        Within a running task the new one is its child, and exists only if that one still runs. The same `idempotency_key`
        returns the same task. Raises `UnknownTaskType` if the function is no task, `InvalidValue` if an argument is not
        JSON or an option cannot be, `Canceled` or `LeaseLost` if the running task is to stop.
        """
        with self._parent() as parent:
            return TaskHandle(self, self._submit(self._new(call, parent, group)))

    def enqueue_many(self, calls: Iterable[Call], *, group: TaskGroup | None = None) -> list[TaskHandle]:
        """Keep a task for each of `calls`, in their order, all or none; as `enqueue` otherwise."""
        with self._parent() as parent:
            new = [self._new(call, parent, group) for call in calls]
            with tracing.span("enqueue many", {"entrepot.tasks": len(new)}, kind="producer"):
                return [TaskHandle(self, task_id) for task_id in submit_many(self.database, new, self.doorbell.ring)]

    def lines_of(self, call: Call) -> list[str]:
        """Return the names of the lines that a task for `call` would stand in: what it reserves, and its limits."""
        return [resource.name for resource in self._new(call, None, None).resources]

    def handle(self, task_id: str) -> TaskHandle:
        """Return a handle on the task with this id, without looking whether it exists."""
        return TaskHandle(self, task_id)

    def get(self, task_id: str) -> TaskReport:
        """Return the report of one task, with what it waits for; raises `MissingResource`."""
        return reports.get_report(self.database, task_id, lease=self.lease)

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
        wanted = TaskFilter(states=states, tags=tags, group=group, task_types=task_types, queue=queue)
        self._require_group(wanted)
        ids = list(listing.looks(self.database, wanted, start=before, limit=limit))
        return reports.reports_of(self.database, ids, lease=self.lease, explain=explain)

    def page(
        self,
        wanted: TaskFilter,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        explain: bool = False,
    ) -> TaskPage:
        """Return the newest tasks that are `wanted`, with the ways to those that follow and those that come before.

        They are those `before` or `after` a task, by its row id, if one is given. A page looks at some ten thousand tasks, and
        says so if there may be more than it has found. Raises `MissingResource` if there is no such group, `InvalidValue`
        if the beginning of an id is too short.
        """
        self._require_group(wanted)
        return listing.get_page(
            self.database, wanted, lease=self.lease, before=before, after=after, limit=limit, explain=explain
        )

    def briefs(self, wanted: TaskFilter, *, before: int | None = None, limit: int) -> Sequence[TaskBrief]:
        """Return the newest tasks that are `wanted`, of those `before` a row id if one is given: all there are up to `limit`.

        However many are to be looked at for that. Raises as `page`.
        """
        self._require_group(wanted)
        return listing.list_briefs(self.database, wanted, before=before, limit=limit)

    def tree(self, task_id: str, *, most: int = 100) -> TaskTree:
        """Return the tree that a task belongs to: who spawned it, and what it spawned; raises `MissingResource`.

        If there are more than `most` of them, its own part of it, as far as that goes.
        """
        return trees.get_tree(self.database, task_id, most=most, lease=self.lease)

    def arguments(self, task_id: str, *, secrets: Collection[str] = ()) -> Arguments:
        """Return what a task was called with, secrets masked; those under a name in `secrets` too. Raises `MissingResource`."""
        return get_arguments(self.database, task_id, secrets=secrets)

    def iterate(
        self,
        *,
        states: Collection[str] = (),
        tags: Collection[str] = (),
        group: str | None = None,
        is_alone: bool = False,
        explain: bool = False,
    ) -> Iterator[TaskReport]:
        """Yield all tasks that `list` could return, the oldest first; `is_alone` leaves out those that are in a group.

        Raises `MissingResource` if there is no such group.
        """
        in_group = None if group is None else self.get_group(group).row_id
        return reports.iterate_reports(
            self.database, lease=self.lease, states=states, tags=tags, group=in_group, is_alone=is_alone, explain=explain
        )

    def search(self, criteria: Criteria) -> Sequence[TaskReport]:
        """Return the tasks that `criteria` select, in their order, else the oldest first; those in groups as well.

        Raises `InvalidValue` for what cannot be asked, `SearchTooSlow`. Source: the Pulp 2 REST contract, 4.
        """
        return search.search_tasks(self.database, criteria, lease=self.lease)

    def list_called(self, tag: str, calls: Sequence[tuple[str, Sequence[JSON]]], *, ended: int) -> Sequence[CalledTask]:
        """Return all unfinished tasks with `tag`, and the newest `ended` of those that have ended, the oldest first.

        `calls` are pairs of task type and first arguments; only tasks of one of them are returned.
        """
        return list_called(self.database, tag, calls, ended=ended, lease=self.lease)

    def hourly(self, *, since: timedelta = timedelta(hours=72)) -> Sequence[TaskHour]:
        """Return how many tasks ended in the hours that ended less than `since` ago, by hour, type and state, the oldest first.

        They are counted once a minute, and kept for 400 days, whatever becomes of the tasks.
        """
        return hourly.list_hours(self.database, since=since)

    def figures(self) -> TaskFigures:
        """Return how many tasks are unfinished now, and how long those that are first in line have been ready."""
        return figures.task_figures(self.database)

    def purge(self, states: Collection[str]) -> int:
        """Remove all tasks that are complete and in one of `states`, and return how many there were.

        Raises `InvalidPurgeState` if one of them is neither `finished`, `error` nor `skipped`; then none is removed.
        """
        return retention.purge(self.database, states)

    def purge_many(self, row_ids: Sequence[int]) -> int:
        """Remove those of the tasks (row ids) that are complete and may be purged, and return how many there were.

        Some hundred in a transaction: after a crash on the way some are gone and some are not.
        """
        return retention.purge_many(self.database, row_ids)

    def cancel(self, task_id: str, *, with_spawned: bool = False) -> TaskReport:
        """Cancel one task, if it is not complete, and return its report; `with_spawned` all that it spawned as well.

        Raises `MissingResource`.
        """
        self.handle(task_id).cancel(with_spawned=with_spawned)
        return self.get(task_id)

    def cancel_many(self, task_ids: Sequence[str]) -> int:
        """Cancel those of the tasks that are not complete, some hundred in a transaction; return how many there were.

        One that is not there, or no longer, is passed over. After a crash on the way some are canceled and some are not.
        """
        return cancellation.cancel_many(self.database, task_ids, self.doorbell.ring)

    def retry(self, task_id: str) -> TaskHandle:
        """Enqueue once more what a task that has ended was to do, as a new task with the tag `entrepot:retry-of:TASK_ID`.

        With the same type, arguments and priority, at once and in no group; what it reserves is worked out anew. Raises
        `MissingResource`, `OperationConflict` if the task has not ended, `UnknownTaskType` if no task module here has its
        type any more, `InvalidValue` if that takes other arguments by now.
        """
        call = repetition.call_of(self.database, task_id)
        self._require_known(str(call.function))
        with self._parent() as parent:
            try:
                new = self._new(call, parent, None)
            except TypeError as error:
                raise InvalidValue("args", "kwargs", why=f"{call.function} does not take them any more: {error}") from error
            tags = require_names("tags", (*new.tags, repetition.retry_tag(task_id)))
            return TaskHandle(self, self._submit(replace(new, tags=tags)))

    def create_group(self) -> TaskGroup:
        """Make an empty group of tasks."""
        return groups.create_group(self)

    def get_group(self, group_id: str) -> TaskGroup:
        """Return the group with this id; raises `MissingResource`."""
        return groups.get_group(self, group_id)

    def list_groups(self, *, limit: int = 50) -> Sequence[GroupReport]:
        """Return the newest groups first, with how many of their tasks are in each state."""
        return groups.list_groups(self.database, limit=limit)

    def _require_group(self, wanted: TaskFilter) -> None:
        if wanted.group is not None:
            self.get_group(wanted.group)

    def _require_known(self, task_type: str) -> None:
        """Import the task modules if the type is not known yet; raises `UnknownTaskType`."""
        try:
            self.registry.get(task_type)
        except UnknownTaskType as unknown:
            try:
                self.registry.load_entry_points()
                self.registry.load_modules(self._modules)
            except InvalidSettings:
                raise unknown from None
            self.registry.get(task_type)

    def _submit(self, new: NewTask) -> str:
        about = {"entrepot.task_type": new.task_type, "entrepot.queue": new.queue}
        with tracing.span(f"enqueue {new.task_type}", about, kind="producer"):
            task_id = submit(self.database, new, self.doorbell.ring)
            tracing.note_task(task_id)
        tracing.note_task(task_id)  # on the span around, that of a request
        return task_id

    def _new(self, call: Call, parent: int | None, group: TaskGroup | None) -> NewTask:
        task_type, args, kwargs = self.registry.type_of(call.function), call.args, call.kwargs
        keys = task_type.limit_keys_for(args, kwargs) if self._limits.has_concurrency_limits else ()
        own_limits = task_type.limits_for(args, kwargs)
        limits = self._limits.concurrency_for(require_names("limit_keys", keys), own_limits)
        key, priority = call.idempotency_key, call.priority or task_type.priority
        if priority not in PRIORITIES:
            raise InvalidValue("priority", why=f"{priority!r} is none of {', '.join(PRIORITIES)}")
        return NewTask(
            task_type=task_type.name,
            args=args,
            kwargs=kwargs,
            resources=reserved(task_type.resources_for(args, kwargs)) + limited(limits),
            tags=require_names("tags", task_type.tags_for(args, kwargs)),
            idempotent=task_type.idempotent,
            timeout=self._limits.timeout_for(task_type.name, task_type.timeout),
            idempotency_key=None if key is None else require_name("idempotency_key", key),
            parent=parent,
            group=group.row_id if group else None,
            queue=task_type.queue,
            priority=PRIORITIES[priority],
            not_before=_moment(call.not_before),
        )

    @contextmanager
    def _parent(self) -> Iterator[int | None]:
        """Give the row id of the task that runs in this thread, which stays owned until the block has ended."""
        parent = find_current_task()
        if parent is None or parent.tasks.database is not self.database:
            yield None
            return
        with parent.transaction():
            yield parent.claim.id


def _moment(not_before: datetime | timedelta | None) -> int | None:
    """Return the moment as the tables keep it, or None if it is no delay; raises `InvalidValue` if it can be none."""
    if not_before is None:
        return None
    if isinstance(not_before, timedelta):
        moment = clock.now_us() + clock.us(not_before)
    elif not isinstance(not_before, datetime):
        raise InvalidValue("not_before", why=f"{not_before!r} is neither a datetime nor a timedelta")
    elif not_before.utcoffset() is None:
        raise InvalidValue("not_before", why=f"{not_before.isoformat()} names no time zone: give an aware datetime, or a span")
    else:
        moment = clock.to_us(not_before)
    if moment > clock.to_us(_LATEST):
        raise InvalidValue("not_before", why=f"{not_before} lies beyond the year {_LATEST.year}")
    return moment if moment > clock.now_us() else None
