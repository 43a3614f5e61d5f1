"""How many schedules there are, and how many are overdue: for monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from entrepot.models import Database


@dataclass(frozen=True, slots=True)
class ScheduleFigures:
    """Schedules that are enabled, that are not, and those that should have run by now."""

    enabled: int
    disabled: int
    overdue: int


def schedule_figures(database: Database, *, overdue_by: timedelta) -> ScheduleFigures:
    """Return how many schedules there are; one is overdue if its next run is that long past."""
    counts = {
        bool(enabled): count for enabled, count in database.rows("SELECT enabled, COUNT(*) FROM schedule GROUP BY enabled")
    }
    overdue = database.row(
        "SELECT COUNT(*) FROM schedule WHERE enabled AND next_run < ?", (clock.now_us() - clock.us(overdue_by),)
    )
    return ScheduleFigures(counts.get(True, 0), counts.get(False, 0), overdue[0] if overdue else 0)
