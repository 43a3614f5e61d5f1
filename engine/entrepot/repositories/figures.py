"""How many repositories there are, and which of them cannot be synchronized: for monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.models import Database

#: Both are found by the index of the history, from its newest entry on.
_SYNCS = """
SELECT repository.repository_id,
    (SELECT completed_at FROM sync_result WHERE sync_result.repository = repository.id AND result = 'success'
     ORDER BY started_at DESC LIMIT 1),
    (SELECT result FROM sync_result WHERE sync_result.repository = repository.id ORDER BY started_at DESC LIMIT 1)
FROM repository JOIN importer ON importer.repository = repository.id ORDER BY repository.id LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class SyncFigures:
    """How syncs of a repository go: when the last that succeeded ended, None if there is none, and whether the last failed."""

    repository_id: str
    last_success: datetime | None
    is_failing: bool


def count_repositories(database: Database) -> int:
    """Return how many repositories there are."""
    row = database.row("SELECT COUNT(*) FROM repository")
    return int(row[0]) if row else 0


def sync_figures(database: Database, *, limit: int) -> Sequence[SyncFigures]:
    """Return how the syncs of the oldest `limit` repositories go that have an importer."""
    return [
        SyncFigures(repository_id, None if success is None else clock.from_us(success), last in ("failed", "error"))
        for repository_id, success, last in database.rows(_SYNCS, (limit,))
    ]
