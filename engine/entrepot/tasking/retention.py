"""Complete tasks are removed when they are old enough, or when somebody asks; a waiting or running one never is."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import InvalidPurgeState
from entrepot.tasking import hourly, workers

if TYPE_CHECKING:
    from entrepot.models import Database

#: Tasks removed in one transaction.
_BATCH = 500
#: A worker that gave no sign of life for this long is forgotten.
_FORGET_WORKERS_AFTER = timedelta(hours=1)
#: What somebody may ask to be removed. Source: the Pulp 2 REST contract, 3.3.
PURGED_STATES = frozenset({"finished", "error", "skipped"})


def remove_old_tasks(database: Database, *, older_than: timedelta) -> int:
    """Remove the tasks that finished longer ago than `older_than`; return how many were. A round of the retention loop."""
    before = clock.now_us() - clock.us(older_than)
    removed = 0
    while True:
        with database.transaction(durable=False):
            query = f"SELECT id FROM task WHERE finished_at < ? ORDER BY finished_at LIMIT ?{database.skip_locked}"
            ids = [row[0] for row in database.rows(query, (before, _BATCH))]
            if not ids:
                break
            _remove(database, ids)
            removed += len(ids)
    with database.transaction(durable=False):
        database.execute(
            "DELETE FROM task_group WHERE created_at < ? "
            "AND NOT EXISTS (SELECT 1 FROM task WHERE task.task_group = task_group.id)",
            (before,),
        )
        workers.forget_silent(database, since_us=clock.now_us() - clock.us(_FORGET_WORKERS_AFTER))
    return removed


def purge(database: Database, states: Collection[str]) -> int:
    """Remove all tasks that are complete and in one of `states`, whatever their age; return how many were.

    A batch in a transaction: after a crash on the way some are gone and some are not. Raises `InvalidPurgeState`.
    """
    for state in states:
        if state not in PURGED_STATES:
            allowed = ", ".join(sorted(PURGED_STATES))
            raise InvalidPurgeState(f"Tasks in state {state!r} cannot be purged, only those in: {allowed}.", state=state)
    wanted = sorted(set(states))
    if not wanted:
        return 0
    query = (
        f"SELECT id FROM task WHERE state IN ({', '.join('?' * len(wanted))}) AND finished_at IS NOT NULL "
        f"AND id > ? ORDER BY id LIMIT ?{database.skip_locked}"
    )
    removed, last = 0, 0
    while True:
        with database.transaction():
            ids = [row[0] for row in database.rows(query, (*wanted, last, _BATCH))]
            if not ids:
                return removed
            _remove(database, ids)
        removed += len(ids)
        last = ids[-1]


def purge_many(database: Database, ids: Sequence[int]) -> int:
    """Remove those of the tasks (row ids) that are complete and in a state that may be purged; return how many were."""
    states = ", ".join(f"'{state}'" for state in sorted(PURGED_STATES))
    removed = 0
    for start in range(0, len(ids), _BATCH):
        chunk = ids[start : start + _BATCH]
        query = (
            f"SELECT id FROM task WHERE id IN ({', '.join('?' * len(chunk))}) AND state IN ({states}) "
            f"AND finished_at IS NOT NULL ORDER BY id{database.skip_locked}"
        )
        with database.transaction():
            found = [row[0] for row in database.rows(query, chunk)]
            if found:
                _remove(database, found)
        removed += len(found)
    return removed


def _remove(database: Database, ids: list[int]) -> None:
    """Remove tasks (row ids) that are complete, with all that is known of them, in the caller's transaction."""
    hourly.note_removal(database, ids)
    marks = ", ".join("?" * len(ids))
    tags = [
        (tag, id_)
        for id_, text in database.rows(f"SELECT id, tags FROM task WHERE id IN ({marks})", ids)
        for tag in json.loads(text)
    ]
    database.executemany("DELETE FROM task_tag WHERE tag = ? AND task = ?", tags)
    database.execute(f"DELETE FROM task_attempt WHERE task IN ({marks})", ids)
    database.execute(f"DELETE FROM task WHERE id IN ({marks})", ids)
