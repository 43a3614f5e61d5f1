"""What becomes of a task whose worker was lost: run again, or ended with its own error; never `canceled`.

A task returns to its place in line if its type is idempotent and it was rescued fewer than `limit` times, and the lost run
is kept as an attempt; else it ends in `error` PLP0049. One that had been canceled is finished as canceled. One round of the
rescue loop.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from entrepot import clock, failpoints
from entrepot.errors import WorkerLost
from entrepot.settings import LONGEST_LEASE_SECONDS
from entrepot.tasking import attempts, readiness
from entrepot.tasking.delivery import Bell

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.delivery import Ring

log = logging.getLogger(__name__)

#: Rescue looks twice on SQLite: after so many seconds, it believes the leases if it waited for the write lock no longer than
#: so many. The pause is for the beats, which try for the lock every two milliseconds while they wait for it.
_LOOKS = ((0.0, 0.05), (0.5, 1.0))
#: A lease on SQLite that ends further ahead was given before the machine was started anew.
_LONGEST_LEASE = timedelta(seconds=LONGEST_LEASE_SECONDS)
#: A row that its owner is just writing to is not an orphan's.
_STILL_SO = """
id IN (SELECT id FROM task WHERE id = ? AND attempt = ? AND owner = ? AND lease_until = ? AND state = ?{skip_locked})
"""
_RUN_AGAIN = """
UPDATE task SET state = 'waiting', owner = NULL, lease_until = NULL, started_at = NULL, error = NULL, not_before = NULL,
    rescues = rescues + ? WHERE
"""
_TRY_LATER = """
UPDATE task SET state = 'waiting', owner = NULL, lease_until = NULL, started_at = NULL, ready_at = NULL, error = NULL,
    retries = retries + 1 WHERE
"""
_END = "UPDATE task SET state = ?, finished_at = ?, lease_until = NULL, not_before = NULL, error = ? WHERE "


class _Orphan(NamedTuple):
    """The row of a task whose owner is gone; `error` and `not_before` are the word that the owner left, if it could."""

    id: int
    attempt: int
    owner: str
    lease_until: int
    state: str
    idempotent: bool
    rescues: int
    error: str | None
    not_before: int | None
    started_at: int | None
    task_id: str
    queue: str


_ORPHANS = f"SELECT {', '.join(_Orphan._fields)} FROM task"


def rescue(database: Database, ring: Ring, *, limit: int, retry: bool) -> int:
    """Take every task whose lease ran out from its owner, and return how many there were.

    On SQLite one long write transaction keeps all beats from renewing their leases, which then run out although the workers
    live. Whoever had to wait for the lock therefore lets the beats go first, and reads the leases again while it has the
    lock; if that took long as well, this round takes nothing.
    """
    orphans = _find_orphans(database)
    if not orphans:
        return 0
    if not database.serialises_writers:
        return _take_over(database, orphans, ring, limit=limit, retry=retry)
    for pause, patience in _LOOKS:
        time.sleep(pause)
        began = clock.monotonic()
        with database.transaction():
            if clock.monotonic() - began <= patience:
                return _take_over(database, _find_orphans(database), ring, limit=limit, retry=retry)
    log.debug("The database was busy for so long that leases may have run out for that alone; rescue waits for a round.")
    return 0


def _find_orphans(database: Database) -> list[_Orphan]:
    now = database.lease_now_us()
    query = f"{_ORPHANS} WHERE owner IS NOT NULL AND finished_at IS NULL AND (lease_until < ? OR lease_until > ?)"
    return [_Orphan(*row) for row in database.rows(query, (now, now + clock.us(_LONGEST_LEASE)))]


def rescue_from(database: Database, owner: str, ring: Ring, *, limit: int, retry: bool, count: bool = True) -> int:
    """Take every task from `owner`, a worker that is known to be gone, and return how many there were.

    `count=False` does not count towards `limit`: the worker was replaced for another task's sake.
    """
    orphans = database.rows(f"{_ORPHANS} WHERE owner = ? AND finished_at IS NULL AND lease_until IS NOT NULL", (owner,))
    return _take_over(database, [_Orphan(*row) for row in orphans], ring, limit=limit, retry=retry, count=count)


def _take_over(database: Database, orphans: list[_Orphan], ring: Ring, *, limit: int, retry: bool, count: bool = True) -> int:
    """Run each again, or end it; one whose owner left word how its run ended goes that way."""
    taken = 0
    for orphan in orphans:
        is_running = orphan.state == "running"
        with database.transaction():
            if is_running and orphan.error is not None and orphan.not_before is not None:
                taken += _try_later(database, orphan)
            elif is_running and orphan.error is None and orphan.idempotent and retry and (orphan.rescues < limit or not count):
                taken += _run_again(database, orphan, ring, count=count)
            else:
                taken += _end(database, orphan, ring)
            database.announce()
            failpoints.reach("rescue.taken")
    return taken


def _run_again(database: Database, orphan: _Orphan, ring: Ring, *, count: bool) -> int:
    changed = _change(database, orphan, _RUN_AGAIN, int(count))
    if changed:
        text = f"The worker {orphan.owner} was lost; the task is run again."
        _record(database, orphan, _lost(orphan, text))
        database.after_commit(partial(ring, [Bell(orphan.task_id, orphan.queue)]))
    return changed


def _try_later(database: Database, orphan: _Orphan) -> int:
    changed = _change(database, orphan, _TRY_LATER)
    if changed:
        _record(database, orphan, orphan.error)
    return changed


def _end(database: Database, orphan: _Orphan, ring: Ring) -> int:
    if orphan.state == "canceled":
        state, error = "canceled", None
    else:
        why = (
            f"it was rescued {orphan.rescues} times before" if orphan.idempotent else "its type does not allow it to run twice"
        )
        text = (
            f"The worker {orphan.owner} died while it ran this task, which is not run again: {why}. "
            "Start it anew if it is safe."
        )
        state, error = "error", orphan.error or _lost(orphan, text)
    changed = _change(database, orphan, _END, state, clock.now_us(), error)
    if changed:
        readiness.pass_on(database, readiness.release(database, [orphan.id]), ring)
    return changed


def _change(database: Database, orphan: _Orphan, statement: str, *values: object) -> int:
    """Run `statement` on the orphan's row and return 1, or 0 if it is another's by now."""
    still_so = _STILL_SO.format(skip_locked=database.skip_locked)
    return int(database.execute(statement + still_so, (*values, *orphan[:5])).rowcount)


def _record(database: Database, orphan: _Orphan, error: str | None) -> None:
    row = (orphan.id, orphan.attempt, orphan.owner, orphan.started_at, clock.now_us(), error)
    attempts.record(database, [row])


def _lost(orphan: _Orphan, text: str) -> str:
    return json.dumps(WorkerLost(text, worker=orphan.owner, rescues=orphan.rescues).document())
