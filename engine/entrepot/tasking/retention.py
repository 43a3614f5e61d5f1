"""Finished tasks are removed when they are old enough; a waiting or running one never is. Rounds of the retention loop."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.tasking import workers

if TYPE_CHECKING:
    from entrepot.models import Database

#: Tasks removed in one transaction.
_BATCH = 500
#: A worker that gave no sign of life for this long is forgotten.
_FORGET_WORKERS_AFTER = timedelta(hours=1)


def remove_old_tasks(database: Database, *, older_than: timedelta) -> int:
    """Remove the tasks that finished longer ago than `older_than`; return how many were."""
    before = clock.now_us() - clock.us(older_than)
    removed = 0
    while True:
        with database.transaction(durable=False):
            ids = [
                row[0]
                for row in database.rows(
                    "SELECT id FROM task WHERE finished_at < ? ORDER BY finished_at LIMIT ?", (before, _BATCH)
                )
            ]
            if not ids:
                break
            marks = ", ".join("?" * len(ids))
            tags = [
                (tag, id_)
                for id_, text in database.rows(f"SELECT id, tags FROM task WHERE id IN ({marks})", ids)
                for tag in json.loads(text)
            ]
            database.executemany("DELETE FROM task_tag WHERE tag = ? AND task = ?", tags)
            database.execute(f"DELETE FROM task_attempt WHERE task IN ({marks})", ids)
            database.execute(f"DELETE FROM task WHERE id IN ({marks})", ids)
            removed += len(ids)
    with database.transaction(durable=False):
        database.execute(
            "DELETE FROM task_group WHERE created_at < ? "
            "AND NOT EXISTS (SELECT 1 FROM task WHERE task.task_group = task_group.id)",
            (before,),
        )
        workers.forget_silent(database, since_us=clock.now_us() - clock.us(_FORGET_WORKERS_AFTER))
    return removed
