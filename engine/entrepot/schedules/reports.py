"""What doors and programs get to see of a schedule, and of one that is not made yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from entrepot.repositories.schedule_reports import Kind, Overlap, ScheduleReport

__all__ = ["Kind", "Overlap", "SchedulePreview", "ScheduleReport"]


@dataclass(frozen=True, slots=True)
class SchedulePreview:
    """When a schedule runs next: in the words of `sentence`, and as `runs`, moments in UTC, the next one first."""

    schedule: str
    time_zone: str | None
    sentence: str
    runs: tuple[datetime, ...]
