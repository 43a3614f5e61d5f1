"""Which repositories fail: an importer whose last sync failed, a distributor whose last publish did.

Two statements find them all, by the indexes of the histories; what is told of each is looked up only for those that are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from entrepot import clock
from entrepot.content.bulk import chunks, placeholders
from entrepot.errors import InvalidValue

if TYPE_CHECKING:
    from entrepot.models import Database

_LAST = "SELECT {0} FROM {1} WHERE {2} ORDER BY started_at DESC, id DESC LIMIT 1"
_OF_IMPORTER = "sync_result.repository = importer.repository"
_OF_DISTRIBUTOR = (
    "publish_result.repository = distributor.repository AND publish_result.distributor_id = distributor.distributor_id"
)
_SYNCS = f"""
SELECT last.id, last.completed_at FROM importer
JOIN sync_result AS last ON last.id = ({_LAST.format("id", "sync_result", _OF_IMPORTER)})
WHERE last.result IN ('failed', 'error')
"""
_PUBLISHES = f"""
SELECT last.id, last.completed_at FROM distributor
JOIN publish_result AS last ON last.id = ({_LAST.format("id", "publish_result", _OF_DISTRIBUTOR)})
WHERE last.result IN ('failed', 'error')
"""
_TELL = """
SELECT last.id, repository.repository_id, last.{plugin}, last.completed_at, last.task_id, last.error_message,
       (SELECT MIN(one.completed_at) FROM {table} AS one
        WHERE one.repository = last.repository AND one.{plugin} = last.{plugin} AND one.result IN ('failed', 'error')
        AND one.started_at > COALESCE((
            SELECT good.started_at FROM {table} AS good
            WHERE good.repository = last.repository AND good.{plugin} = last.{plugin} AND good.result = 'success'
            ORDER BY good.started_at DESC LIMIT 1), 0))
FROM {table} AS last JOIN repository ON repository.id = last.repository WHERE last.id IN
"""
_TABLES = {
    "sync": _TELL.format(table="sync_result", plugin="importer_type_id"),
    "publish": _TELL.format(table="publish_result", plugin="distributor_id"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A sync or publish that failed when it was run last.

    `plugin_id` is the importer's or distributor's id. It has failed since `since`, when the first run after the last
    success did; `failed` is when the last one did, in the task `task_id`, and `error` says why; both are None if nobody knows.
    """

    kind: Literal["sync", "publish"]
    repository_id: str
    plugin_id: str
    since: datetime
    failed: datetime
    task_id: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Failures:
    """How many syncs and publishes fail, and the first of them, the newest failure first."""

    total: int
    failures: tuple[Failure, ...]


def list_failing(database: Database, *, limit: int) -> Failures:
    """Return the syncs and publishes that fail now, and tell of `limit` of them; raises `InvalidValue` for less than none."""
    if limit < 0:
        raise InvalidValue("limit", why="it must be at least 0")
    found: list[tuple[int, Literal["sync", "publish"], int]] = []
    found += [(completed, "sync", id_) for id_, completed in database.rows(_SYNCS)]
    found += [(completed, "publish", id_) for id_, completed in database.rows(_PUBLISHES)]
    shown = sorted(found, reverse=True)[:limit]
    told = {kind: _tell(database, kind, [id_ for _, of_kind, id_ in shown if of_kind == kind]) for kind in ("sync", "publish")}
    return Failures(len(found), tuple(told[kind][id_] for _, kind, id_ in shown if id_ in told[kind]))


def _tell(database: Database, kind: Literal["sync", "publish"], ids: list[int]) -> dict[int, Failure]:
    failures = {}
    for some in chunks(ids):
        for id_, repository_id, plugin_id, failed, task_id, error, since in database.rows(
            _TABLES[kind] + placeholders(len(some)), some
        ):
            moments = clock.from_us(failed if since is None else since), clock.from_us(failed)
            failures[id_] = Failure(kind, repository_id, plugin_id, *moments, task_id, error)
    return failures
