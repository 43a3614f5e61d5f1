"""Uploads, as programs see them: begun, written, listed, removed. `importing` makes units of them.

Source: the Pulp 2 REST contract, 5.1, with its fixes: an upload knows its size, and expires.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO

from entrepot.content import uploads
from entrepot.repositories.content_reports import UploadReport

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.repositories.house import House


def create_upload(house: House) -> UploadReport:
    """Begin an upload, empty; raises `StorageError`."""
    return _report(house, uploads.create_upload(house.database, house.store))


def write_upload(house: House, upload_id: str, offset: int, data: bytes | BinaryIO) -> UploadReport:
    """Write one piece; raises as `uploads.write_upload`."""
    return _report(house, uploads.write_upload(house.database, house.store, upload_id, offset, data))


def upload_file(house: House, path: Path) -> UploadReport:
    """Begin an upload with the bytes of a file; of one that fails nothing stays. Raises `OSError`, and as `write_upload`."""
    with path.open("rb") as stream:
        begun = create_upload(house)
        try:
            return write_upload(house, begun.upload_id, 0, stream)
        except BaseException:
            delete_upload(house, begun.upload_id)
            raise


def list_uploads(house: House) -> list[UploadReport]:
    """Return the uploads under way, in the order they were begun."""
    return [_report(house, found) for found in uploads.list_uploads(house.database)]


def get_upload(house: House, upload_id: str) -> UploadReport:
    """Return one upload; raises `MissingResource`."""
    return _report(house, uploads.get_upload(house.database, upload_id))


def delete_upload(house: House, upload_id: str) -> None:
    """Remove an upload with its bytes; none of that id is no error."""
    if uploads.delete_upload(house.database, house.store, upload_id):
        house.forget_grants(resource(upload_id))


def resource(upload_id: str) -> str:
    """Return the path that permissions on an upload are granted on."""
    return f"/v2/content/uploads/{upload_id}/"


def _life(house: House) -> timedelta:
    return timedelta(hours=house.settings.upload_expiry_hours)


def _report(house: House, upload: uploads.Upload) -> UploadReport:
    return UploadReport(upload.upload_id, upload.size, upload.created, upload.changed, upload.changed + _life(house))
