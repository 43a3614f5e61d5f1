"""The workers that show signs of life, as doors and programs see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from entrepot.models import Database


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """A worker process; `beat` is its last sign of life, `alive` says whether that was recent."""

    name: str
    host: str
    pid: int
    threads: int
    version: str
    started: datetime
    beat: datetime
    alive: bool


def list_workers(database: Database, *, lease: timedelta) -> list[WorkerReport]:
    """Return all known workers, by name; one without a sign of life for a lease is not alive."""
    oldest = clock.now_us() - clock.us(lease)
    rows = database.rows("SELECT name, host, pid, threads, version, started_at, beat_at FROM worker ORDER BY name")
    return [
        WorkerReport(name, host, pid, threads, version, clock.from_us(started), clock.from_us(beat), beat >= oldest)
        for name, host, pid, threads, version, started, beat in rows
    ]


def forget(database: Database, name: str) -> None:
    """Remove a worker that is known to be gone."""
    with database.transaction(durable=False):
        database.execute("DELETE FROM worker WHERE name = ?", (name,))
