"""What doors and programs see of repositories; frozen, and free of secrets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from entrepot.errors import JSON


@dataclass(frozen=True, slots=True)
class ImporterReport:
    """A repository's importer; secrets in `config` are shown as `*****`.

    `last_sync` is when its last sync ended, whichever way.
    """

    row_id: int
    repository_id: str
    importer_type_id: str
    config: dict[str, JSON]
    scratchpad: JSON
    last_sync: datetime | None


@dataclass(frozen=True, slots=True)
class DistributorReport:
    """A distributor; what it publishes is served below `/content/<base_path>/`.

    `last_publish` is when it last published well.
    """

    row_id: int
    repository_id: str
    distributor_id: str
    distributor_type_id: str
    config: dict[str, JSON]
    scratchpad: JSON
    auto_publish: bool
    base_path: str
    live_revision: int | None
    last_publish: datetime | None


@dataclass(frozen=True, slots=True)
class RepositoryReport:
    """A repository as it is at one moment; `revision` grows with every change of its contents."""

    row_id: int
    repository_id: str
    display_name: str | None
    description: str | None
    notes: dict[str, JSON]
    scratchpad: dict[str, JSON]
    content_unit_counts: dict[str, int]
    last_unit_added: datetime | None
    last_unit_removed: datetime | None
    created: datetime
    revision: int
    importer: ImporterReport | None
    distributors: tuple[DistributorReport, ...]

    @property
    def total_units(self) -> int:
        """How many units the repository holds, of all types."""
        return sum(self.content_unit_counts.values())


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One sync or publish that ended; `result` is success, failed, error or canceled.

    The counts are None for a publish, and for a sync that changed nothing because it did not succeed.
    """

    entry_id: int
    kind: str
    repository_id: str
    plugin_id: str
    plugin_type_id: str
    task_id: str | None
    started: datetime
    completed: datetime
    result: str
    added_count: int | None
    updated_count: int | None
    removed_count: int | None
    summary: dict[str, JSON] | None
    details: dict[str, JSON] | None
    error_message: str | None
    exception: str | None
    traceback: str | None


@dataclass(frozen=True, slots=True)
class PublicationReport:
    """One immutable publication of a distributor: its paths, and how it differs from the one before.

    `is_live` marks the one that is served.
    """

    revision: int
    created: datetime
    repository_revision: int
    entry_count: int
    added_count: int
    updated_count: int
    removed_count: int
    is_live: bool


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A published path and the bytes behind it; `is_live` is False for one that left and is in its grace time.

    While the bytes are deferred, `sha256`, `blob` (a row id) and `file` are None, and `unit` (a row id) with `unit_file` says
    whose they are; `size` is None then if the feed did not say.
    """

    path: str
    sha256: str | None
    size: int | None
    modified: datetime
    file: Path | None
    is_live: bool
    blob: int | None = None
    unit: int | None = None
    unit_file: str | None = None


@dataclass(frozen=True, slots=True)
class ListedItem:
    """One line of a directory listing; `size` and `modified` are None for a folder."""

    name: str
    is_directory: bool
    size: int | None
    modified: datetime | None


@dataclass(frozen=True, slots=True)
class PublishedDirectory:
    """A published folder; `items` reads a page at a time and holds no transaction open between pages."""

    path: str
    items: Iterator[ListedItem]
