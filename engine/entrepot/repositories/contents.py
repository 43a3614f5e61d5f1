"""The content of one engine, whatever repositories hold it: `engine.content`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO

from entrepot.content import measures
from entrepot.errors import JSON
from entrepot.repositories import catalog_sources, content_units, orphans, uploading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from entrepot.content.measures import Measures
    from entrepot.criteria import Criteria
    from entrepot.repositories.content_reports import OrphanReport, SourceReport, UnitFileReport, UnitReport, UploadReport
    from entrepot.repositories.house import House
    from entrepot.tasking import TaskHandle


class Contents:
    """Upload, search and describe units, delete those that nobody holds, and see where files come from."""

    def __init__(self, house: House) -> None:
        """Serve the content of `house`."""
        self._house = house

    # -- uploads: bytes that are to become a unit, see `Repository.import_upload` ------------------------------------

    def create_upload(self) -> UploadReport:
        """Begin an upload, empty; raises `StorageError`."""
        return uploading.create_upload(self._house)

    def write_upload(self, upload_id: str, offset: int, data: bytes | BinaryIO) -> UploadReport:
        """Write one piece of an upload at `offset`, in bytes; pieces may come in any order, and again.

        A stream is read to its end, piece by piece. Raises `MissingResource` (upload_request), `InvalidValue` (offset),
        `StorageFull`, `StorageUnwritable`, `StorageError`.
        """
        return uploading.write_upload(self._house, upload_id, offset, data)

    def upload_file(self, path: Path) -> UploadReport:
        """Begin an upload with the bytes of a file; raises `OSError` if it cannot be read, and as `write_upload`."""
        return uploading.upload_file(self._house, path)

    def list_uploads(self) -> list[UploadReport]:
        """Return the uploads under way, in the order they were begun."""
        return uploading.list_uploads(self._house)

    def get_upload(self, upload_id: str) -> UploadReport:
        """Return one upload; raises `MissingResource` (upload_request)."""
        return uploading.get_upload(self._house, upload_id)

    def delete_upload(self, upload_id: str) -> None:
        """Remove an upload with its bytes; none of that id is no error."""
        uploading.delete_upload(self._house, upload_id)

    # -- units -------------------------------------------------------------------------------------------------------

    def find_units(
        self, unit_type_id: str, criteria: Criteria | None = None, *, include_repositories: bool = False
    ) -> list[UnitReport]:
        """Return the units of a type that `criteria` select (all of them without), in their order, else as first stored.

        Of a type that nobody knows there are none. Raises `InvalidValue` for what cannot be asked, `SearchTooSlow`.
        Source: the Pulp 2 REST contract, 4.7.
        """
        return content_units.find_units(self._house, unit_type_id, criteria, include_repositories=include_repositories)

    def get_unit(self, unit_type_id: str, unit_id: str) -> UnitReport:
        """Return one unit with the repositories that hold it; raises `MissingResource` (content_type, content_unit)."""
        return content_units.get_unit(self._house, unit_type_id, unit_id)

    def unit_files(self, unit_type_id: str, unit_id: str) -> list[UnitFileReport]:
        """Return the files of one unit, by path; raises `MissingResource` (content_type, content_unit)."""
        return content_units.unit_files(self._house, unit_type_id, unit_id)

    def set_user_metadata(self, unit_type_id: str, unit_id: str, metadata: Mapping[str, JSON]) -> None:
        """Keep `metadata`, any JSON object, with a unit, in place of what was kept before.

        Raises `MissingResource` (content_type, content_unit), `InvalidValue` (pulp_user_metadata).
        """
        content_units.set_user_metadata(self._house, unit_type_id, unit_id, metadata)

    # -- orphans: units that no repository holds ---------------------------------------------------------------------

    def orphan_counts(self) -> dict[str, int]:
        """Return how many orphans there are of each unit type that is known, by type id; types without any, too."""
        return orphans.counts(self._house)

    def list_orphans(self, unit_type_id: str, *, limit: int | None = None, after: str | None = None) -> list[OrphanReport]:
        """Return the orphans of a type, in the order of their unit ids: at most `limit`, those behind the unit id `after`.

        Raises `MissingResource` (content_type_id) for a type that nobody knows, `InvalidValue` (limit).
        """
        return orphans.list_orphans(self._house, unit_type_id, limit=limit, after=after)

    def get_orphan(self, unit_type_id: str, unit_id: str) -> OrphanReport:
        """Return one orphan; raises `MissingResource` (content_type, content_unit) if there is none such."""
        return orphans.get_orphan(self._house, unit_type_id, unit_id)

    def request_delete_orphans(self, unit_type_id: str | None = None, unit_id: str | None = None) -> TaskHandle:
        """Enqueue the deletion of all orphans, of those of one type, or of one; then of all bytes that nothing needs.

        The task's result says how many units of each type went. Raises `MissingResource` (content_type_id) for a type that
        nobody knows, `MissingResource` (content_type, content_unit) if the one named is no orphan.
        """
        return orphans.request_delete_orphans(self._house, unit_type_id, unit_id)

    def request_delete_listed(self, units: Iterable[tuple[str, str]]) -> TaskHandle:
        """Enqueue the deletion of these units (type id, unit id), of those that are orphans when the task runs.

        Raises `InvalidValue` if there are more than 10,000.
        """
        return orphans.request_delete_listed(self._house, units)

    def measures(self, *, since: timedelta = timedelta(hours=72)) -> Measures:
        """Return how much is stored, as it was counted last, and for the hours that ended less than `since` ago.

        It is counted every ten minutes, and kept for 400 days.
        """
        return measures.list_measures(self._house.database, since=since)

    # -- where files come from ---------------------------------------------------------------------------------------

    def list_sources(self) -> list[SourceReport]:
        """Return the sources of content, by id: one for each importer that has a feed."""
        return catalog_sources.list_sources(self._house)

    def get_source(self, source_id: str) -> SourceReport:
        """Return one source; raises `MissingResource` (source_id)."""
        return catalog_sources.get_source(self._house, source_id)

    def delete_catalog(self, source_id: str) -> int:
        """Forget which files can be fetched from a source, until its next sync; return how many there were.

        A source that nobody knows has none.
        """
        return catalog_sources.delete_catalog(self._house, source_id)
