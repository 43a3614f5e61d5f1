"""Importers and distributors as the JSON objects that tasks return, and that clients know. Pure.

Source: the Pulp 2 REST contract, 2.1; a door adds `_href`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.errors import JSON
    from entrepot.repositories.reports import DistributorReport, ImporterReport


def importer_document(report: ImporterReport) -> dict[str, JSON]:
    """Return an importer as JSON; its id is that of its type."""
    return {
        "_id": {"$oid": f"{report.row_id:024x}"},
        "_ns": "repo_importers",
        "id": report.importer_type_id,
        "importer_type_id": report.importer_type_id,
        "repo_id": report.repository_id,
        "config": report.config,
        "last_sync": _moment(report.last_sync),
        "scratchpad": report.scratchpad,
    }


def distributor_document(report: DistributorReport) -> dict[str, JSON]:
    """Return a distributor as JSON."""
    return {
        "_id": {"$oid": f"{report.row_id:024x}"},
        "_ns": "repo_distributors",
        "id": report.distributor_id,
        "distributor_type_id": report.distributor_type_id,
        "repo_id": report.repository_id,
        "auto_publish": report.auto_publish,
        "config": report.config,
        "last_publish": _moment(report.last_publish),
        "scratchpad": report.scratchpad,
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else clock.iso(value)
