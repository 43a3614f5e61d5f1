"""The histories: one entry for each sync and publish that ended, whichever way.

`recorded` is one of the four borders where every exception is caught: it is written down and goes on.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from entrepot import clock, logs
from entrepot.errors import JSON, EntrepotError, Interrupted, InvalidValue, LeaseLost, SyncFailed
from entrepot.events import Level, record_activity
from entrepot.models import PublishResult, SyncResult, storable
from entrepot.repositories import rows
from entrepot.repositories.reports import HistoryEntry
from entrepot.tasking import current_task

if TYPE_CHECKING:
    from entrepot.models import Database

#: The collections that clients know the entries by. Source: the Pulp 2 REST contract, 2.8 and 2.10.
_NAMESPACES = {"sync": "repo_sync_results", "publish": "repo_publish_results"}


@dataclass(slots=True)
class Record:
    """The history entry of a run that is under way; the run fills in what it did."""

    kind: str
    repository_row: int
    repository_id: str
    plugin_id: str
    plugin_type_id: str
    task_id: str
    started: datetime
    importer_row: int | None = None  # of a sync
    counts: tuple[int, int, int] | None = None  # added, updated, removed
    summary: dict[str, JSON] | None = field(default_factory=dict)
    details: dict[str, JSON] | None = field(default_factory=dict)

    def find_success(self, database: Database) -> dict[str, JSON] | None:
        """Return the entry that an earlier attempt of this very task closed with success before its worker was lost."""
        model: Any = SyncResult if self.kind == "sync" else PublishResult
        query = model.select().where((model.task_id == self.task_id) & (model.result == "success"))
        row = query.bind(database.peewee).first()
        return None if row is None else self._document(row.id, row.completed_at, row.__data__)

    def close(self, database: Database, result: str, error: BaseException | None = None) -> dict[str, JSON]:
        """Write the entry and a line of the log in the caller's transaction, and return the entry as the task's result.

        The last thing that the transaction does: see `record_activity`.
        """
        completed = clock.now()
        unexpected = error is not None and not isinstance(error, (EntrepotError, Interrupted))
        values: dict[str, Any] = {
            "repository": self.repository_row,
            "task_id": self.task_id,
            "started_at": self.started,
            "completed_at": completed,
            "result": result,
            "summary": self.summary,
            "details": self.details,
            "error_message": None if error is None else storable(_message(error)),
            "exception": None if error is None else storable(logs.masked(repr(error))),
            "traceback": storable(logs.masked("".join(traceback.format_exception(error)))) if unexpected else None,
        }
        if self.kind == "sync":
            added, updated, removed = self.counts or (None, None, None)
            values |= {"added_count": added, "updated_count": updated, "removed_count": removed}
            row = SyncResult.insert(importer_type_id=self.plugin_type_id, **values).execute(database.peewee)
            if self.importer_row is not None:
                rows.end_sync(database, self.importer_row, completed)
        else:
            values |= {"distributor_id": self.plugin_id, "distributor_type_id": self.plugin_type_id}
            row = PublishResult.insert(**values).execute(database.peewee)
        self._log(database, result, error)
        return self._document(row, completed, values)

    def _log(self, database: Database, result: str, error: BaseException | None) -> None:
        level, message = _line(self, result, error)
        distributor_id = self.plugin_id if self.kind == "publish" else None
        record_activity(database, level, self.repository_id, message, distributor_id=distributor_id, task_id=self.task_id)

    def _document(self, row: int, completed: datetime, values: dict[str, Any]) -> dict[str, JSON]:
        plugin = "importer" if self.kind == "sync" else "distributor"
        document: dict[str, JSON] = {
            "_ns": _NAMESPACES[self.kind],
            "id": f"{row:024x}",
            "repo_id": self.repository_id,
            f"{plugin}_id": self.plugin_id,
            f"{plugin}_type_id": self.plugin_type_id,
            "started": clock.iso(self.started),
            "completed": clock.iso(completed),
        }
        kept = (
            "result",
            "added_count",
            "updated_count",
            "removed_count",
            "summary",
            "details",
            "error_message",
            "exception",
            "traceback",
        )
        return document | {name: values[name] for name in kept if name in values}


@contextmanager
def recorded(database: Database, record: Record) -> Iterator[Record]:
    """Run the block, which closes `record` itself when it succeeds; close it here when it does not.

    A run whose lease was lost writes nothing: it goes on elsewhere, and that run is recorded. What a plugin reports of a
    sync that failed is kept, as in Pulp 2; of any other failure its text. Source: the Pulp 2 REST contract, 2.8 and 2.10.
    """
    try:
        yield record
    except LeaseLost:
        raise
    except Interrupted as error:
        _close_unsuccessful(database, record, "canceled", error)
        raise
    except SyncFailed as error:
        record.details = {"error": json.loads(json.dumps(error.document()))}
        _close_unsuccessful(database, record, "failed", error)
        raise
    except Exception as error:
        record.summary = record.details = None
        _close_unsuccessful(database, record, "error", error)
        raise


def list_history(
    database: Database,
    kind: str,
    *,
    repository_row: int,
    repository_id: str,
    distributor_id: str | None = None,
    limit: int | None = None,
    sort: str = "descending",
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[HistoryEntry]:
    """Return the entries of one repository, newest first unless `sort` is ascending; bounds are inclusive.

    Raises `InvalidValue` naming each refused argument. Source: the Pulp 2 REST contract, 2.12.
    """
    refused = [
        name
        for name, bad in (
            ("kind", kind not in _NAMESPACES),
            ("limit", limit is not None and (isinstance(limit, bool) or limit < 1)),
            ("sort", sort not in ("ascending", "descending")),
            ("start", start is not None and start.tzinfo is None),
            ("end", end is not None and end.tzinfo is None),
        )
        if bad
    ]
    if refused:
        raise InvalidValue(
            *refused, why="kind is sync or publish, limit at least 1, sort ascending or descending, bounds with a time zone"
        )
    model: Any = SyncResult if kind == "sync" else PublishResult
    query = model.select().where(model.repository == repository_row)
    if kind == "publish" and distributor_id is not None:
        query = query.where(model.distributor_id == distributor_id)
    if start is not None:
        query = query.where(model.started_at >= start)
    if end is not None:
        query = query.where(model.started_at <= end)
    query = query.order_by(model.id.desc() if sort == "descending" else model.id)
    found = query.limit(limit).bind(database.peewee)
    return [_entry(kind, repository_id, row) for row in found]


def remove_old_entries(database: Database, *, older_than: timedelta) -> int:
    """Remove the entries that are older than `older_than`; one round of the history loop."""
    before = clock.now() - older_than
    with database.transaction(durable=False):
        return sum(
            model.delete().where(model.completed_at < before).execute(database.peewee) for model in (SyncResult, PublishResult)
        )


def _close_unsuccessful(database: Database, record: Record, result: str, error: BaseException) -> None:
    record.counts = None
    with database.transaction():
        if current_task().is_owned():
            record.close(database, result, error)


def _line(record: Record, result: str, error: BaseException | None) -> tuple[Level, str]:
    """Return what the log says of a run that ended; of an error that nobody foresaw no more than its type."""
    what = f"The {record.kind}"
    if result == "canceled":
        return "warning", f"{what} was stopped before its end: {_message(error) if error else result}"
    if error is not None:
        said = str(error) if isinstance(error, EntrepotError) else f"an error that was not foreseen, {type(error).__name__}."
        return "error", f"{what} failed: {said or type(error).__name__}"
    if record.kind == "sync":
        added, updated, removed = record.counts or (0, 0, 0)
        return "notice", f"{what} brought in {added} units, replaced {updated} and removed {removed}."
    summary = record.summary or {}
    if summary.get("unchanged"):
        return "notice", f"{what} found nothing new: publication {summary['revision']} is the latest."
    return "notice", (
        f"{what} made publication {summary['revision']} of {summary['files']} files: {summary['added']} added, "
        f"{summary['updated']} replaced, {summary['removed']} removed."
    )


def _message(error: BaseException) -> str:
    if isinstance(error, Interrupted):
        return "It was canceled." if type(error).__name__ == "Canceled" else "It ran out of time."
    text = str(error) or type(error).__name__
    return text if isinstance(error, EntrepotError) else logs.masked(text)


def _entry(kind: str, repository_id: str, row: Any) -> HistoryEntry:  # noqa: ANN401 - a row of either table
    is_sync = kind == "sync"
    return HistoryEntry(
        entry_id=row.id,
        kind=kind,
        repository_id=repository_id,
        plugin_id=row.importer_type_id if is_sync else row.distributor_id,
        plugin_type_id=row.importer_type_id if is_sync else row.distributor_type_id,
        task_id=row.task_id,
        started=row.started_at,
        completed=row.completed_at,
        result=row.result,
        added_count=row.added_count if is_sync else None,
        updated_count=row.updated_count if is_sync else None,
        removed_count=row.removed_count if is_sync else None,
        summary=row.summary,
        details=row.details,
        error_message=row.error_message,
        exception=row.exception,
        traceback=row.traceback,
    )
