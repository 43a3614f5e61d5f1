"""The content of a server, whatever repositories hold it: `client.content`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from entrepot.client.connection import Connection
from entrepot.client.content_documents import orphan_report, source_report, unit_file_report, unit_report, upload_report
from entrepot.client.figures import hours_back, measures
from entrepot.client.handle import TaskHandle
from entrepot.client.tasks import spawned, whole
from entrepot.errors import JSON, EntrepotError

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.content.measures import Measures
    from entrepot.criteria import Criteria
    from entrepot.repositories import OrphanReport, SourceReport, UnitFileReport, UnitReport, UploadReport

#: Bytes of an upload that are sent at once, and again if the connection breaks.
_PIECE_BYTES = 8 * 1024 * 1024
_DETAILS = [("details", "true")]
_WITH_REPOSITORIES = [("include_repos", "true")]


class Contents:
    """Upload, search and describe units, delete those that nobody holds, and see where files come from."""

    def __init__(self, connection: Connection) -> None:
        """Speak of the content of the server that `connection` leads to."""
        self._connection = connection

    # -- uploads: bytes that are to become a unit, see `Repository.import_upload` ------------------------------------

    def create_upload(self) -> UploadReport:
        """Begin an upload, empty; raises `StorageError`."""
        return upload_report(self._connection.post("content", "uploads", query=_DETAILS))

    def write_upload(self, upload_id: str, offset: int, data: bytes | BinaryIO) -> UploadReport:
        """Write one piece of an upload at `offset`, in bytes; pieces may come in any order, and again.

        It is sent 8 MiB at a time. Raises `MissingResource` (upload_request), `InvalidValue` (offset), `StorageError`.
        """
        stream = BytesIO(data) if isinstance(data, bytes) else data
        piece = stream.read(_PIECE_BYTES)
        while True:
            path = ("content", "uploads", upload_id, str(offset))
            report = upload_report(self._connection.put(*path, body=piece, query=_DETAILS, is_safe=True))
            offset += len(piece)
            piece = stream.read(_PIECE_BYTES)
            if not piece:
                return report

    def upload_file(self, path: Path) -> UploadReport:
        """Begin an upload with the bytes of a file; raises `OSError` if it cannot be read, and as `write_upload`."""
        with path.open("rb") as stream:
            begun = self.create_upload()
            try:
                return self.write_upload(begun.upload_id, 0, stream)
            except BaseException:
                with suppress(EntrepotError):
                    self.delete_upload(begun.upload_id)
                raise

    def list_uploads(self) -> list[UploadReport]:
        """Return the uploads under way, in the order they were begun."""
        return list(map(upload_report, self._connection.get("content", "uploads", query=_DETAILS)["uploads"]))

    def get_upload(self, upload_id: str) -> UploadReport:
        """Return one upload; raises `MissingResource` (upload_request)."""
        return upload_report(self._connection.get("content", "uploads", upload_id))

    def delete_upload(self, upload_id: str) -> None:
        """Remove an upload with its bytes; none of that id is no error."""
        self._connection.delete("content", "uploads", upload_id)

    # -- units -------------------------------------------------------------------------------------------------------

    def find_units(
        self, unit_type_id: str, criteria: Criteria | None = None, *, include_repositories: bool = False
    ) -> list[UnitReport]:
        """Return the units of a type that `criteria` select (all of them without), in their order, else as first stored.

        Of a type that nobody knows there are none. Raises `InvalidValue` for what cannot be asked, `SearchTooSlow`.
        Source: the Pulp 2 REST contract, 4.7.
        """
        path = ("content", "units", unit_type_id)
        if criteria is None:
            found = self._connection.get(*path, query=_WITH_REPOSITORIES if include_repositories else ())
        else:
            body = {"criteria": whole(criteria.source), "include_repos": include_repositories}
            found = self._connection.search(*path, "search", body=body)
        return list(map(unit_report, found))

    def get_unit(self, unit_type_id: str, unit_id: str) -> UnitReport:
        """Return one unit with the repositories that hold it; raises `MissingResource` (content_type, content_unit)."""
        return unit_report(self._connection.get("content", "units", unit_type_id, unit_id, query=_WITH_REPOSITORIES))

    def unit_files(self, unit_type_id: str, unit_id: str) -> list[UnitFileReport]:
        """Return the files of one unit, by path; raises `MissingResource` (content_type, content_unit)."""
        return list(map(unit_file_report, self._connection.get("content", "units", unit_type_id, unit_id, "files")))

    def set_user_metadata(self, unit_type_id: str, unit_id: str, metadata: Mapping[str, JSON]) -> None:
        """Keep `metadata`, any JSON object, with a unit, in place of what was kept before.

        Raises `MissingResource` (content_type, content_unit), `InvalidValue` (pulp_user_metadata).
        """
        path = ("content", "units", unit_type_id, unit_id, "pulp_user_metadata")
        self._connection.put(*path, body=dict(metadata), is_safe=True)

    # -- orphans: units that no repository holds ---------------------------------------------------------------------

    def orphan_counts(self) -> dict[str, int]:
        """Return how many orphans there are of each unit type that is known, by type id; types without any, too."""
        return {type_id: found["count"] for type_id, found in self._connection.get("content", "orphans").items()}

    def list_orphans(self, unit_type_id: str, *, limit: int | None = None, after: str | None = None) -> list[OrphanReport]:
        """Return the orphans of a type, in the order of their unit ids: at most `limit`, those behind the unit id `after`.

        Raises `MissingResource` (content_type_id) for a type that nobody knows, `InvalidValue` (limit).
        """
        query = [("limit", str(limit))] if limit is not None else []
        query += [("after", after)] if after is not None else []
        return list(map(orphan_report, self._connection.get("content", "orphans", unit_type_id, query=query)))

    def get_orphan(self, unit_type_id: str, unit_id: str) -> OrphanReport:
        """Return one orphan; raises `MissingResource` (content_type, content_unit) if there is none such."""
        return orphan_report(self._connection.get("content", "orphans", unit_type_id, unit_id))

    def request_delete_orphans(self, unit_type_id: str | None = None, unit_id: str | None = None) -> TaskHandle:
        """Enqueue the deletion of all orphans, of those of one type, or of one; then of all bytes that nothing needs.

        The task's result says how many units of each type went. Raises `MissingResource` (content_type_id) for a type that
        nobody knows, `MissingResource` (content_type, content_unit) if the one named is no orphan.
        """
        named = [segment for segment in (unit_type_id, unit_id) if segment is not None]
        return spawned(self._connection, self._connection.delete("content", "orphans", *named).document)[0]

    def request_delete_listed(self, units: Iterable[tuple[str, str]]) -> TaskHandle:
        """Enqueue the deletion of these units (type id, unit id), of those that are orphans when the task runs.

        Raises `InvalidValue` if there are more than 10,000.
        """
        body = [{"content_type_id": type_id, "unit_id": unit_id} for type_id, unit_id in units]
        return spawned(self._connection, self._connection.post("content", "actions", "delete_orphans", body=body))[0]

    def measures(self, *, since: timedelta = timedelta(hours=72)) -> Measures:
        """Return how much is stored, as it was counted last, and for the hours that ended less than `since` ago.

        The server counts whole hours, 9600 at most. Raises `InvalidValue`.
        """
        return measures(self._connection.get("statistics", query=hours_back(since))["content"])

    # -- where files come from ---------------------------------------------------------------------------------------

    def list_sources(self) -> list[SourceReport]:
        """Return the sources of content, by id: one for each importer that has a feed."""
        return list(map(source_report, self._connection.get("content", "sources")))

    def get_source(self, source_id: str) -> SourceReport:
        """Return one source; raises `MissingResource` (source_id)."""
        return source_report(self._connection.get("content", "sources", source_id))

    def delete_catalog(self, source_id: str) -> int:
        """Forget which files can be fetched from a source, until its next sync; return how many there were.

        A source that nobody knows has none.
        """
        return int(self._connection.delete("content", "catalog", source_id).document["deleted"])
