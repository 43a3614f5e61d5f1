"""The log of a repository for people: one line for each thing that ended, and for each that went wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.events import numbers
from entrepot.events.reports import ActivityReport
from entrepot.models import storable

if TYPE_CHECKING:
    from entrepot.events.reports import Level
    from entrepot.models import Database, Row

#: Bytes of UTF-8 that a line holds at most; what is longer is cut, and says so by its last character.
LONGEST_MESSAGE = 2000

_COLUMNS = "id, created_at, level, repository_id, distributor_id, task_id, message"


def record_activity(
    database: Database,
    level: Level,
    repository_id: str,
    message: str,
    *,
    distributor_id: str | None = None,
    task_id: str | None = None,
) -> None:
    """Write a line in the caller's transaction, as the last thing it does: the lines become visible in their order.

    Nothing in `message` is masked; it is cut to 2 kB.
    """
    number, at = numbers.take(database, "activity")
    database.execute(
        f"INSERT INTO activity ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (number, clock.to_us(at), level, repository_id, distributor_id, task_id, _cut(storable(message))),
    )


def list_activity(
    database: Database, repository_id: str, distributor_id: str | None = None, *, before: int | None = None, limit: int = 100
) -> list[ActivityReport]:
    """Return lines of a repository, newest first; with a distributor those of it, and those that concern no other.

    `before` leaves out the line of that id and all after it.
    """
    wanted, values = "repository_id = ?", list[object]([repository_id])
    if distributor_id is not None:
        wanted += " AND (distributor_id IS NULL OR distributor_id = ?)"
        values.append(distributor_id)
    if before is not None:
        wanted += " AND id < ?"
        values.append(before)
    rows = database.rows(f"SELECT {_COLUMNS} FROM activity WHERE {wanted} ORDER BY id DESC LIMIT ?", (*values, limit))
    return [_report(row) for row in rows]


def prune(database: Database, *, older_than: timedelta, keep: int) -> int:
    """Remove lines that are older than `older_than`, and of each repository all but the newest `keep`; return how many.

    One round of a loop.
    """
    with database.transaction(durable=False):
        before = clock.now_us() - clock.us(older_than)
        removed = int(database.execute("DELETE FROM activity WHERE created_at < ?", (before,)).rowcount)
    crowded = database.rows("SELECT repository_id FROM activity GROUP BY repository_id HAVING COUNT(*) > ?", (keep,))
    for (repository_id,) in crowded:
        with database.transaction(durable=False):
            removed += database.execute(
                "DELETE FROM activity WHERE repository_id = ? AND id <= "
                "(SELECT id FROM activity WHERE repository_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (repository_id, repository_id, keep),
            ).rowcount
    return removed


def _cut(message: str) -> str:
    whole = message.encode()
    if len(whole) <= LONGEST_MESSAGE:
        return message
    return whole[: LONGEST_MESSAGE - len("…".encode())].decode(errors="ignore") + "…"


def _report(row: Row) -> ActivityReport:
    activity_id, created, *others = row
    return ActivityReport(activity_id, clock.from_us(created), *others)
