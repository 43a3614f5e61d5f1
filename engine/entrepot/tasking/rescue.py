"""What becomes of a task whose worker was lost: run again, or ended with its own error; never `canceled`.

A task returns to its place in line if its type is idempotent and it was rescued fewer than `limit` times; else it ends
in `error` PLP0049. One that had been canceled is finished as canceled. One round of the rescue loop.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import WorkerLost
from entrepot.settings import LONGEST_LEASE_SECONDS
from entrepot.tasking import readiness

if TYPE_CHECKING:
    from entrepot.models import Database, Row

#: A lease on SQLite that ends further ahead was given before the machine was started anew.
_LONGEST_LEASE = timedelta(seconds=LONGEST_LEASE_SECONDS)
_ORPHANS = "SELECT id, attempt, owner, state, idempotent, rescues, lease_until, error FROM task "
#: A row that its owner is just writing to is not an orphan's.
_STILL_SO = """
id IN (SELECT id FROM task WHERE id = ? AND attempt = ? AND owner = ? AND lease_until = ? AND state = ?{skip_locked})
"""
_RETRY = """
UPDATE task SET state = 'waiting', owner = NULL, lease_until = NULL, started_at = NULL, rescues = rescues + ? WHERE
"""
_END = "UPDATE task SET state = ?, finished_at = ?, lease_until = NULL, error = ? WHERE "


def rescue(database: Database, *, limit: int, retry: bool) -> int:
    """Take every task whose lease ran out from its owner, and return how many there were."""
    now = database.lease_now_us()
    impossible = now + clock.us(_LONGEST_LEASE)
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
        with database.transaction():
            taken += _take_over_one(database, orphan, limit=limit, retry=retry, count=count)
    return taken


def _take_over_one(database: Database, orphan: Row, *, limit: int, retry: bool, count: bool) -> int:
    """Run it again, or end it; one whose owner left word how it ends (`error`) ends that way."""
    id_, attempt, owner, state, idempotent, rescues, lease_until, error = orphan
    still_so = _STILL_SO.format(skip_locked=database.skip_locked)
    fence = (id_, attempt, owner, lease_until, state)
    if state == "running" and error is None and idempotent and retry and (rescues < limit or not count):
        return int(database.execute(_RETRY + still_so, (int(count), *fence)).rowcount)
    if state == "canceled":
        final, error = "canceled", None
    else:
        final, error = "error", error or _lost(owner, idempotent=idempotent, rescues=rescues)
    ended = database.execute(_END + still_so, (final, clock.now_us(), error, *fence)).rowcount
    if ended:
        readiness.pass_on(database, readiness.release(database, id_))
    return int(ended)


def _lost(owner: str, *, idempotent: bool, rescues: int) -> str:
    why = f"it was rescued {rescues} times before" if idempotent else "its type does not allow it to run twice"
    text = f"The worker {owner} died while it ran this task, which is not run again: {why}. Start it anew if it is safe."
    return json.dumps(WorkerLost(text, worker=owner, rescues=rescues).document())
