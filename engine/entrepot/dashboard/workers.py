"""The workers by host: who they are, what they run now, and how to let them come to rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.dashboard.page import Asked, Page, Redirect, Route, whole_number
from entrepot.dashboard.running import running

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.tasking import DrainReport, WorkerReport

_RESOURCE = "/v2/workers/"
#: Running tasks whose titles are looked up, and those that are shown of one worker.
_MOST_TASKS = 500
_TASKS_SHOWN = 4
#: What a page holds: a task is 1, a worker 2, a host 2; each takes about 400 bytes.
_ROOM = 100
_WORKER_ROOM = 2
_HOST_ROOM = 2


@dataclass(frozen=True, slots=True)
class Host:
    """A host with its workers, those that are lost first; `drained` is since when the whole host is, None if it is not."""

    name: str
    workers: tuple[WorkerReport, ...]
    drained: datetime | None

    @property
    def shown(self) -> tuple[WorkerReport, ...]:
        """As many of its workers as a page holds."""
        room, count = _ROOM, 0
        for worker in self.workers:
            room -= _room_of(worker)
            if room < 0 and count:
                break
            count += 1
        return self.workers[:count]

    @property
    def lost(self) -> int:
        """How many of its workers are lost."""
        return sum(not worker.alive for worker in self.workers)

    @property
    def busy(self) -> int:
        """How many tasks run there."""
        return sum(len(worker.tasks) for worker in self.workers)

    @property
    def threads(self) -> int:
        """How many could run there at once."""
        return sum(worker.threads for worker in self.workers if worker.alive)


def show(asked: Asked) -> Page:
    """Show all hosts that have workers, or are drained."""
    engine = asked.engine
    drains = engine.drains()
    hosts = by_host(engine.workers(), drains)
    skip = min(whole_number(asked.asks("skip")) or 0, len(hosts))
    end = end_of_page(hosts, skip)
    values: dict[str, object] = {
        "hosts": hosts[skip:end],
        "host_count": len(hosts),
        "tasks_shown": _TASKS_SHOWN,
        "first": asked.here(skip=None) if skip else "",
        "more": asked.here(skip=str(end)) if end < len(hosts) else "",
        "worker_count": sum(len(host.workers) for host in hosts),
        "drained": {drain.worker for drain in drains if drain.worker is not None},
        "all_drained": next((drain.since for drain in drains if drain.worker is None and drain.host is None), None),
        "running": {},
    }
    if asked.may("READ", "/v2/tasks/"):
        reports = engine.tasks.list(states=("running",), limit=_MOST_TASKS)
        values["running"] = {one.report.task_id: one for one in running(reports)}
    return Page("workers.html", "Workers", values)


def drain(asked: Asked) -> Redirect:
    """Let one worker, those on a host, or all of them claim nothing more."""
    asked.engine.drain_workers(asked.given("worker") or None, host=asked.given("host") or None)
    return Redirect("/workers", f"{_meant(asked)} will claim nothing new.")


def resume(asked: Asked) -> Redirect:
    """Let one worker, those on a host, or all of them claim again."""
    asked.engine.resume_workers(asked.given("worker") or None, host=asked.given("host") or None)
    return Redirect("/workers", f"{_meant(asked)} will claim tasks again.")


def by_host(reports: Iterable[WorkerReport], drains: Iterable[DrainReport]) -> list[Host]:
    """Return the hosts, those with lost workers first, else by name; one that is drained is there without workers, too."""
    workers: dict[str, list[WorkerReport]] = defaultdict(list)
    for report in reports:
        workers[report.host].append(report)
    drained = {drain.host: drain.since for drain in drains if drain.host is not None}
    hosts = [
        Host(name, tuple(sorted(workers.get(name, ()), key=lambda worker: (worker.alive, worker.name))), drained.get(name))
        for name in workers.keys() | drained.keys()
    ]
    return sorted(hosts, key=lambda host: (not host.lost, host.name))


def end_of_page(hosts: list[Host], skip: int) -> int:
    """Return the number of the first host that has no room on a page that begins with number `skip`."""
    room, end = _ROOM, skip
    for host in hosts[skip:]:
        room -= _HOST_ROOM + sum(map(_room_of, host.shown))
        if room < 0 and end > skip:
            break
        end += 1
    return end


def _room_of(worker: WorkerReport) -> int:
    return _WORKER_ROOM + min(len(worker.tasks), _TASKS_SHOWN)


def _meant(asked: Asked) -> str:
    worker, host = asked.given("worker"), asked.given("host")
    return f"Worker {worker}" if worker else f"The workers on {host}" if host else "All workers"


ROUTES = (
    Route("GET", "/workers", show, resource=_RESOURCE),
    Route("POST", "/workers/drain", drain, Operation.EXECUTE, "/v2/workers/actions/drain/"),
    Route("POST", "/workers/resume", resume, Operation.EXECUTE, "/v2/workers/actions/resume/"),
)
