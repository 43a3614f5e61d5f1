"""Make the reports that the engine returns of the documents that the server sends.

Moments are those of the documents, whole seconds, but for those of tasks, histories and schedules, which the server tells to
the microsecond.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

from entrepot import clock
from entrepot.repositories.comparing import PathChange, PublicationDifference
from entrepot.repositories.reports import DistributorReport, HistoryEntry, ImporterReport, PublicationReport, RepositoryReport
from entrepot.repositories.unit_search import AssociatedUnit
from entrepot.schedules import SchedulePreview, ScheduleReport
from entrepot.tasking import Attempt, DrainReport, GroupReport, TaskReport, Waiting, WorkerReport
from entrepot.tasking.reports import STATES

#: A document of the server's.
Document: TypeAlias = dict[str, Any]
#: Keys that a unit's document has beside the unit's own.
_UNITS_FRAME = ("_id", "_ns", "_content_type_id", "_storage_path", "_last_updated", "downloaded", "pulp_user_metadata")


def task_report(document: Document) -> TaskReport:
    """Return the report of a task."""
    waiting = document["waiting"]
    return TaskReport(
        row_id=_row(document),
        task_id=document["task_id"],
        task_type=document["task_type"],
        state=document["state"],
        tags=tuple(document["tags"]),
        created=clock.from_us(document["create_time_us"]),
        started=_exact(document["start_time_us"]),
        finished=_exact(document["finish_time_us"]),
        worker_name=document["worker_name"],
        progress=document["progress_report"],
        result=document["result"],
        error=document["error"],
        traceback=document["traceback"],
        spawned=tuple(task["task_id"] for task in document["spawned_tasks"]),
        parent=document["parent_task_id"],
        group_id=document["group_id"],
        queue=document["task_queue"],
        priority=document["priority"],
        not_before=_exact(document["not_before_us"]),
        attempt=document["attempt"],
        rescues=document["rescues"],
        retries=document["retries"],
        attempts=tuple(map(_attempt, document["attempts"])),
        waiting=None if waiting is None else Waiting(waiting["reason"], waiting["text"], waiting["data"]),
        ready=_exact(document.get("ready_time_us")),
    )


def group_report(document: Document) -> GroupReport:
    """Return the report of a group of tasks."""
    summary = {name: document[name] for name in (*STATES, "total")}
    return GroupReport(document["group_id"], moment(document["create_time"]), summary)


def drain_report(document: Document) -> DrainReport:
    """Return the report of a drain."""
    return DrainReport(document["worker"], document["host"], moment(document["since"]))


def worker_report(document: Document) -> WorkerReport:
    """Return the report of a worker."""
    return WorkerReport(
        name=document["name"],
        host=document["host"],
        pid=document["pid"],
        threads=document["threads"],
        version=document["version"],
        started=moment(document["start_time"]),
        beat=moment(document["last_heartbeat"]),
        alive=document["alive"],
        state=document["state"],
        queues=tuple(document["queues"]),
        tasks=tuple(task["task_id"] for task in document["tasks"]),
        tasks_ended=document["tasks_ended"],
        rss_bytes=document["rss_bytes"],
    )


def repository_report(document: Document) -> RepositoryReport:
    """Return the report of a repository; its document is to hold importers and distributors."""
    importers = document["importers"]
    return RepositoryReport(
        row_id=_row(document),
        repository_id=document["id"],
        display_name=document["display_name"],
        description=document["description"],
        notes=document["notes"],
        scratchpad=document["scratchpad"],
        content_unit_counts=document["content_unit_counts"],
        last_unit_added=_find_moment(document["last_unit_added"]),
        last_unit_removed=_find_moment(document["last_unit_removed"]),
        created=moment(document["create_time"]),
        revision=document["revision"],
        importer=importer_report(importers[0]) if importers else None,
        distributors=tuple(map(distributor_report, document["distributors"])),
    )


def importer_report(document: Document) -> ImporterReport:
    """Return the report of an importer."""
    return ImporterReport(
        row_id=_row(document),
        repository_id=document["repo_id"],
        importer_type_id=document["importer_type_id"],
        config=document["config"],
        scratchpad=document["scratchpad"],
        last_sync=_find_moment(document["last_sync"]),
    )


def distributor_report(document: Document) -> DistributorReport:
    """Return the report of a distributor."""
    return DistributorReport(
        row_id=_row(document),
        repository_id=document["repo_id"],
        distributor_id=document["id"],
        distributor_type_id=document["distributor_type_id"],
        config=document["config"],
        scratchpad=document["scratchpad"],
        auto_publish=document["auto_publish"],
        base_path=document["base_path"],
        live_revision=document["live_revision"],
        last_publish=_find_moment(document["last_publish"]),
    )


def history_entry(document: Document, kind: str) -> HistoryEntry:
    """Return a sync or publish that ended; `kind` is which."""
    plugin, traceback = "importer" if kind == "sync" else "distributor", document["traceback"]
    return HistoryEntry(
        entry_id=_row(document),
        kind=kind,
        repository_id=document["repo_id"],
        plugin_id=document[f"{plugin}_id"],
        plugin_type_id=document[f"{plugin}_type_id"],
        task_id=document["task_id"],
        started=clock.from_us(document["started_us"]),
        completed=clock.from_us(document["completed_us"]),
        result=document["result"],
        added_count=document.get("added_count"),
        updated_count=document.get("updated_count"),
        removed_count=document.get("removed_count"),
        summary=document["summary"],
        details=document["details"],
        error_message=document["error_message"],
        exception=document["exception"],
        traceback=None if traceback is None else "".join(f"{line}\n" for line in traceback),
    )


def publication_report(document: Document) -> PublicationReport:
    """Return the report of a publication."""
    return PublicationReport(
        revision=document["revision"],
        created=moment(document["create_time"]),
        repository_revision=document["repository_revision"],
        entry_count=document["entry_count"],
        added_count=document["added_count"],
        updated_count=document["updated_count"],
        removed_count=document["removed_count"],
        is_live=document["is_live"],
    )


def publication_difference(document: Document) -> PublicationDifference:
    """Return what tells two publications apart."""
    added, changed, removed = (tuple(map(_path_change, document[name])) for name in ("added", "changed", "removed"))
    return PublicationDifference(document["before"], document["after"], added, changed, removed)


def associated_unit(document: Document) -> AssociatedUnit:
    """Return a unit that a repository holds."""
    metadata = document["metadata"]
    return AssociatedUnit(
        association_id=_row(document),
        unit_id=document["unit_id"],
        unit_type_id=document["unit_type_id"],
        repository_id=document["repo_id"],
        created=moment(document["created"]),
        updated=moment(document["updated"]),
        data={name: value for name, value in metadata.items() if name not in _UNITS_FRAME},
        downloaded=metadata["downloaded"],
        user_metadata=metadata["pulp_user_metadata"],
    )


def schedule_report(document: Document) -> ScheduleReport:
    """Return the report of a schedule."""
    is_task, offset = document["kind"] == "task", datetime.fromisoformat(document["first_run"]).tzinfo
    return ScheduleReport(
        schedule_id=document["_id"],
        kind=document["kind"],
        repository_id=document["repo_id"],
        plugin_id=document["plugin_id"],
        task_type=document["task"] if is_task else None,
        args=tuple(document["args"]) if is_task else (),
        kwargs=document["kwargs"] if is_task else {},
        override_config={} if is_task else document["kwargs"]["overrides"],
        schedule=document["schedule"],
        time_zone=document["time_zone"],
        enabled=document["enabled"],
        failure_threshold=document["failure_threshold"],
        consecutive_failures=document["consecutive_failures"],
        first_run=clock.from_us(document["first_run_us"]).astimezone(offset),
        next_run=_exact(document["next_run_us"]),
        last_run_at=_exact(document["last_run_at_us"]),
        remaining_runs=document["remaining_runs"],
        total_run_count=document["total_run_count"],
        overlap=document["overlap"],
        jitter_seconds=document["jitter_seconds"],
        created=clock.from_us(document["create_time_us"]),
        last_updated=datetime.fromtimestamp(document["last_updated"], UTC),
        sentence=document["sentence"],
    )


def schedule_preview(document: Document) -> SchedulePreview:
    """Return when a schedule runs next."""
    runs = tuple(map(moment, document["runs"]))
    return SchedulePreview(document["schedule"], document["time_zone"], document["sentence"], runs)


def _attempt(document: Document) -> Attempt:
    return Attempt(
        number=document["number"],
        worker_name=document["worker_name"],
        started=_exact(document["start_time_us"]),
        ended=clock.from_us(document["finish_time_us"]),
        error=document["error"],
    )


def _path_change(document: Document) -> PathChange:
    return PathChange(document["path"], document["size_before"], document["size_after"])


def _row(document: Document) -> int:
    return int(document["_id"]["$oid"], 16)


def _exact(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else clock.from_us(microseconds)


def _find_moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def moment(text: str) -> datetime:
    """Return the moment that a document writes, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
