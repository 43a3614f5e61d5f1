"""Figures as Prometheus reads them. Names and labels are a promise: docs/observability.md has the table."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from entrepot.tasking.reports import FINAL_STATES
from entrepot.version import __version__

if TYPE_CHECKING:
    from datetime import timedelta

    from entrepot.monitoring.figures import Figures

#: Tasks that ended in one of these have run, most of them.
_RAN = ("finished", "error")


class FiguresCollector(Collector):
    """Tells a registry of the figures that were read last; None: the database did not answer."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.figures: Figures | None = None

    def describe(self) -> list[Metric]:
        """Return nothing: the registry need not collect to learn names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics but those of this process."""
        build = GaugeMetricFamily("entrepot_build_info", "Always 1; what runs here.", labels=("version", "python"))
        build.add_metric((__version__, platform.python_version()), 1)
        yield build
        figures = self.figures
        yield GaugeMetricFamily(
            "entrepot_database_up",
            "1 if the database answered this scrape; without, most figures lack.",
            int(figures is not None),
        )
        if figures is not None:
            yield from _tasks(figures)
            yield from _ended(figures)
            yield from _workers(figures)
            yield from _schedules(figures)
            yield from _repositories(figures)
            yield from _store(figures)


def _tasks(figures: Figures) -> Iterator[Metric]:
    tasks = GaugeMetricFamily("entrepot_tasks", "Tasks that are unfinished now.", labels=("state", "queue"))
    for state, queue, count in figures.tasks.unfinished:
        tasks.add_metric((state, queue), count)
    yield tasks
    text = "How long the first task in line has been ready without being claimed."
    oldest = GaugeMetricFamily("entrepot_task_oldest_waiting_seconds", text, labels=("queue",))
    for queue, waited in figures.tasks.oldest_ready:
        oldest.add_metric((queue,), waited.total_seconds())
    yield oldest


def _ended(figures: Figures) -> Iterator[Metric]:
    """Yield what `hourly` counts: up to a minute old."""
    ended = CounterMetricFamily("entrepot_tasks_finished", "Tasks that have ended.", labels=("task_type", "state"))
    ran: dict[str, list[float]] = {}
    for total in figures.totals:
        if total.state in FINAL_STATES:
            ended.add_metric((total.task_type, total.state), total.tasks)
        if total.state in _RAN:
            sums = ran.setdefault(total.task_type, [0, 0.0, 0.0])
            for place, value in enumerate((total.tasks, _seconds(total.run), _seconds(total.wait))):
                sums[place] += value
    yield ended
    text = "Time that tasks ran which ended in finished or error, the last run of each."
    run = SummaryMetricFamily("entrepot_task_run_seconds", text, labels=("task_type",))
    text = "Time from the making of such a task to the start of its last run."
    wait = SummaryMetricFamily("entrepot_task_wait_seconds", text, labels=("task_type",))
    for task_type, (count, run_seconds, wait_seconds) in ran.items():
        run.add_metric((task_type,), count_value=int(count), sum_value=run_seconds)
        wait.add_metric((task_type,), count_value=int(count), sum_value=wait_seconds)
    yield run
    yield wait


def _workers(figures: Figures) -> Iterator[Metric]:
    states = Counter(worker.state for worker in figures.workers)
    workers = GaugeMetricFamily("entrepot_workers", "Worker processes that are known.", labels=("state",))
    for state in ("active", "drained", "retiring", "lost"):
        workers.add_metric((state,), states[state])
    yield workers
    alive = [worker for worker in figures.workers if worker.alive]
    text = "Tasks that the workers which are alive can run at once."
    yield GaugeMetricFamily("entrepot_worker_threads", text, sum(worker.threads for worker in alive))
    yield GaugeMetricFamily("entrepot_worker_busy", "Tasks that they run now.", sum(len(worker.tasks) for worker in alive))


def _schedules(figures: Figures) -> Iterator[Metric]:
    schedules = GaugeMetricFamily("entrepot_schedules", "Schedules.", labels=("enabled",))
    schedules.add_metric(("true",), figures.schedules.enabled)
    schedules.add_metric(("false",), figures.schedules.disabled)
    yield schedules
    text = "Schedules that should have run more than a minute ago."
    yield GaugeMetricFamily("entrepot_schedules_overdue", text, figures.schedules.overdue)


def _repositories(figures: Figures) -> Iterator[Metric]:
    yield GaugeMetricFamily("entrepot_repositories", "Repositories.", figures.repositories)
    text = "When the last sync ended that succeeded, seconds since 1970; of at most 1000 repositories."
    success = GaugeMetricFamily("entrepot_repository_last_sync_success_timestamp_seconds", text, labels=("repository",))
    text = "1 if the last sync of a repository failed; of at most 1000 repositories."
    failing = GaugeMetricFamily("entrepot_repository_failing", text, labels=("repository",))
    for sync in figures.syncs:
        if sync.last_success is not None:
            success.add_metric((sync.repository_id,), sync.last_success.timestamp())
        failing.add_metric((sync.repository_id,), int(sync.is_failing))
    yield success
    yield failing


def _store(figures: Figures) -> Iterator[Metric]:
    if figures.stored.measured is not None:
        yield GaugeMetricFamily(
            "entrepot_store_bytes", "Bytes in the store, counted every ten minutes.", figures.stored.blob_bytes
        )
        yield GaugeMetricFamily("entrepot_store_blobs", "Files in the store, counted every ten minutes.", figures.stored.blobs)
    if figures.free_bytes is not None:
        text = "Free space of the data folder's file system."
        yield GaugeMetricFamily("entrepot_disk_free_bytes", text, figures.free_bytes)


def _seconds(span: timedelta) -> float:
    return span.total_seconds()
