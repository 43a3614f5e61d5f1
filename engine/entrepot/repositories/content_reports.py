"""What doors and programs see of content: uploads, units, orphans, and where files can be fetched; frozen, free of secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from entrepot.errors import JSON


@dataclass(frozen=True, slots=True)
class UploadReport:
    """An upload under way: `size` is the end of the furthest piece that came, in bytes.

    It is removed at `expires` if nothing more is written to it, and not imported, before.
    """

    upload_id: str
    size: int
    created: datetime
    changed: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class UnitReport:
    """A content unit, whatever repositories hold it; `data` are all its fields.

    `unit_id` is a UUID that the unit has in every repository, and in every engine. `downloaded`: the bytes of all its files are
    in the store. `repository_ids` are those of the repositories that hold it, sorted; None if they were not asked for.
    """

    unit_id: str
    unit_type_id: str
    created: datetime
    updated: datetime
    data: dict[str, JSON]
    downloaded: bool
    user_metadata: dict[str, JSON]
    repository_ids: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class UnitFileReport:
    """A file of a unit: its path, its size in bytes (None while the feed has not said), and its digests by algorithm.

    `downloaded`: its bytes are in the store. `sources` says from how many repositories' feeds it can be fetched.
    """

    path: str
    size: int | None
    digests: dict[str, str]
    downloaded: bool
    sources: int


@dataclass(frozen=True, slots=True)
class OrphanReport:
    """A unit that no repository holds; `key` are the fields of its key."""

    unit_id: str
    unit_type_id: str
    key: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class SourceReport:
    """A source of content: the feed of a repository's importer. `source_id` is the repository's id.

    `base_url` is the feed; `max_concurrent` is None if the importer leaves it to the engine; `file_count` says how many files
    the catalog can fetch from there.
    """

    source_id: str
    name: str
    importer_type_id: str
    base_url: str
    max_concurrent: int | None
    ssl_validation: bool
    file_count: int
