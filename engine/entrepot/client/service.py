"""One server, and what can be done with it: `entrepot.Client`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from entrepot import clock
from entrepot.client.access import Access
from entrepot.client.connection import Certificate, Connection, Verify
from entrepot.client.contents import Contents
from entrepot.client.documents import drain_report, worker_report
from entrepot.client.edges import Edges
from entrepot.client.groups import TaskGroup
from entrepot.client.handle import TaskHandle
from entrepot.client.repositories import Repositories
from entrepot.client.schedules import Schedules
from entrepot.client.tasks import Tasks
from entrepot.client.tenants import Tenants
from entrepot.errors import JSON, WaitTimeout
from entrepot.schedules import Overlap, ScheduleReport
from entrepot.tasking import Call, DrainReport, Priority, WorkerReport

#: Seconds between two looks of whoever waits for a drain; each worker looks once a second.
_LOOK_SECONDS = 1.0


class Client:
    """A running server, with the names of `Engine`: what works with the one works with the other.

    Safe to share between threads. Methods raise the errors that the engine's do, and those of access where the server
    refuses who asks; `ServerUnavailable` when nobody answers.
    """

    tasks: Tasks
    repositories: Repositories
    content: Contents
    schedules: Schedules
    edges: Edges
    tenants: Tenants
    access: Access

    def __init__(
        self,
        url: str,
        *,
        auth: tuple[str, str] | None = None,
        token: str | None = None,
        cert: Certificate | None = None,
        verify: Verify = True,
        timeout: float = 30.0,
    ) -> None:
        """Speak to the server at `url`; nothing is sent before it is used.

        Who asks is told by `auth`, login and password, by a `token`, or by `cert`: the files of a client certificate and its
        key, or one file of both. `verify` is a file or folder of certificate authorities to trust in place of the system's;
        False trusts anybody. `timeout` is how many seconds an answer may take, beside what it is asked to wait. Raises
        `InvalidValue`.
        """
        self._connection = Connection(url, auth=auth, token=token, cert=cert, verify=verify, timeout=timeout)
        self.tasks = Tasks(self._connection)
        self.repositories = Repositories(self._connection)
        self.content = Contents(self._connection)
        self.schedules = Schedules(self._connection)
        self.edges = Edges(self._connection)
        self.tenants = Tenants(self._connection)
        self.access = Access(self._connection)

    def __repr__(self) -> str:
        """Show where the server is."""
        return f"Client({self.url!r})"

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._connection.url

    def status(self) -> dict[str, JSON]:
        """Return what is up and what is down, which a server tells anybody. Source: the Pulp 2 REST contract, 5.6."""
        document: dict[str, JSON] = self._connection.get("status")
        return document

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
        """Keep a task that will run `function(*args, **kwargs)`, a `@task` function or the name of its type, in a worker.

        The server must know the type by its task modules. See `Tasks.enqueue`; the options are those of the engine's.
        """
        call = Call(function, args, kwargs, idempotency_key, not_before, priority)
        return self.tasks.enqueue(call, group=group)

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

        The server must know the type by its task modules. See `Schedules.create_task`.
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

    def workers(self) -> list[WorkerReport]:
        """Return the worker processes that are known, by name, with what they run now."""
        return list(map(worker_report, self._connection.get("workers")))

    def drains(self) -> list[DrainReport]:
        """Return which workers and hosts are drained, the oldest drain first, also where no worker is now."""
        return list(map(drain_report, self._connection.get("workers", "drains")))

    def drain_workers(
        self, worker: str | None = None, *, host: str | None = None, wait: timedelta | None = None
    ) -> list[WorkerReport]:
        """Let a worker, those on a host, or all of them claim nothing until they are resumed; what runs goes on.

        `worker` is a name, or the beginning of one and of no other. With `wait` it returns when nothing runs there any more.
        Raises `MissingResource`, `InvalidValue`, `WaitTimeout`.
        """
        found = self._told("drain", worker, host)
        if wait is not None:
            self._wait_until_quiet(found[0].name if worker is not None else None, host, wait)
        return found

    def resume_workers(self, worker: str | None = None, *, host: str | None = None) -> list[WorkerReport]:
        """Let a worker, those on a host, or all of them claim again.

        Raises `MissingResource`, `InvalidValue`, and `OperationConflict` if more than those were drained together.
        """
        return self._told("resume", worker, host)

    def close(self) -> None:
        """Close the connections to the server."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def _told(self, action: str, worker: str | None, host: str | None) -> list[WorkerReport]:
        body = {name: value for name, value in (("worker", worker), ("host", host)) if value is not None}
        return list(map(worker_report, self._connection.post("workers", "actions", action, body=body, is_safe=True)))

    def _wait_until_quiet(self, name: str | None, host: str | None, wait: timedelta) -> None:
        """Wait until nothing runs any more on the worker `name`, on `host`, or at all; raises `WaitTimeout`."""
        deadline = clock.monotonic() + wait.total_seconds()
        while True:
            busy = [
                report
                for report in self.workers()
                if name in (None, report.name) and host in (None, report.host) and not report.is_quiet
            ]
            if not busy:
                return
            left = deadline - clock.monotonic()
            if left <= 0:
                tasks = sorted(task for report in busy for task in report.tasks)
                text = (
                    f"The drained workers are not quiet after {wait.total_seconds():g} s. Tasks that go on there: {len(tasks)}."
                )
                raise WaitTimeout(text, tasks=list[JSON](tasks), workers=[report.name for report in busy])
            time.sleep(min(_LOOK_SECONDS, left))
