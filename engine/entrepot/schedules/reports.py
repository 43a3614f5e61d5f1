"""What doors and programs get to see of a schedule, and of one that is not made yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from entrepot.repositories.schedule_reports import Kind, Overlap, ScheduleReport

__all__ = ["Kind", "Overlap", "SchedulePage", "SchedulePreview", "ScheduleQuery", "ScheduleReport"]


@dataclass(frozen=True, slots=True)
class SchedulePreview:
    """When a schedule runs next: in the words of `sentence`, and as `runs`, moments in UTC, the next one first."""

    schedule: str
    time_zone: str | None
    sentence: str
    runs: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class ScheduleQuery:
    """Which schedules are asked for: of a repository, of a kind, enabled or not; what is None is not asked."""

    repository_id: str | None = None
    kind: str | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """Some schedules: those that run next first, those that do not run last. `total` is how many there are of them all."""

    reports: tuple[ScheduleReport, ...]
    total: int
