"""The sources of content: the feeds of importers, and how many files the catalog can fetch from each.

Source: the Pulp 2 REST contract, 5.4; a source here is what a repository's importer is told, not a file on the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.content import catalog
from entrepot.errors import MissingResource
from entrepot.repositories import listing, rows
from entrepot.repositories.content_reports import SourceReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.models import Row
    from entrepot.repositories.house import House
    from entrepot.repositories.reports import ImporterReport


def list_sources(house: House) -> list[SourceReport]:
    """Return the sources, by id: one for each importer that has a feed."""
    found = house.database.rows(f"{listing.SELECT_IMPORTERS} ORDER BY repository.repository_id")
    return _reports(house, found)


def get_source(house: House, source_id: str) -> SourceReport:
    """Return one source; raises `MissingResource`."""
    found = house.database.rows(f"{listing.SELECT_IMPORTERS} WHERE repository.repository_id = ?", (source_id,))
    reports = _reports(house, found)
    if not reports:
        raise MissingResource(source_id=source_id)
    return reports[0]


def delete_catalog(house: House, source_id: str) -> int:
    """Forget which files can be fetched from a source, until its next sync, and return how many there were."""
    database = house.database
    repository = rows.find_repository(database, source_id)
    importer = None if repository is None else rows.find_importer(database, repository.id)
    if importer is None:
        return 0
    with database.transaction():
        rows.close_sync(database, importer.id, {})  # so that the next sync reads the feed, even if that has not changed
        return catalog.forget(database, importer.id)


def _reports(house: House, found: Sequence[Row]) -> list[SourceReport]:
    importers = [one for one in listing.importer_reports(house, found) if isinstance(one.config.get("feed"), str)]
    counts = catalog.count(house.database, [one.row_id for one in importers])
    return [_report(one, counts.get(one.row_id, 0)) for one in importers]


def _report(importer: ImporterReport, file_count: int) -> SourceReport:
    most = importer.config.get("max_downloads")
    return SourceReport(
        source_id=importer.repository_id,
        name=importer.repository_id,
        importer_type_id=importer.importer_type_id,
        base_url=str(importer.config["feed"]),
        max_concurrent=int(most) if isinstance(most, (int, str)) and str(most).isdigit() else None,
        ssl_validation=str(importer.config.get("ssl_validation", True)).lower() != "false",
        file_count=file_count,
    )
