"""The workers that show signs of life, as doors and programs see them; and which of them are to claim nothing.

A drain is remembered by its target, a worker, a host or all, and not by the process: one that takes the place of another
on a drained host starts drained. Each worker looks once a second (`beat`).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import InvalidValue, MissingResource, OperationConflict, WaitTimeout

if TYPE_CHECKING:
    from entrepot.models import Database

#: What the names that supervisors give begin with, which nobody needs to type. Source: the Pulp 2 REST contract, 3.2.
NAME_PREFIX = "reserved_resource_worker-"
#: Seconds between two looks of whoever waits for a drain; each worker looks once a second.
_LOOK_SECONDS = 0.2
_ALL = "all"


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """A worker process; `beat` is its last sign of life, `alive` says whether that was recent.

    `state` is `active`, `drained` (it claims nothing until it is resumed), `retiring` (it claims nothing any more and ends
    with what it runs) or `lost` (not alive). `queues` is empty if it serves every queue; `tasks` are the ids of what it runs
    now; `rss_bytes` is the memory that it held at its last beat, None if it cannot tell.
    """

    name: str
    host: str
    pid: int
    threads: int
    version: str
    started: datetime
    beat: datetime
    alive: bool
    state: str
    queues: tuple[str, ...]
    tasks: tuple[str, ...]
    tasks_ended: int
    rss_bytes: int | None

    @property
    def short_name(self) -> str:
        """The name without what all names have in common, and without the host; a worker is found by it."""
        return self.name.removeprefix(NAME_PREFIX).removesuffix(f"@{self.host}")

    @property
    def is_quiet(self) -> bool:
        """True if it runs nothing, and claims nothing more."""
        return not self.tasks and self.state != "active"


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What is drained since when: one worker, called `worker`, all on `host`, or, where both are None, all workers.

    It stays so for workers that start there later, until it is resumed; there may be none now.
    """

    worker: str | None
    host: str | None
    since: datetime


def list_drains(database: Database) -> list[DrainReport]:
    """Return what is drained, the oldest first."""
    reports = []
    for target, created in database.rows("SELECT target, created_at FROM worker_drain ORDER BY created_at, target"):
        kind, _, name = target.partition(":")
        names = (name if kind == "worker" else None, name if kind == "host" else None)
        reports.append(DrainReport(*names, clock.from_us(created)))
    return reports


def list_workers(database: Database, *, lease: timedelta) -> list[WorkerReport]:
    """Return all known workers, by name; one without a sign of life for a lease is lost."""
    oldest = clock.now_us() - clock.us(lease)
    tasks: dict[str, list[str]] = {}
    running = "SELECT owner, task_id FROM task WHERE owner IS NOT NULL AND finished_at IS NULL ORDER BY lease_until, id"
    for owner, task_id in database.rows(running):
        tasks.setdefault(owner, []).append(task_id)
    return [
        WorkerReport(
            name=name,
            host=host,
            pid=pid,
            threads=threads,
            version=version,
            started=clock.from_us(started),
            beat=clock.from_us(beat),
            alive=beat >= oldest,
            state=state if beat >= oldest else "lost",
            queues=tuple(json.loads(queues)),
            tasks=tuple(sorted(tasks.get(name, ()))),
            tasks_ended=tasks_ended,
            rss_bytes=rss_bytes,
        )
        for name, host, pid, threads, version, started, beat, queues, state, tasks_ended, rss_bytes in database.rows(
            "SELECT name, host, pid, threads, version, started_at, beat_at, queues, state, tasks_ended, rss_bytes "
            "FROM worker ORDER BY name"
        )
    ]


def find(reports: list[WorkerReport], *, worker: str | None = None, host: str | None = None) -> list[WorkerReport]:
    """Return those of `reports` that are meant: the worker called `worker`, those on `host`, or all.

    `worker` is a name, or the beginning of one and of no other. Raises `MissingResource` if there is none, `InvalidValue`
    if there are several, or if both are given.
    """
    if worker is not None and host is not None:
        raise InvalidValue("worker", "host", why="name a worker or a host, not both")
    if host is not None:
        found = [report for report in reports if report.host == host]
        if not found:
            raise MissingResource(host=host)
        return found
    if worker is None:
        return reports
    found = [report for report in reports if worker in (report.name, report.short_name)]
    found = found or [report for report in reports if report.name.startswith(worker) or report.short_name.startswith(worker)]
    if not found:
        raise MissingResource(worker=worker)
    if len(found) > 1:
        names = ", ".join(report.short_name for report in found)
        raise InvalidValue("worker", why=f"{worker!r} is the beginning of several names: {names}")
    return found


def drain(
    database: Database, *, worker: str | None, host: str | None, lease: timedelta, wait: timedelta | None = None
) -> list[WorkerReport]:
    """Let one worker, those on a host, or all claim nothing until they are resumed; return those that are there now.

    With `wait` it returns when nothing runs on them any more. Raises as `find` does, and `WaitTimeout`.
    """
    found = find(list_workers(database, lease=lease), worker=worker, host=host)
    with database.transaction():
        database.execute(
            "INSERT INTO worker_drain (target, created_at) VALUES (?, ?) ON CONFLICT (target) DO NOTHING",
            (_target(found, worker=worker, host=host), clock.now_us()),
        )
    if wait is not None:
        _wait_until_quiet(database, name=found[0].name if worker is not None else None, host=host, lease=lease, wait=wait)
    return found


def resume(database: Database, *, worker: str | None, host: str | None, lease: timedelta) -> list[WorkerReport]:
    """Let one worker, those on a host, or all claim again, and return those that are there now.

    A host that is drained may be resumed while no worker is there. Raises as `find` does, and `OperationConflict`, which
    changes nothing, if more than those were drained together.
    """
    reports = list_workers(database, lease=lease)
    is_empty = worker is None and host not in {None, *(report.host for report in reports)}
    is_empty = is_empty and database.row("SELECT 1 FROM worker_drain WHERE target = ?", (f"host:{host}",)) is not None
    found = [] if is_empty else find(reports, worker=worker, host=host)
    target = _target(found, worker=worker, host=host)
    with database.transaction():
        drained = {row[0] for row in database.rows("SELECT target FROM worker_drain")}
        if _ALL in drained and target != _ALL:
            msg = "All workers are drained, not only these: resume all of them."
            raise OperationConflict(msg, drained=_ALL)
        if worker is not None and (whole := f"host:{found[0].host}") in drained:
            msg = f"The whole host {found[0].host} is drained, not only this worker: resume the host."
            raise OperationConflict(msg, drained=whole)
        over = drained if target == _ALL else {target, *(f"worker:{report.name}" for report in found)}
        database.executemany("DELETE FROM worker_drain WHERE target = ?", [(each,) for each in sorted(over)])
    return found


def is_drained(database: Database, name: str, host: str) -> bool:
    """Return True if the worker `name` on `host` is to claim nothing; cheap, for each worker asks once a second."""
    query = "SELECT 1 FROM worker_drain WHERE target IN (?, ?, ?) LIMIT 1"
    return database.row(query, (f"worker:{name}", f"host:{host}", _ALL)) is not None


def forget(database: Database, name: str) -> None:
    """Remove a worker that is known to be gone, and its drain: no other worker gets its name."""
    _forget(database, "name = ?", name)


def forget_silent(database: Database, *, since_us: int) -> None:
    """Remove the workers that have shown no sign of life since then (microseconds since 1970)."""
    _forget(database, "beat_at < ?", since_us)


def _forget(database: Database, condition: str, value: object) -> None:
    with database.transaction(durable=False):
        drains = f"SELECT 'worker:' || name FROM worker WHERE {condition}"
        database.execute(f"DELETE FROM worker_drain WHERE target IN ({drains})", (value,))
        database.execute(f"DELETE FROM worker WHERE {condition}", (value,))


def _target(found: list[WorkerReport], *, worker: str | None, host: str | None) -> str:
    if worker is not None:
        return f"worker:{found[0].name}"
    return _ALL if host is None else f"host:{host}"


def _wait_until_quiet(database: Database, *, name: str | None, host: str | None, lease: timedelta, wait: timedelta) -> None:
    """Wait until nothing runs any more on the worker `name`, on `host`, or at all; raises `WaitTimeout`.

    Workers that have just signed on are waited for as well: they may have looked before they were drained. A lost one counts
    until what it ran was handed on; one that has ended is quiet.
    """
    deadline = clock.monotonic() + wait.total_seconds()
    while True:
        reports = list_workers(database, lease=lease)
        busy = [
            report for report in reports if name in (None, report.name) and host in (None, report.host) and not report.is_quiet
        ]
        if not busy:
            return
        if clock.monotonic() >= deadline:
            tasks = sorted(task for report in busy for task in report.tasks)
            text = f"The drained workers are not quiet after {wait.total_seconds():g} s. Tasks that go on there: {len(tasks)}."
            raise WaitTimeout(text, tasks=list(tasks), workers=[report.name for report in busy])
        time.sleep(_LOOK_SECONDS)
