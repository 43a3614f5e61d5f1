"""The keeper of one sync: a thread that makes bytes safe and writes the rows of units, beside the transfers and the parsing.

It waits for the disk and the database while the importer's thread goes on; whoever hands it more than it can keep waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import peewee

from entrepot import failpoints
from entrepot.content import catalog
from entrepot.content.blobs import find_blobs, record_blobs
from entrepot.content.catalog import Place
from entrepot.content.units import FileRecord, UnitRecord, save_units
from entrepot.repositories.arrivals import Arrival, arrived_all

if TYPE_CHECKING:
    from entrepot.content.store import BlobStore, WrittenBlob
    from entrepot.models import Database
    from entrepot.plugin import Unit

#: Batches that may be on their way while the next one is gathered.
_MOST_UNDER_WAY = 1


@dataclass(slots=True, eq=False)
class Pending:
    """A unit on its way: `missing` counts the files whose bytes are still to come; `row` is set if it was known before.

    `blobs` are the bytes that came for it, not yet kept.
    """

    unit: Unit
    uid: str
    row: int | None = None
    files: list[FileRecord] = field(default_factory=list)
    missing: int = 0
    failed: bool = False
    blobs: list[WrittenBlob] = field(default_factory=list)

    def record(self) -> UnitRecord:
        """Return what is to be saved."""
        unit = self.unit
        return UnitRecord(
            unit.type_id, self.uid, unit.fields_json(), self.files, unit.repository_key_json, unit.name_value, unit.document
        )

    def places(self, row: int) -> list[Place]:
        """Return where the files of the unit, whose row id is `row`, can be fetched."""
        return places(row, self.unit)


def places(row: int, unit: Unit) -> list[Place]:
    """Return where the files that `unit` declares can be fetched; `row` is its row id."""
    found = [Place(row, file.path, file.url) for file in unit.remote_files]
    if unit.held_files:
        found += [Place(row, held.path, held.fetched.url) for held in unit.held_files if held.fetched.url is not None]
    return found


class Vanished(Exception):
    """Bytes or units that were there a moment ago have been removed as orphans: the import has to be run again."""


class Keeper:
    """Keeps what one sync brings in; `found` are the row ids of the units that are kept, with their types."""

    def __init__(self, database: Database, store: BlobStore, importer: int) -> None:
        """Prepare; `importer` is the row id of whose feed it is."""
        self.found: dict[int, str] = {}
        self._database = database
        self._store = store
        self._importer = importer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keep")
        self._under_way: list[tuple[Future[Mapping[tuple[str, str], int]], list[Pending]]] = []
        self._loose: dict[str, WrittenBlob] = {}

    def own(self, blob: WrittenBlob) -> None:
        """Take the bytes over: they are kept with their unit, or discarded at the end."""
        self._loose[blob.location] = blob

    def take(self, finished: list[Pending], known: list[Place]) -> None:
        """Keep units all of whose bytes came, or failed to, and note in the catalog where files of known units are.

        What an earlier call could not do is raised here: `StorageError`, `Vanished`.
        """
        if finished or known:
            self._under_way.append((self._thread.submit(self._keep, finished, known), finished))
        self._settle(leave=_MOST_UNDER_WAY)

    def finish(self) -> None:
        """Wait until everything is kept; raises as `take`."""
        self._settle(leave=0)

    def close(self) -> None:
        """Wait for the thread, and discard the bytes that were not kept."""
        self._thread.submit(self._database.close)  # its thread has a connection of its own
        self._thread.shutdown(wait=True)
        for blob in self._loose.values():
            self._store.discard(blob)

    def _settle(self, *, leave: int) -> None:
        while len(self._under_way) > leave:
            future, finished = self._under_way.pop(0)
            saved = future.result()
            for pending in finished:
                for blob in pending.blobs:
                    del self._loose[blob.location]
            self.found.update((row, unit_type) for (unit_type, _), row in saved.items())

    def _keep(self, finished: list[Pending], known: list[Place]) -> Mapping[tuple[str, str], int]:
        """Make the bytes safe, then write the rows; return the units' row ids by type and uid. In the keeper's thread."""
        try:
            with self._store.keeping():
                saved = self._keep_locked(finished, known)
        except peewee.IntegrityError as error:  # a unit that nobody held was removed since it was found
            raise Vanished from error
        failpoints.reach("units.saved")
        return saved

    def _keep_locked(self, finished: list[Pending], known: list[Place]) -> Mapping[tuple[str, str], int]:
        blobs = [blob for pending in finished for blob in pending.blobs]
        self._store.keep(blobs)
        # Not durable by itself: the commit at the end of the sync makes this one durable as well.
        with self._database.transaction(durable=False):
            return self._save([pending for pending in finished if not pending.failed], blobs, known)

    def _save(self, whole: list[Pending], kept: list[WrittenBlob], known: list[Place]) -> Mapping[tuple[str, str], int]:
        rows = record_blobs(self._database, {(blob.sha256, blob.size) for blob in kept})
        elsewhere = {file.sha256 for pending in whole for file in pending.files if file.sha256}.difference(rows)
        rows |= find_blobs(self._database, elsewhere)
        if elsewhere.difference(rows):
            raise Vanished
        saved = save_units(self._database, [pending.record() for pending in whole], blobs=rows)
        arrivals, offered = [], list(known)
        for pending in whole:
            row = saved[pending.unit.type_id, pending.uid]
            offered += pending.places(row)
            if pending.row is not None:  # published already, perhaps, by repositories that deferred its files
                arrivals += [Arrival(row, file.path, rows[file.sha256]) for file in pending.files if file.sha256]
        arrived_all(self._database, arrivals)
        catalog.note(self._database, self._importer, offered)
        return saved
