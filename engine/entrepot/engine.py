"""The engine: every piece, put together in one place.

`LOOPS` is the complete table of what goes on in the background; `repositories.task_table` is that of what workers run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self

from entrepot.access import Access, Actor
from entrepot.content import measures, uploads
from entrepot.content.store import BlobStore
from entrepot.discovery import Plugins
from entrepot.errors import JSON, StorageFull, StorageUnwritable
from entrepot.events import Events, Flip
from entrepot.loops import Loop
from entrepot.models import Database
from entrepot.models.migrate import Migration, check, migrate
from entrepot.propagation import Edges, pushes, settling
from entrepot.repositories import (
    Contents,
    House,
    Repositories,
    associations,
    history,
    publication,
    uploading,
)
from entrepot.repositories.task_table import TASKS
from entrepot.schedules import Overlap, ScheduleReport, Schedules
from entrepot.settings import Settings, read_settings
from entrepot.tasking import (
    Call,
    DrainReport,
    Priority,
    TaskGroup,
    TaskHandle,
    TaskRegistry,
    Tasks,
    TaskType,
    WorkerReport,
    due,
    hourly,
    readiness,
    rescue,
    retention,
    workers,
)
from entrepot.tasking.delivery import Doorbell
from entrepot.tasking.transport import open_doorbell
from entrepot.tenants import Tenants

#: Name, period, round. Any number of processes may run them side by side.
LOOPS: tuple[tuple[str, timedelta, Callable[[Engine], int]], ...] = (
    ("rescue", timedelta(seconds=2), lambda engine: engine.rescue()),
    ("due", timedelta(seconds=0.5), lambda engine: due.make_due(engine.database, engine.doorbell.ring)),
    ("schedules", timedelta(seconds=0.5), lambda engine: engine.schedules.go_round()),
    ("wrong clock", timedelta(minutes=1), lambda engine: engine.schedules.return_to_grid()),
    ("readiness", timedelta(seconds=5), lambda engine: readiness.sweep(engine.database, engine.doorbell.ring)),
    (
        "task retention",
        timedelta(hours=1),
        lambda engine: retention.remove_old_tasks(
            engine.database, older_than=timedelta(days=engine.settings.task_retention_days)
        ),
    ),
    (
        "history retention",
        timedelta(hours=1),
        lambda engine: history.remove_old_entries(
            engine.database, older_than=timedelta(days=engine.settings.history_retention_days)
        ),
    ),
    (
        "publication retention",
        timedelta(minutes=10),
        lambda engine: publication.prune(
            engine.database,
            keep=engine.settings.keep_publications,
            grace=timedelta(seconds=engine.settings.publication_grace_seconds),
        ),
    ),
    ("association retention", timedelta(hours=1), lambda engine: associations.prune(engine.database)),
    (
        "event retention",
        timedelta(hours=1),
        lambda engine: engine.events.prune_publications(older_than=timedelta(days=engine.settings.event_retention_days)),
    ),
    (
        "activity retention",
        timedelta(hours=1),
        lambda engine: engine.events.prune_activity(
            older_than=timedelta(days=engine.settings.activity_retention_days), keep=engine.settings.activity_lines
        ),
    ),
    ("deploys", timedelta(seconds=2), lambda engine: engine.edges.settle()),
    (
        "deploy retention",
        timedelta(hours=1),
        lambda engine: settling.prune(
            engine.database,
            older_than=timedelta(days=max(engine.settings.deploy_retention_days, engine.settings.edgecast_status_days)),
        ),
    ),
    (
        "upload expiry",
        timedelta(minutes=10),
        lambda engine: uploads.expire(
            engine.database,
            engine.store,
            older_than=timedelta(hours=engine.settings.upload_expiry_hours),
            forget=lambda upload_id: engine.access.forget_resource(uploading.resource(upload_id)),
        ),
    ),
    ("hourly tasks", timedelta(minutes=1), lambda engine: hourly.count(engine.database)),
    ("content measures", timedelta(minutes=1), lambda engine: measures.measure(engine.database)),
    ("temporary files", timedelta(minutes=10), lambda engine: engine.store.sweep()),
    ("failed logins", timedelta(minutes=10), lambda engine: engine.access.forget_failed_logins()),
    ("audit retention", timedelta(hours=1), lambda engine: engine.access.prune_audit()),
    ("ended sessions", timedelta(minutes=10), lambda engine: engine.access.forget_ended_sessions()),
)


class Engine:
    """One engine: its settings, its database, its content store, its plugins, and what can be done with them.

    Safe to share between threads. Each thread that uses it gets a database connection of its own, which `visit()` closes
    when its block ends; outside of `visit()` it stays open until `close()`.
    """

    settings: Settings
    database: Database
    store: BlobStore
    plugins: Plugins
    registry: TaskRegistry
    doorbell: Doorbell
    tasks: Tasks
    events: Events
    repositories: Repositories
    content: Contents
    schedules: Schedules
    edges: Edges
    access: Access
    tenants: Tenants

    def __init__(
        self, database_url: str | None = None, *, settings: Settings | None = None, plugins: Plugins | None = None
    ) -> None:
        """Put the engine together; nothing is connected or written before it is used.

        `settings` are read from the environment if not given; `database_url` takes the place of theirs. Raises
        `InvalidSettings`.
        """
        chosen = settings or read_settings()
        self.settings = chosen if database_url is None else chosen.model_copy(update={"database_url": database_url})
        self.database = Database(self.settings.effective_database_url)
        self.store = BlobStore(self.settings.store_dir)
        self.plugins = plugins or Plugins.discover()
        self.registry = TaskRegistry()
        self.doorbell = open_doorbell(self.settings, self.database)
        self.tasks = Tasks(self.database, self.registry, self.settings, self.doorbell)
        self.events = Events(self.database, granularity=self.settings.livingdocs_document_granularity)
        self.access = Access(self.database, self.settings)
        forget_grants = self.access.forget_resource
        parts = (self.database, self.store, self.plugins, self.tasks, self.settings)
        house = House(*parts, forget_grants, calendar=lambda: self.schedules, flipped=self._flipped)
        self.repositories = Repositories(house)
        self.content = Contents(house)
        self.schedules = Schedules(house)
        self.edges = Edges(house)
        self.tenants = Tenants(self.database)
        for name, function, tags, resources, limit_keys in TASKS:
            self.registry.add(
                TaskType(
                    name,
                    partial(function, house),
                    resources,
                    tags,
                    idempotent=True,
                    limit_keys=partial(limit_keys, house),
                )
            )
        self.registry.add(
            TaskType(
                pushes.TASK_TYPE,
                partial(pushes.push, house),
                pushes.reserves,
                pushes.tags,
                idempotent=True,
                priority="low",  # a deploy may be tens of thousands of them: whatever else is to be done comes first
                retry=pushes.RETRY,
                limits=pushes.limits,
            )
        )

    @classmethod
    def from_settings(cls, **given: object) -> Self:
        """Return an engine with the settings of the environment, and those given here; raises `InvalidSettings`."""
        return cls(settings=read_settings(**given))

    def initialise(self) -> list[Migration]:
        """Make the data folder, the tables and the content store, as far as they are missing; return the migrations applied.

        Raises `StorageUnwritable`, `StorageFull`, `DatabaseUnavailable`, `DatabaseTooNew`.
        """
        folder = self.settings.data_dir
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        except OSError as error:
            kind = StorageFull if error.errno == 28 else StorageUnwritable  # noqa: PLR2004 - ENOSPC
            msg = f"The data folder {folder} cannot be made: {error.strerror}. Name another one in ENTREPOT_DATA_DIR."
            raise kind(msg, path=str(folder)) from error
        self.store.prepare()
        return migrate(self.database)

    def check(self) -> None:
        """Raise `DatabaseOutdated`, `DatabaseTooNew` or `DatabaseUnavailable` unless the database can be used."""
        check(self.database)

    def load_tasks(self) -> None:
        """Import the modules that define tasks: those of entry points and of the setting `task_modules`. For workers."""
        self.registry.load_entry_points()
        self.registry.load_modules(self.settings.task_modules)

    def enqueue(
        self,
        function: Callable[..., Any] | str,
        *args: JSON,
        idempotency_key: str | None = None,
        group: TaskGroup | None = None,
        not_before: datetime | timedelta | None = None,
        priority: Priority | None = None,
        **kwargs: JSON,
    ) -> TaskHandle:
        """Keep a task that will run `function(*args, **kwargs)`, a `@task` function, in a worker.

        Within `transaction()` the task exists if and only if that commits; else it is on the disk when this returns.
        The same `idempotency_key` returns the same task. It stands in no line before `not_before`, an aware moment or a
        span from now; `priority` takes the place of its type's. Raises `UnknownTaskType`, `InvalidValue`.
        """
        call = Call(function, args, kwargs, idempotency_key, not_before, priority)
        return self.tasks.enqueue(call, group=group)

    def enqueue_many(self, calls: Iterable[Call], *, group: TaskGroup | None = None) -> list[TaskHandle]:
        """Keep a task for each of `calls`, in their order, in one transaction: all or none. See `enqueue`."""
        return self.tasks.enqueue_many(calls, group=group)

    def schedule(
        self,
        schedule: str,
        function: Callable[..., Any] | str,
        *args: JSON,
        failure_threshold: int | None = None,
        time_zone: str | None = None,
        overlap: Overlap = "coalesce",
        jitter_seconds: int = 0,
        enabled: bool = True,
        **kwargs: JSON,
    ) -> ScheduleReport:
        """Schedule `function(*args, **kwargs)`, a `@task` function or the name of its type: `schedule("R3/PT1H", bake, 12)`.

        The schedulers find it as workers do. See `Schedules.create_task`. Raises `UnknownTaskType`, `InvalidValue`.
        """
        return self.schedules.create_task(
            schedule,
            function,
            args,
            kwargs,
            failure_threshold=failure_threshold,
            enabled=enabled,
            time_zone=time_zone,
            overlap=overlap,
            jitter_seconds=jitter_seconds,
        )

    def group(self) -> TaskGroup:
        """Make a group of tasks, to be counted, awaited and canceled together."""
        return self.tasks.create_group()

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """Run the block in one transaction; it yields the database, on which the caller runs its own statements."""
        with self.database.transaction() as database:
            yield database

    @contextmanager
    def acting(self, name: str, action: str = "run", resource: str = "/") -> Iterator[None]:
        """Keep in the audit log that a program called `name` changes something within the block, if it does.

        One block is one entry, and needs none if it is within another; the first transaction that changes something writes
        it. `resource` is a path such as `/v2/repositories/zoo/`. What a program does outside of such a block is not kept.
        """
        with self.access.acting(Actor(f"program:{name}", "program", None, None, "python", None), action, resource):
            yield

    def workers(self) -> list[WorkerReport]:
        """Return the worker processes that are known, by name, with what they run now."""
        return workers.list_workers(self.database, lease=self.settings.lease)

    def drains(self) -> list[DrainReport]:
        """Return which workers and hosts are drained, the oldest drain first, also where no worker is now."""
        return workers.list_drains(self.database)

    def drain_workers(
        self, worker: str | None = None, *, host: str | None = None, wait: timedelta | None = None
    ) -> list[WorkerReport]:
        """Let a worker, those on a host, or all of them claim nothing until they are resumed; what runs goes on.

        `worker` is a name, or the beginning of one and of no other. With `wait` it returns when nothing runs there any more.
        Raises `MissingResource`, `InvalidValue`, `WaitTimeout`.
        """
        return workers.drain(self.database, worker=worker, host=host, lease=self.settings.lease, wait=wait)

    def resume_workers(self, worker: str | None = None, *, host: str | None = None) -> list[WorkerReport]:
        """Let a worker, those on a host, or all of them claim again.

        Raises `MissingResource`, `InvalidValue`, and `OperationConflict` if more than those were drained together.
        """
        return workers.resume(self.database, worker=worker, host=host, lease=self.settings.lease)

    def rescue(self) -> int:
        """Take tasks from workers whose leases ran out; return how many there were."""
        retry = self.settings.orphans == "retry"
        return rescue.rescue(self.database, self.doorbell.ring, limit=self.settings.rescue_limit, retry=retry)

    def worker_lost(self, name: str, *, count: bool = True) -> int:
        """Take the tasks of a worker that is known to be dead, and forget it; return how many tasks there were.

        `count=False`: it gave them up by itself, so this does not count towards `rescue_limit`.
        """
        retry = self.settings.orphans == "retry"
        taken = rescue.rescue_from(
            self.database, name, self.doorbell.ring, limit=self.settings.rescue_limit, retry=retry, count=count
        )
        workers.forget(self.database, name)
        return taken

    def loops(self) -> list[Loop]:
        """Return the background loops of this engine."""
        return [Loop(name, period, partial(round_, self)) for name, period, round_ in LOOPS]

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Close this thread's database connection when the block ends, unless it was open before."""
        if self.database.is_open:
            yield
            return
        try:
            yield
        finally:
            self.database.close()

    def close(self) -> None:
        """Close this thread's database connection, and those of the doorbell."""
        self.database.close()
        self.doorbell.close()

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close this thread's database connection."""
        self.close()

    def _flipped(self, flip: Flip) -> None:
        """Tell all who are to know that a distributor serves something else, in the transaction that does it."""
        self.events.flipped(flip)
        self.edges.flipped(flip)
