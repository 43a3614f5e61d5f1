"""Tasks that are under way, as those ask who must not disturb them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.models import Database


def oldest_start(database: Database, task_types: Sequence[str]) -> int | None:
    """Return when the oldest task of these types that has begun and has not finished was enqueued, microseconds since 1970.

    None if there is none such. One that waits to be run again has begun, and so has one that is stopping.
    """
    row = database.row(
        "SELECT MIN(created_at) FROM task WHERE state <> 'finished' AND finished_at IS NULL AND attempt > 0 "
        f"AND task_type IN ({', '.join('?' * len(task_types))})",
        task_types,
    )
    return None if row is None or row[0] is None else int(row[0])
