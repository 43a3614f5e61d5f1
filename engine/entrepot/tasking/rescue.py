"""What becomes of a task whose worker was lost: run again, or ended with its own error; never `canceled`.

A task returns to its place in line if its type is idempotent and it was rescued fewer than `limit` times; else it ends
in `error` PLP0049. One that had been canceled is finished as canceled. One round of the rescue loop.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import WorkerLost
from entrepot.tasking import readiness

if TYPE_CHECKING:
    from datetime import timedelta

    from entrepot.models import Database, Row
    from entrepot.tasking.readiness import Released

#: A lease that ends further ahead than this many leases was given before the machine's clock started anew.
_IMPOSSIBLE_LEASES = 3
_ORPHANS = "SELECT id, attempt, owner, state, idempotent, rescues, lease_until FROM task "
_RETRY = """
UPDATE task SET state = 'waiting', owner = NULL, lease_until = NULL, started_at = NULL, rescues = rescues + ?
WHERE id = ? AND attempt = ? AND owner = ? AND lease_until = ? AND state = 'running'
"""
_END = """
UPDATE task SET state = ?, finished_at = ?, lease_until = NULL, error = ?
WHERE id = ? AND attempt = ? AND owner = ? AND lease_until = ? AND state = ?
"""


def rescue(database: Database, *, lease: timedelta, limit: int, retry: bool) -> int:
    """Take every task whose lease ran out from its owner, and return how many there were."""
    now = database.lease_now_us()
    impossible = now + _IMPOSSIBLE_LEASES * clock.us(lease)
    orphans = database.rows(
        f"{_ORPHANS} WHERE owner IS NOT NULL AND finished_at IS NULL AND (lease_until < ? OR lease_until > ?)",
        (now, impossible),
    )
    return _take_over(database, orphans, limit=limit, retry=retry)


def rescue_from(database: Database, owner: str, *, limit: int, retry: bool, count: bool = True) -> int:
    """Take every task from `owner`, a worker that is known to be gone, and return how many there were.

    `count=False` does not count towards `limit`: the worker was replaced for another task's sake.
    """
    orphans = database.rows(f"{_ORPHANS} WHERE owner = ? AND finished_at IS NULL AND lease_until IS NOT NULL", (owner,))
    return _take_over(database, orphans, limit=limit, retry=retry, count=count)


def _take_over(database: Database, orphans: list[Row], *, limit: int, retry: bool, count: bool = True) -> int:
    taken = 0
    for orphan in orphans:
        released: list[Released] = []
        with database.transaction():
            taken += _take_over_one(database, orphan, released, limit=limit, retry=retry, count=count)
            if database.serialises_writers:
                readiness.make_successors_ready(database, released)
        if not database.serialises_writers:
            readiness.make_successors_ready(database, released)
    return taken


def _take_over_one(database: Database, orphan: Row, released: list[Released], *, limit: int, retry: bool, count: bool) -> int:
    id_, attempt, owner, state, idempotent, rescues, lease_until = orphan
    if state == "running" and idempotent and retry and (rescues < limit or not count):
        return int(database.execute(_RETRY, (int(count), id_, attempt, owner, lease_until)).rowcount)
    final, error = (
        ("canceled", None) if state == "canceled" else ("error", _lost(owner, idempotent=idempotent, rescues=rescues))
    )
    ended = database.execute(_END, (final, clock.now_us(), error, id_, attempt, owner, lease_until, state)).rowcount
    if ended:
        released += readiness.release(database, id_)
    return int(ended)


def _lost(owner: str, *, idempotent: bool, rescues: int) -> str:
    why = f"it was rescued {rescues} times before" if idempotent else "its type does not allow it to run twice"
    text = f"The worker {owner} died while it ran this task, which is not run again: {why}. Start it anew if it is safe."
    return json.dumps(WorkerLost(text, worker=owner, rescues=rescues).document())
