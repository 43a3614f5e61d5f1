"""Repositories, importers, distributors and publications as clients see them. Source: the Pulp 2 REST contract, 2.1.

The ids of repositories and distributors hold nothing that a path would have to quote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from entrepot.errors import JSON
from entrepot.repositories.documents import distributor_document, importer_document
from entrepot.rest.endpoint import PREFIX, Schema
from entrepot.rest.schemas import BOOLEAN, INTEGER, MOMENT, MOMENT_OR_NULL, OBJECT, OID, TEXT, TEXT_OR_NULL, many, record
from entrepot.rest.shapes import hex_id, moment

if TYPE_CHECKING:
    from entrepot.repositories.comparing import PublicationDifference
    from entrepot.repositories.reports import DistributorReport, ImporterReport, PublicationReport, RepositoryReport

IMPORTER = record(
    "Importer",
    _href=TEXT,
    _id=OID,
    _ns={"const": "repo_importers"},
    id=TEXT,
    importer_type_id=TEXT,
    repo_id=TEXT,
    config=OBJECT,
    last_sync=MOMENT_OR_NULL,
    scratchpad={},
)
#: What follows `scratchpad` is this project's own.
DISTRIBUTOR = record(
    "Distributor",
    _href=TEXT,
    _id=OID,
    _ns={"const": "repo_distributors"},
    id=TEXT,
    distributor_type_id=TEXT,
    repo_id=TEXT,
    auto_publish=BOOLEAN,
    config=OBJECT,
    last_publish=MOMENT_OR_NULL,
    scratchpad={},
    base_path=TEXT,
    live_revision={"type": ["integer", "null"]},
)
#: What follows `last_unit_removed` is this project's own, or there only when it is asked for.
REPOSITORY: Schema = record(
    "Repository",
    ("importers", "distributors", "total_repository_units", "locally_stored_units"),
    _href=TEXT,
    _id=OID,
    _ns={"const": "repos"},
    id=TEXT,
    display_name=TEXT_OR_NULL,
    description=TEXT_OR_NULL,
    notes=OBJECT,
    scratchpad=OBJECT,
    content_unit_counts={"type": "object", "additionalProperties": INTEGER},
    last_unit_added=MOMENT_OR_NULL,
    last_unit_removed=MOMENT_OR_NULL,
    create_time=MOMENT,
    revision=INTEGER,
    importers=many(IMPORTER),
    distributors=many(DISTRIBUTOR),
    total_repository_units=INTEGER,
    locally_stored_units=INTEGER,
)
PUBLICATION = record(
    "Publication",
    revision=INTEGER,
    create_time=MOMENT,
    repository_revision=INTEGER,
    entry_count=INTEGER,
    added_count=INTEGER,
    updated_count=INTEGER,
    removed_count=INTEGER,
    is_live=BOOLEAN,
)
_SIZE: Schema = {"type": ["integer", "null"]}
_CHANGED = many(record("PathChange", path=TEXT, size_before=_SIZE, size_after=_SIZE))
DIFFERENCE = record("PublicationDifference", before=INTEGER, after=INTEGER, added=_CHANGED, changed=_CHANGED, removed=_CHANGED)


def repository_href(repository_id: str) -> str:
    """Return the path of a repository."""
    return f"{PREFIX}/v2/repositories/{repository_id}/"


def distributor_href(repository_id: str, distributor_id: str) -> str:
    """Return the path of a distributor."""
    return f"{PREFIX}/v2/repositories/{repository_id}/distributors/{distributor_id}/"


def importer_href(repository_id: str, importer_id: str) -> str:
    """Return the path of an importer."""
    return f"{PREFIX}/v2/repositories/{repository_id}/importers/{quote(importer_id, safe='')}/"


def repository_shape(
    report: RepositoryReport, *, with_importers: bool = False, with_distributors: bool = False
) -> dict[str, JSON]:
    """Return a repository as clients see it, with its importers and distributors if they are wanted."""
    shape: dict[str, JSON] = {
        "_href": repository_href(report.repository_id),
        "_id": {"$oid": hex_id(report.row_id)},
        "_ns": "repos",
        "id": report.repository_id,
        "display_name": report.display_name,
        "description": report.description,
        "notes": report.notes,
        "scratchpad": report.scratchpad,
        "content_unit_counts": {**report.content_unit_counts},
        "last_unit_added": moment(report.last_unit_added),
        "last_unit_removed": moment(report.last_unit_removed),
        "create_time": moment(report.created),
        "revision": report.revision,
    }
    if with_importers:
        shape["importers"] = [] if report.importer is None else [importer_shape(report.importer)]
    if with_distributors:
        shape["distributors"] = [distributor_shape(distributor) for distributor in report.distributors]
    return shape


def importer_shape(report: ImporterReport) -> dict[str, JSON]:
    """Return an importer as clients see it."""
    return {"_href": importer_href(report.repository_id, report.importer_type_id), **importer_document(report)}


def distributor_shape(report: DistributorReport) -> dict[str, JSON]:
    """Return a distributor as clients see it."""
    return {
        "_href": distributor_href(report.repository_id, report.distributor_id),
        **distributor_document(report),
        "base_path": report.base_path,
        "live_revision": report.live_revision,
    }


def linked(result: JSON) -> JSON:
    """Return a task's result; an importer or distributor, which the task returns as it is, gets its path."""
    namespace = result.get("_ns") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(namespace, str) or namespace not in _HREFS:
        return result
    return {"_href": _HREFS[namespace](str(result.get("repo_id")), str(result.get("id"))), **result}


_HREFS = {"repo_importers": importer_href, "repo_distributors": distributor_href}


def publication_shape(report: PublicationReport) -> dict[str, JSON]:
    """Return a publication as clients see it."""
    return {
        "revision": report.revision,
        "create_time": moment(report.created),
        "repository_revision": report.repository_revision,
        "entry_count": report.entry_count,
        "added_count": report.added_count,
        "updated_count": report.updated_count,
        "removed_count": report.removed_count,
        "is_live": report.is_live,
    }


def difference_shape(difference: PublicationDifference) -> dict[str, JSON]:
    """Return what tells two publications apart as clients see it; a size is null where the path is not there."""
    shape: dict[str, JSON] = {"before": difference.before, "after": difference.after}
    for name, changes in (("added", difference.added), ("changed", difference.changed), ("removed", difference.removed)):
        shape[name] = [{"path": one.path, "size_before": one.size_before, "size_after": one.size_after} for one in changes]
    return shape
