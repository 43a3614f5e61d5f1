"""The search for the bytes of one published file: in the store, then in every feed that is known to offer them.

A file that was deferred, or whose bytes are missing or damaged, is fetched by the catalog: by the configuration of each
importer that knows it, as that is now. What does not give the promised bytes is left alone for a while.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from entrepot.content import catalog
from entrepot.content.blobs import record_blobs
from entrepot.content.exclusion import alone
from entrepot.content.fetch import FetchRequest
from entrepot.content.incoming import Here
from entrepot.content.storage_faults import storage_error
from entrepot.errors import (
    BytesUnavailable,
    ChecksumDiffers,
    EntrepotError,
    FetchError,
    FetchTimedOut,
    MissingResource,
    SizeDiffers,
    StorageError,
    UpstreamFailed,
    UpstreamTimedOut,
)
from entrepot.repositories.arrivals import arrived
from entrepot.repositories.feeds import importer_options

if TYPE_CHECKING:
    from entrepot.content.catalog import Source
    from entrepot.content.fetch import FetchOptions
    from entrepot.content.incoming import Incoming
    from entrepot.content.store import WrittenBlob
    from entrepot.content.wholeness import Wholeness
    from entrepot.repositories.fetchers import LentFetchers
    from entrepot.repositories.house import House
    from entrepot.repositories.reports import PublishedFile

#: Further attempts at one source while somebody waits: the catalog may know others.
_MOST_RETRIES = 1
#: Files of units with the same bytes by which these are looked for, of those that feeds offer.
_MOST_FILES = 20
_OFFERED = "EXISTS (SELECT 1 FROM remote_file WHERE remote_file.unit = unit_file.unit AND remote_file.path = unit_file.path)"
_LOG = logging.getLogger("entrepot.serving")


@dataclass(frozen=True, slots=True)
class _UnitFile:
    """A file of a unit (its row id), and what is promised of it."""

    unit: int
    path: str
    size: int | None
    digests: Mapping[str, str]


class FileSearch:
    """One search; for one thread at a time."""

    def __init__(
        self, house: House, wholeness: Wholeness, fetchers: LentFetchers, *, found: PublishedFile, incoming: Incoming
    ) -> None:
        """Prepare; `incoming` is shown what comes while it comes, and not told of the end."""
        self.found = found
        self.incoming = incoming
        self._house = house
        self._database = house.database
        self._store = house.store
        self._wholeness = wholeness
        self._fetchers = fetchers

    def look(self) -> Here | None:
        """Return what is here and whole, or None; bytes that are damaged are put aside. Raises `StorageError`."""
        if self.found.sha256 is not None and self.found.size is not None:
            return self._whole(self.found.sha256, self.found.size)
        row = self._database.row(
            "SELECT blob.sha256, blob.size FROM unit_file JOIN blob ON blob.id = unit_file.blob "
            "WHERE unit_file.unit = ? AND unit_file.path = ?",
            (self.found.unit, self.found.unit_file),
        )
        if row is None:
            return self._adopted()
        self.found = replace(self.found, sha256=row[0], size=row[1])
        return self._whole(*row)

    def fetch(self) -> Here:
        """Fetch the bytes, unless another process has done it meanwhile; raises `UpstreamFailed`, `StorageError`."""
        name = self.found.sha256 or f"{self.found.unit}/{self.found.unit_file}"
        try:
            with alone(self._store.root / "fetching", name):
                return self.look() or self._fetch()
        except OSError as error:
            raise storage_error(error, self._store.root) from error

    def _whole(self, sha256: str, size: int) -> Here | None:
        self.incoming.sha256 = sha256
        return Here(sha256, size) if self._wholeness.check(sha256, size) else None

    def _adopted(self) -> Here | None:
        """Return what is here as bytes of another file, which the deferred one is given, or None."""
        files = self._files()
        if not files:
            msg = f"{self.found.path} is of a unit that is gone. Publish the repository again."
            raise BytesUnavailable(msg)
        promised = files[0].digests.get("sha256")
        if promised is None:
            return None
        query = "SELECT id, size FROM blob WHERE sha256 = ?"
        row = self._database.row(query, (promised,))
        if row is None or files[0].size not in (None, row[1]) or self._whole(promised, row[1]) is None:
            return None
        with self._store.keeping(), self._database.transaction():
            if self._database.row(query, (promised,)) != row or not self._store.has(promised):
                return None  # removed meanwhile
            arrived(self._database, files[0].unit, files[0].path, row[0])
        return Here(promised, row[1])

    def _fetch(self) -> Here:
        errors: list[EntrepotError] = []
        for file in self._files():
            self.incoming.sha256 = file.digests.get("sha256")
            for source in catalog.sources(self._database, file.unit, file.path):
                try:
                    return self._keep(file, self._fetched(file, source))
                except StorageError:
                    raise
                except (SizeDiffers, ChecksumDiffers) as error:
                    catalog.note_failure(self._database, file.unit, file.path, source.importer)
                    errors.append(error)
                except EntrepotError as error:  # the feed, or its configuration: another may do
                    errors.append(error)
                _LOG.warning("%s cannot be fetched for a client: %s", self.found.path, errors[-1].message)
        raise self._failure(errors)

    def _files(self) -> list[_UnitFile]:
        """Return the file of the unit that waits for these bytes, or some that have them and that feeds offer."""
        where, values = "unit = ? AND path = ?", [self.found.unit, self.found.unit_file]
        if self.found.sha256 is not None:
            where, values = f"blob = (SELECT id FROM blob WHERE sha256 = ?) AND {_OFFERED}", [self.found.sha256]
        query = f"SELECT unit, path, size, digests FROM unit_file WHERE {where} LIMIT {_MOST_FILES}"
        files = [
            _UnitFile(unit, path, size, json.loads(digests)) for unit, path, size, digests in self._database.rows(query, values)
        ]
        if self.found.sha256 is None:
            return files
        kept = {"sha256": self.found.sha256}
        return [replace(file, size=self.found.size, digests=kept) for file in files]

    def _fetched(self, file: _UnitFile, source: Source) -> WrittenBlob:
        with self._fetchers.borrow(source.importer, self._options(source.importer), self.incoming) as fetcher:
            return fetcher.fetch(FetchRequest(source.url, file.size, file.digests))

    def _options(self, importer: int) -> FetchOptions:
        try:
            options = importer_options(self._house, importer)
        except MissingResource as error:
            raise FetchError("The importer was removed a moment ago.") from error
        return replace(options, retries=min(options.retries, _MOST_RETRIES))

    def _keep(self, file: _UnitFile, blob: WrittenBlob) -> Here:
        written = blob.temporary.stat()
        with self._store.keeping():
            self._store.keep([blob])
            with self._database.transaction():
                row = record_blobs(self._database, [(blob.sha256, blob.size)])[blob.sha256]
                arrived(self._database, file.unit, file.path, row)
        if not self._wholeness.note_kept(blob.sha256, written) and not self._wholeness.check(blob.sha256, blob.size):
            raise BytesUnavailable(f"The store had damaged bytes of {self.found.path}, which were put aside. Try again.")
        return Here(blob.sha256, blob.size)

    def _failure(self, errors: list[EntrepotError]) -> EntrepotError:
        path = self.found.path
        if not errors:
            return self._without_source()
        if any(isinstance(error, SizeDiffers | ChecksumDiffers) for error in errors):
            return self._cooling_down()
        if all(isinstance(error, FetchTimedOut) for error in errors):
            return UpstreamTimedOut(f"{path} has to be fetched, and its feed did not answer in time. Try again in a moment.")
        return UpstreamFailed(f"{path} has to be fetched, and its feed cannot be reached or refuses it. Try again in a moment.")

    def _without_source(self) -> EntrepotError:
        for file in self._files():
            if self._database.row("SELECT 1 FROM remote_file WHERE unit = ? AND path = ?", (file.unit, file.path)):
                return self._cooling_down()
        msg = (
            f"The bytes of {self.found.path} are not in the store as they were published, and no feed is known to offer them. "
            "Sync a repository that has them, or upload them again, and publish."
        )
        return BytesUnavailable(msg)

    def _cooling_down(self) -> UpstreamFailed:
        minutes = catalog.COOL_DOWN_US // 60_000_000
        msg = f"{self.found.path} has to be fetched, and its feed gives other bytes than it promised. "
        return UpstreamFailed(f"{msg}It is asked again in {minutes} minutes at the latest.")
