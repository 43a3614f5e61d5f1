"""Numbers that rise: for events, publications, lines of a log and deploys, whoever writes them side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.models import Database


def take(database: Database, counter: str, count: int = 1) -> tuple[int, datetime]:
    """Return the first of `count` new numbers of `counter`, and the moment they were given, in the caller's transaction.

    The counter's row is held until that transaction ends: who reads up to a number never misses one below it that shows
    up later, and the moments never fall, even if the wall clock does. So take late. A transaction that takes of several
    takes in this order: `publication`, `publication_event`, `deploy`, `activity`; and locks resources before `activity`.
    """
    highest = "MAX" if database.dialect == "sqlite" else "GREATEST"
    row = database.row(
        f"UPDATE counter SET last = last + ?, at = {highest}(at, ?) WHERE name = ? RETURNING last, at",
        (count, clock.now_us(), counter),
    )
    if row is None:
        msg = f"there is no counter {counter!r}"
        raise LookupError(msg)
    return row[0] - count + 1, clock.from_us(row[1])
