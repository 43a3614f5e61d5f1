"""Make the reports of content that the engine returns of the documents that the server sends; moments are whole seconds."""

from __future__ import annotations

from entrepot.client.documents import Document, moment
from entrepot.repositories.content_reports import OrphanReport, SourceReport, UnitFileReport, UnitReport, UploadReport

#: Keys that a unit's document has beside the unit's own.
_UNITS_FRAME = (
    "_id",
    "_href",
    "_content_type_id",
    "_storage_path",
    "_created",
    "_last_updated",
    "downloaded",
    "pulp_user_metadata",
    "children",
    "repository_memberships",
)


def upload_report(document: Document) -> UploadReport:
    """Return the report of an upload; its document is to hold the details."""
    return UploadReport(
        upload_id=document["upload_id"],
        size=document["size"],
        created=moment(document["create_time"]),
        changed=moment(document["change_time"]),
        expires=moment(document["expires"]),
    )


def unit_report(document: Document) -> UnitReport:
    """Return the report of a unit."""
    repository_ids = document.get("repository_memberships")
    return UnitReport(
        unit_id=document["_id"],
        unit_type_id=document["_content_type_id"],
        created=moment(document["_created"]),
        updated=moment(document["_last_updated"]),
        data={name: value for name, value in document.items() if name not in _UNITS_FRAME},
        downloaded=document["downloaded"],
        user_metadata=document["pulp_user_metadata"],
        repository_ids=None if repository_ids is None else tuple(repository_ids),
    )


def unit_file_report(document: Document) -> UnitFileReport:
    """Return the report of a unit's file."""
    return UnitFileReport(
        path=document["path"],
        size=document["size"],
        digests=document["digests"],
        downloaded=document["downloaded"],
        sources=document["sources"],
    )


def orphan_report(document: Document) -> OrphanReport:
    """Return the report of an orphan."""
    key = {name: value for name, value in document.items() if name not in ("_id", "_content_type_id", "_href")}
    return OrphanReport(document["_id"], document["_content_type_id"], key)


def source_report(document: Document) -> SourceReport:
    """Return the report of a source of content."""
    return SourceReport(
        source_id=document["source_id"],
        name=document["name"],
        importer_type_id=document["type"],
        base_url=document["base_url"],
        max_concurrent=document["max_concurrent"],
        ssl_validation=document["ssl_validation"],
        file_count=document["file_count"],
    )
