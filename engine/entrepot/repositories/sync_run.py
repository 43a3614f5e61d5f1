"""One sync under way: the importer's conduit, and what the engine does with the units that it yields.

Bytes and units are kept as they come; the repository itself changes only at the end (`sync`). Step 7 of the walk of a
sync: `content.fetch` -> `content.store` -> `content.units`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Self

from entrepot import clock, failpoints
from entrepot.content.blobs import find_blobs, record_blobs
from entrepot.content.fetch import Fetcher, FetchOptions, FetchRequest
from entrepot.content.units import FileRecord, UnitRecord, find_units, save_units
from entrepot.errors import JSON, FetchError, PluginError
from entrepot.plugin import FetchedFile
from entrepot.repositories.progress import LISTED_ERRORS, Progress, Step, final_state

if TYPE_CHECKING:
    from types import TracebackType

    from entrepot.content.store import BlobStore, WrittenBlob
    from entrepot.models import Database
    from entrepot.plugin import Importer, ImporterConfig, Unit
    from entrepot.tasking import TaskContext

#: Least time between two looks at whether progress is to be reported, seconds.
_TICK_SECONDS = 0.1
#: Units that are looked up together, and units that are saved in one transaction.
_BATCH = 500


@dataclass(slots=True)
class _Pending:
    """A unit that waits for bytes. `missing` counts the files that are not there yet."""

    unit: Unit
    uid: str
    files: list[FileRecord]
    missing: int = 0
    failed: bool = False
    blobs: list[WrittenBlob] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KnownState:
    """What the last successful sync left behind, and what would have to be the same now to skip this one."""

    token: str | None
    is_comparable: bool  # same configuration, repository not changed since, not forced


class SyncRun:
    """The conduit of one run; a context manager that leaves no temporary file and no connection behind."""

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        task: TaskContext,
        *,
        repository_id: str,
        importer_type_id: str,
        config: ImporterConfig,
        options: FetchOptions,
        known: KnownState,
    ) -> None:
        """Prepare the run; nothing is fetched yet."""
        self.repository_id = repository_id
        self.config = config
        self.feed = options.feed
        self.token: str | None = None
        self.was_unchanged = False
        self.errors: list[dict[str, JSON]] = []
        self.error_count = 0
        self._database = database
        self._store = store
        self._task = task
        self._known = known
        self._metadata: list[WrittenBlob] = []
        self._fetcher = Fetcher(options, store, checkpoint=self._tick)
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="keep")
        self._keeping: list[tuple[Future[dict[tuple[str, str], int]], list[_Pending]]] = []
        self._finished: list[_Pending] = []
        self._found: dict[int, str] = {}
        self._places: set[tuple[object, ...]] = set()
        self._next_tick = 0.0
        self._loose: dict[str, WrittenBlob] = {}  # arrived and not yet kept, by where they lie
        self._reading = Step("metadata", "Reading what the feed offers")
        self._download = Step("download", "Downloading and storing the files")
        self.progress = Progress(importer_type_id, self._reading, self._download)

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close connections and remove temporary files, whatever happened."""
        self._keeper.submit(self._database.close)  # its thread has a connection of its own
        self._keeper.shutdown(wait=True)
        self._fetcher.close()
        for blob in [*self._metadata, *self._loose.values()]:
            self._store.discard(blob)
        self._count_bytes()
        state = "FAILED" if self.error_count and kind is None else final_state(kind)
        self._task.finish_progress(self.progress.close(state))

    # -- what the importer may ask for (plugin.SyncConduit) --------------------------------------------------------

    def fetch(self, url: str, *, size: int | None = None, **digests: str) -> FetchedFile:
        """Fetch one file of metadata now; raises `FetchError`."""
        blob = self._fetcher.fetch(FetchRequest(url, size=size, digests=digests))
        self._metadata.append(blob)
        return FetchedFile(blob.temporary, blob.sha256, blob.size)

    def unchanged(self, token: str) -> bool:
        """Say whether the feed is as the last successful sync saw it, and remember `token` for the next."""
        self.token = token
        self.was_unchanged = self._known.is_comparable and self._known.token == token
        return self.was_unchanged

    def error(self, item: str, why: str) -> None:
        """Refuse one item; the run goes on, and ends in error."""
        self._task.checkpoint()
        self._reading.fail_item(item, why)
        self._remember(item, why, PluginError.code)

    def checkpoint(self) -> None:
        """Let a cancel take effect."""
        self._task.checkpoint()

    # -- what the engine does ------------------------------------------------------------------------------------

    def import_units(self, importer: Importer) -> dict[int, str]:
        """Keep every unit that `importer` yields, with its bytes; return their row ids with their types.

        A unit or a file that fails is listed in `errors`, and the rest goes on.
        """
        self._reading.start()
        self._task.progress(self.progress.report)
        for outcome in self._fetcher.fetch_all(self._requests(importer)):
            self._arrived(outcome.request.key, outcome.blob, outcome.error)  # type: ignore[arg-type]  # our own key
            if len(self._finished) >= _BATCH:
                self._keep_finished()
        self._keep_finished()
        self._await_keeper(leave=0)
        failpoints.reach("sync.imported")
        return self._found

    def summary(self) -> dict[str, JSON]:
        """Return the figures of the run for its history entry."""
        return {
            "units_offered": self._reading.num_success,
            "files_downloaded": self._download.num_success,
            "bytes_downloaded": self._fetcher.bytes_received,
            "errors": self.error_count,
        }

    def _requests(self, importer: Importer) -> Iterator[FetchRequest]:
        """Pull units from the importer as transfers have room, and yield what has to be fetched for them."""
        units = self._checked(importer)
        while batch := list(islice(units, _BATCH)):
            keys = [(unit.type_id, unit.uid) for unit in batch]
            known = find_units(self._database, keys)
            promised = {file.digests["sha256"] for unit in batch for file in unit.remote_files if "sha256" in file.digests}
            present = find_blobs(self._database, promised)
            for unit, key in zip(batch, keys, strict=True):
                stored = known.get(key)
                if stored is not None and stored.complete:
                    self._found[stored.id] = unit.type_id
                    continue
                yield from self._missing(_Pending(unit, key[1], []), present)
        self._reading.state = "FINISHED"

    def _checked(self, importer: Importer) -> Iterator[Unit]:
        types, skipped = tuple(importer.unit_types), frozenset(self.config.type_skip_list)
        for unit in importer.sync(self):
            self._tick()
            if not isinstance(unit, types):
                msg = f"The importer {importer.type_id} yielded a {type(unit).__name__}, which is none of its unit types."
                raise PluginError(msg)
            if unit.type_id in skipped:
                continue
            if not self._takes_its_place(unit):
                self.error(unit.repository_key_json or "", f"another {unit.type_id} of this feed wants the same place")
                continue
            self._reading.num_success += 1
            yield unit

    def _takes_its_place(self, unit: Unit) -> bool:
        """Return False if an earlier unit of this run has the same repository key."""
        if not unit.repository_key:
            return True
        place = (unit.type_id, *[getattr(unit, name) for name in unit.repository_key])
        is_free = place not in self._places
        self._places.add(place)
        return is_free

    def _missing(self, pending: _Pending, present: Collection[str]) -> Iterator[FetchRequest]:
        """Yield a request for each file of a unit whose bytes the store does not have."""
        requests = []
        for file in pending.unit.remote_files:
            sha256 = file.digests.get("sha256")
            if sha256 is not None and sha256 in present:
                pending.files.append(FileRecord(file.path, sha256, file.size, file.digests))
                continue
            pending.missing += 1
            self._download.items_total += 1
            self._download.bytes_total += file.size or 0
            requests.append(FetchRequest(file.url, size=file.size, digests=file.digests, key=(pending, file.path)))
        if not requests:
            self._finished.append(pending)
        self._download.state = "IN_PROGRESS"
        yield from requests

    def _arrived(self, key: tuple[_Pending, str], blob: WrittenBlob | None, error: Exception | None) -> None:
        pending, path = key
        pending.missing -= 1
        if blob is None:
            pending.failed = True
            self._download.fail_item(path, str(error))
            self._remember(path, str(error), getattr(error, "code", FetchError.code))
        else:
            pending.blobs.append(blob)
            self._loose[blob.location] = blob
            pending.files.append(FileRecord(path, blob.sha256, blob.size, blob.digests))
            self._download.num_success += 1
        if pending.missing == 0:
            self._finished.append(pending)

    def _keep_finished(self) -> None:
        """Hand what has arrived to the keeper, which waits for the disk and the database beside the transfers."""
        finished, self._finished = self._finished, []
        if finished:
            self._keeping.append((self._keeper.submit(self._keep, finished), finished))
        self._await_keeper(leave=1)

    def _await_keeper(self, *, leave: int) -> None:
        """Take over what was kept, until at most `leave` batches are still on their way."""
        while len(self._keeping) > leave:
            future, finished = self._keeping.pop(0)
            saved = future.result()
            for pending in finished:
                for blob in pending.blobs:
                    del self._loose[blob.location]
            self._found.update((row, unit_type) for (unit_type, _), row in saved.items())

    def _keep(self, finished: list[_Pending]) -> dict[tuple[str, str], int]:
        """Make the bytes safe, then write the rows; return the units' row ids by type and uid. In the keeper's thread."""
        blobs = [blob for pending in finished for blob in pending.blobs]
        self._store.keep(blobs)
        # Not durable by itself: the commit at the end of the sync makes this one durable as well.
        with self._database.transaction(durable=False):
            rows = record_blobs(self._database, {(blob.sha256, blob.size) for blob in blobs})
            saved = save_units(self._database, [_record(pending) for pending in finished if not pending.failed], blobs=rows)
        failpoints.reach("units.saved")
        return saved

    def _count_bytes(self) -> None:
        self._download.bytes_done = self._fetcher.bytes_received - sum(blob.size for blob in self._metadata)

    def _remember(self, item: str, why: str, code: str) -> None:
        """Keep why an item failed; of many, the first ones, for a feed decides how many there are."""
        self.error_count += 1
        if len(self.errors) < LISTED_ERRORS:
            self.errors.append({"item": item, "error": why, "code": code})

    def _tick(self) -> None:
        """Report progress, and stop here if the task was canceled; next to nothing most of the times."""
        now = clock.monotonic()
        if now < self._next_tick:
            return
        self._next_tick = now + _TICK_SECONDS
        self._count_bytes()
        self._task.progress(self.progress.report)


def _record(pending: _Pending) -> UnitRecord:
    unit = pending.unit
    return UnitRecord(unit.type_id, pending.uid, unit.fields_json(), tuple(pending.files), unit.repository_key_json)
