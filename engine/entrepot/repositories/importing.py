"""The walk of an import: `request_import` enqueues, `import_upload` makes units of an upload in the task.

The importer says what the upload is; its bytes become a blob, its units are saved and come into the repository, all in one
transaction. The upload stays, to be imported elsewhere or deleted. Source: the Pulp 2 REST contract, 5.1 (import_upload).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from entrepot.content import catalog
from entrepot.content.blobs import find_blobs, record_blobs
from entrepot.content.units import FileRecord, save_units
from entrepot.content.uploads import copy_upload
from entrepot.errors import JSON, OperationRefused, PluginError, UploadRefused
from entrepot.plugin import FetchedFile
from entrepot.repositories import associations, checks, rows
from entrepot.repositories.arrivals import Arrival, arrived_all
from entrepot.repositories.import_run import Configured, ImportRun, configured
from entrepot.repositories.keeper import Pending
from entrepot.repositories.unit_fields import unit_id
from entrepot.repositories.unit_names import require_name
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from entrepot.content.store import BlobStore, WrittenBlob
    from entrepot.models import Repository
    from entrepot.plugin import Unit
    from entrepot.repositories.house import House

#: The task type that clients know.
TASK_TYPE = "pulp.server.managers.content.upload.import_uploaded_unit"


@dataclass(frozen=True, slots=True)
class Said:
    """What a client says of an upload: which one it is, of which type its unit is, its key, and whatever else it knows."""

    upload_id: str
    unit_type_id: str
    unit_key: Mapping[str, JSON]
    unit_metadata: Mapping[str, JSON]


def request_import(
    house: House, repository_id: str, said: Said, override_config: Mapping[str, JSON] | None = None
) -> TaskHandle:
    """Enqueue the import of an upload; raises `InvalidValue` for what no upload, unit or configuration can be."""
    checks.refuse(
        ("upload_id", isinstance(said.upload_id, str), "must be text"),
        ("unit_type_id", isinstance(said.unit_type_id, str), "must be text"),
    )
    document: dict[str, JSON] = {"upload_id": said.upload_id, "unit_type_id": said.unit_type_id}
    for name in ("unit_key", "unit_metadata"):
        document[name] = dict(checks.given_object(name, getattr(said, name)))
    override = None if override_config is None else dict(checks.given_object("override_config", override_config))
    return house.tasks.enqueue(Call(TASK_TYPE, (repository_id, document, override)))


def import_upload(
    house: House, repository_id: str, said: dict[str, Any], override_config: dict[str, JSON] | None = None
) -> dict[str, JSON]:
    """Make units of an upload and bring them into the repository, all or none; return the importer's report.

    `said` holds the fields of `Said`. Runs in a task that has reserved the repository. Raises `MissingResource` (repository,
    importer, upload_request), `OperationRefused` (a unit type that is not the importer's), `RefusedConfiguration`,
    `UploadRefused`, `StorageError`.
    """
    asked = Said(**said)
    task, store = current_task(), house.store
    repository = rows.get_repository(house.database, repository_id)
    importer = configured(house, repository, override_config)
    unit_type = _unit_type(importer, asked.unit_type_id)
    blob = copy_upload(house.database, store, asked.upload_id)
    files = {blob.temporary: blob}  # what units may hold, by where it lies while the importer works
    try:
        upload = FetchedFile(blob.temporary, blob.sha256, blob.size)
        run = ImportRun(house, task, repository, importer.config)
        try:
            made = importer.plugin().upload(run, unit_type, upload, asked.unit_key, asked.unit_metadata)
            units = _checked(importer, run, store, made, files)
        except PluginError as error:
            raise _refused(importer, repository_id, unit_type, error) from error
        held = [files[path] for path in {held.fetched.path for unit in units for held in unit.held_files}]
        with store.keeping():
            store.keep(held)
            with task.transaction():
                saved = _save(house, repository, importer, units, held)
    finally:
        for file in files.values():
            store.discard(file)
    shown: list[JSON] = [
        {"type_id": unit.type_id, "unit_id": unit_id(uid), "unit_key": dict(zip(unit.unit_key, unit.key_values, strict=True))}
        for unit, uid in saved
    ]
    return {"success_flag": True, "summary": "", "details": {"units": shown}}


def _unit_type(importer: Configured, unit_type_id: str) -> type[Unit]:
    known = {unit_type.type_id: unit_type for unit_type in importer.plugin.unit_types}
    if unit_type_id not in known:
        msg = f"Invalid unit type {unit_type_id!r}: the importer {importer.plugin.type_id} has {', '.join(sorted(known))}."
        raise OperationRefused(msg, unit_type_id=unit_type_id)
    return known[unit_type_id]


def _checked(
    importer: Configured, run: ImportRun, store: BlobStore, units: Iterable[Unit], files: dict[Path, WrittenBlob]
) -> list[Unit]:
    """Return what the importer made of the upload; raises `PluginError`.

    A file that it took out of the upload is copied at once, and added to `files`: it need not be there any longer when the
    importer goes on.
    """
    checked = []
    for unit in units:
        run.checkpoint()
        if not isinstance(unit, importer.plugin.unit_types):
            msg = f"it yielded a {type(unit).__name__}, which is none of its unit types"
            raise PluginError(msg)
        require_name(unit)
        for held in unit.held_files:
            taken = held.fetched
            if taken.path not in files:
                files[taken.path] = store.copy(taken.path, sha256=taken.sha256, size=taken.size)
        checked.append(unit)
    if not checked:
        msg = "it made no unit of it"
        raise PluginError(msg)
    return checked


def _refused(importer: Configured, repository_id: str, unit_type: type[Unit], error: PluginError) -> UploadRefused:
    type_id = importer.plugin.type_id
    details: dict[str, JSON] = {"code": error.code, **error.data}
    return UploadRefused(
        f"The importer {type_id} of {repository_id} refused the upload of a {unit_type.type_id}: {error.message}",
        importer_id=type_id,
        unit_type=unit_type.type_id,
        repo_id=repository_id,
        summary=error.message,
        details=details,
    )


def _save(
    house: House, repository: Repository, importer: Configured, units: list[Unit], files: list[WrittenBlob]
) -> list[tuple[Unit, str]]:
    """Write the rows of the units, in the caller's transaction, and bring them into the repository; return them with uids."""
    database = house.database
    database.lock_resources([f"repository:{repository.repository_id}"])  # first, as whoever enqueues for it does
    held = {(file.sha256, file.size) for file in files}
    promised = {file.digests.get("sha256", "") for unit in units for file in unit.remote_files}
    blobs = record_blobs(database, held) | find_blobs(database, promised)
    pending = [Pending(unit, unit.uid, files=_files(unit, blobs)) for unit in units]
    saved = save_units(database, [one.record() for one in pending], blobs=blobs)
    catalog.note(
        database, importer.row.id, [place for one in pending for place in one.places(saved[one.unit.type_id, one.uid])]
    )
    arrived_all(
        database,
        [
            Arrival(saved[one.unit.type_id, one.uid], file.path, blobs[file.sha256])
            for one in pending
            for file in one.files
            if file.sha256
        ],
    )
    coming = {saved[one.unit.type_id, one.uid]: one.unit.type_id for one in pending}
    associations.apply(database, repository.id, associations.merge_set(database, repository.id, coming))
    return [(one.unit, one.uid) for one in pending]


def _files(unit: Unit, blobs: Mapping[str, int]) -> list[FileRecord]:
    """Return the files of a unit: the upload, and those that are declared to be elsewhere, which are fetched later."""
    here = [
        FileRecord(held.path, held.fetched.sha256, held.fetched.size, {"sha256": held.fetched.sha256})
        for held in unit.held_files
    ]
    elsewhere = [
        FileRecord(file.path, sha256 if (sha256 := file.digests.get("sha256")) in blobs else None, file.size, file.digests)
        for file in unit.remote_files
    ]
    return here + elsewhere
