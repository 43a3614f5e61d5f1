"""What a scrape tells of the whole engine, read from the database at most every few seconds, whoever asks how often."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.repositories.figures import SyncFigures, count_repositories, sync_figures
from entrepot.schedules.figures import ScheduleFigures, schedule_figures
from entrepot.tasking import WorkerReport, hourly
from entrepot.tasking.figures import TaskFigures, task_figures
from entrepot.tasking.hourly import TaskTotal

if TYPE_CHECKING:
    from entrepot.content.measures import Measures
    from entrepot.engine import Engine

#: A scrape within so many seconds after another gets the same figures.
_FRESH_SECONDS = 5.0
#: Or within so many times what it took to read them: then reading takes a twentieth of the time, whatever there is to read.
_TIMES_AS_LONG = 20
#: Repositories that are told of one by one; more would be more than a monitor can keep.
MOST_REPOSITORIES = 1000
#: A schedule is overdue if it should have run so long ago.
_OVERDUE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """The engine at one moment; `free_bytes` is None if the disk does not say."""

    tasks: TaskFigures
    totals: Sequence[TaskTotal]
    workers: Sequence[WorkerReport]
    schedules: ScheduleFigures
    repositories: int
    syncs: Sequence[SyncFigures]
    stored: Measures
    free_bytes: int | None


class FiguresReader:
    """Reads figures and remembers them for a moment; one thread at a time."""

    def __init__(self, engine: Engine) -> None:
        """Read of `engine` when asked."""
        self._engine = engine
        self._known: Figures | None = None
        self._fresh_until = 0.0

    def read(self) -> Figures:
        """Return the figures; raises `DatabaseError`."""
        began = clock.monotonic()
        if self._known is not None and began < self._fresh_until:
            return self._known
        self._known = known = self._read()
        ended = clock.monotonic()
        self._fresh_until = ended + max(_FRESH_SECONDS, _TIMES_AS_LONG * (ended - began))
        return known

    def _read(self) -> Figures:
        engine, database = self._engine, self._engine.database
        return Figures(
            tasks=task_figures(database),
            totals=hourly.totals(database),
            workers=engine.workers(),
            schedules=schedule_figures(database, overdue_by=_OVERDUE),
            repositories=count_repositories(database),
            syncs=sync_figures(database, limit=MOST_REPOSITORIES),
            stored=engine.content.measures(since=timedelta(0)),
            free_bytes=self._free_bytes(),
        )

    def _free_bytes(self) -> int | None:
        try:
            return shutil.disk_usage(self._engine.settings.data_dir).free
        except OSError:
            return None
