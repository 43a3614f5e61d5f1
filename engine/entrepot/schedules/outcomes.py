"""How the runs of schedules have ended: a success sets the count of failures back, too many in a row disable the schedule.

The tasks that schedules have enqueued stand in a table until they have been counted here, each once, whenever a process dies.
A run that was canceled, or whose task was removed before it was counted, is neither a success nor a failure. What a scheduled
sync spawns (its automatic publishes) is not counted: it is the sync that was scheduled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot import clock, failpoints

if TYPE_CHECKING:
    from entrepot.models import Database

#: Runs in one transaction.
_BATCH = 500

#: Not in order: most rounds find nothing, and on SQLite to prepare for sorting would make this query dearer by half.
_ENDED = """
SELECT run.id, run.schedule, task.state, task.finished_at
FROM scheduled_run AS run LEFT JOIN task ON task.task_id = run.task_id
WHERE task.task_id IS NULL OR task.finished_at IS NOT NULL
"""
#: Whoever holds the schedule may count its runs; one that somebody changes just now is left to the next round.
_HOLD = "SELECT id FROM schedule WHERE id IN ({marks}){skip_locked}"
_COUNTED = "DELETE FROM scheduled_run WHERE id = ?"
_SUCCESS = "UPDATE schedule SET consecutive_failures = 0 WHERE id = ? AND consecutive_failures > 0"
_FAILURE = """
UPDATE schedule SET consecutive_failures = consecutive_failures + 1,
    enabled = CASE WHEN consecutive_failures + 1 >= failure_threshold THEN FALSE ELSE enabled END,
    last_updated = CASE WHEN enabled AND consecutive_failures + 1 >= failure_threshold THEN ? ELSE last_updated END
WHERE id = ?
"""


def count_ended(database: Database) -> int:
    """Count how scheduled tasks have ended since the last round, in that order; return how many there were."""
    rows = database.rows(_ENDED)
    if not rows:
        return 0
    rows.sort(key=lambda row: (row[3] or 0, row[0]))
    ended = [(run, schedule, state) for run, schedule, state, _ in rows]
    return sum(_count(database, ended[start : start + _BATCH]) for start in range(0, len(ended), _BATCH))


def _count(database: Database, ended: list[tuple[int, int, str | None]]) -> int:
    schedules = sorted({schedule for _, schedule, _ in ended})
    hold = _HOLD.format(marks=", ".join("?" * len(schedules)), skip_locked=database.skip_locked)
    count, now = 0, clock.now_us()
    with database.transaction(durable=False):
        held = {id_ for (id_,) in database.rows(hold, schedules)}
        for run, schedule, state in ended:
            if schedule not in held or not database.execute(_COUNTED, (run,)).rowcount:
                continue
            count += 1
            if state == "finished":
                database.execute(_SUCCESS, (schedule,))
            elif state == "error":
                database.execute(_FAILURE, (now, schedule))
        failpoints.reach("schedules.counted")
        database.announce()
    return count
