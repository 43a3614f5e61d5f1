"""Schedules that ran while the clock was ahead, and would wait until it is that late again. One round of a loop.

A clock that steps back a little runs no instant twice: the next run stays where it is. When it steps back by more than a
day, what it showed before was wrong, and the runs it has made stand for none of the calendar's: the schedule returns to its
grid.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.models import Schedule
from entrepot.schedules import plan, rows

if TYPE_CHECKING:
    from entrepot.models import Database

log = logging.getLogger(__name__)

#: A step back that is longer corrects a clock that was wrong; a shorter one may be a leap, a zone or a person.
_TOLERANCE = timedelta(days=1)


def return_to_grid(database: Database) -> int:
    """Let schedules whose last run lies more than a day ahead run on their grid again; return how many there were."""
    now, count = clock.now(), 0
    latest = clock.to_us(now + _TOLERANCE)
    for (id_,) in database.rows("SELECT id FROM schedule WHERE last_run_at > ?", (latest,)):
        with database.transaction():
            held = database.row(f"SELECT id FROM schedule WHERE id = ? AND last_run_at > ?{database.for_update}", (id_, latest))
            if held is None:
                continue
            row = Schedule.select().where(Schedule.id == id_).bind(database.peewee).first()
            recurrence = rows.begun(row)
            if recurrence is None:
                continue
            values = {"last_run_at": now, "next_run": row.next_run}
            if row.next_run is not None:
                values["next_run"] = plan.following(recurrence, now, plan.splay_of(row.schedule_id, row.jitter_seconds))
            Schedule.update(**values).where(Schedule.id == id_).execute(database.peewee)
            log.warning("The clock was ahead, and is right again: the schedule %s returns to its grid.", row.schedule_id)
            count += 1
    return count
