"""Repositories as a list of them shows each: what it is, how its last sync and publish ended; a page of the list at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.content.bulk import placeholders
from entrepot.repositories import listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from entrepot.models import Row
    from entrepot.repositories.house import House
    from entrepot.repositories.reports import RepositoryReport

_BAD = "('failed', 'error')"
#: The newest entry of the history of a repository's syncs, or of a distributor's publishes; by the indexes of these.
_LAST_SYNC = (
    "SELECT {} FROM sync_result WHERE sync_result.repository = repository.id "
    "ORDER BY sync_result.started_at DESC, sync_result.id DESC LIMIT 1"
)
_LAST_PUBLISH = (
    "SELECT {} FROM publish_result WHERE publish_result.repository = distributor.repository "
    "AND publish_result.distributor_id = distributor.distributor_id "
    "ORDER BY publish_result.started_at DESC, publish_result.id DESC LIMIT 1"
)
_IS_FAILING = f"""
CASE WHEN ({_LAST_SYNC.format("sync_result.result")}) IN {_BAD}
       OR EXISTS (SELECT 1 FROM distributor WHERE distributor.repository = repository.id
                  AND ({_LAST_PUBLISH.format("publish_result.result")}) IN {_BAD})
     THEN 1 ELSE 0 END
"""
_TEXTS = ("repository.repository_id", "COALESCE(repository.display_name, '')")


@dataclass(frozen=True, slots=True)
class RepositoryQuery:
    """Which repositories are wanted, and which of them: `limit` behind the first `skip`.

    `text` is looked for in ids, display names and the texts of notes, whatever the case of its letters from a to z;
    `importer_type_id` None takes any.
    They come by id, with `failing_first` those whose last sync or publish failed before the others.
    """

    text: str = ""
    importer_type_id: str | None = None
    failing_first: bool = False
    limit: int = 50
    skip: int = 0


@dataclass(frozen=True, slots=True)
class RunReport:
    """How the last sync or publish ended: `result` is success, failed, error or canceled."""

    result: str
    completed: datetime
    task_id: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class RepositorySummary:
    """A repository, and how its last sync, and the last publish of any of its distributors, ended; None if there was none.

    `is_failing`: its last sync failed, or the last publish of one of its distributors.
    """

    report: RepositoryReport
    last_sync: RunReport | None
    last_publish: RunReport | None
    is_failing: bool


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """The repositories of a page, and how many the query finds altogether."""

    items: tuple[RepositorySummary, ...]
    total: int


def find_repositories(house: House, query: RepositoryQuery) -> RepositoryPage:
    """Return the repositories that `query` asks for; a constant number of statements."""
    condition, values = _condition(query)
    counted = house.database.row(f"SELECT COUNT(*) FROM repository WHERE {condition}", values)
    order = f"{_IS_FAILING} DESC, repository.repository_id" if query.failing_first else "repository.repository_id"
    select = f"{listing.SELECT_REPOSITORIES} WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?"
    reports = listing.reports(house, house.database.rows(select, (*values, query.limit, query.skip)))
    return RepositoryPage(tuple(_summaries(house, reports)), int(counted[0]) if counted else 0)


def _condition(query: RepositoryQuery) -> tuple[str, list[object]]:
    conditions, values = ["1 = 1"], list[object]()
    if query.text:
        pattern = "%" + query.text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        like = r"LOWER({}) LIKE LOWER(?) ESCAPE '\'"
        noted = f"repository.id IN (SELECT repository FROM repository_note WHERE {like.format('value')})"
        conditions.append(f"({' OR '.join([*(like.format(text) for text in _TEXTS), noted])})")
        values += [pattern] * (len(_TEXTS) + 1)
    if query.importer_type_id is not None:
        conditions.append("repository.id IN (SELECT repository FROM importer WHERE importer_type_id = ?)")
        values.append(query.importer_type_id)
    return " AND ".join(conditions), values


def _summaries(house: House, reports: Sequence[RepositoryReport]) -> list[RepositorySummary]:
    if not reports:
        return []
    ids = [report.row_id for report in reports]
    last_sync, last_publish = _LAST_SYNC.format("sync_result.id"), _LAST_PUBLISH.format("publish_result.id")
    marks = placeholders(len(ids))
    of_repositories = f"SELECT repository.id AS owner, ({last_sync}) AS run FROM repository WHERE repository.id IN {marks}"
    of_distributors = (
        f"SELECT distributor.repository AS owner, ({last_publish}) AS run FROM distributor "
        f"WHERE distributor.repository IN {marks}"
    )
    syncs, publishes = _runs(house, of_repositories, "sync_result", ids), _runs(house, of_distributors, "publish_result", ids)
    summaries = []
    for report in reports:
        sync, published = syncs.get(report.row_id, []), publishes.get(report.row_id, [])
        is_failing = any(run.result in ("failed", "error") for run in (*sync, *published))
        newest = max(published, key=lambda run: run.completed, default=None)
        summaries.append(RepositorySummary(report, next(iter(sync), None), newest, is_failing))
    return summaries


def _runs(house: House, last: str, table: str, ids: Sequence[int]) -> dict[int, list[RunReport]]:
    """Return the runs whose row ids the statement `last` finds, by the row ids of their repositories."""
    query = f"""
    SELECT last.owner, {table}.result, {table}.completed_at, {table}.task_id, {table}.error_message
    FROM ({last}) AS last JOIN {table} ON {table}.id = last.run
    """
    runs: dict[int, list[RunReport]] = {}
    for row in house.database.rows(query, ids):
        runs.setdefault(row[0], []).append(_run(row))
    return runs


def _run(row: Row) -> RunReport:
    _, result, completed, task_id, error_message = row
    return RunReport(result, clock.from_us(completed), task_id, error_message)
