"""One sync under way: the importer's conduit, and what the engine does with the units that it yields.

Bytes and units are kept as they come; the repository itself changes only at the end (`sync`). Step 7 of the walk of a
sync: `content.fetch` -> `keeper` -> `content.store` -> `content.units`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Self, TypeVar

from entrepot import clock, failpoints
from entrepot.content.answers import is_missing
from entrepot.content.blobs import find_blobs
from entrepot.content.catalog import Place
from entrepot.content.fetch import Fetcher, FetchOptions, FetchRequest
from entrepot.content.units import FileRecord, find_units
from entrepot.errors import JSON, FetchError, PluginError
from entrepot.plugin import FetchedFile, Unit
from entrepot.repositories import held_units
from entrepot.repositories.keeper import Keeper, Pending, places
from entrepot.repositories.newest import Newest
from entrepot.repositories.progress import LISTED_ERRORS, Progress, Step, final_state
from entrepot.repositories.unit_names import LONGEST_NAME, name_problem

if TYPE_CHECKING:
    from types import TracebackType

    from entrepot.content.store import BlobStore, WrittenBlob
    from entrepot.models import Database, Repository
    from entrepot.models import Importer as ImporterRow
    from entrepot.plugin import Importer, ImporterConfig
    from entrepot.tasking import TaskContext

UnitT = TypeVar("UnitT", bound=Unit)

#: Least time between two looks at whether progress is to be reported, seconds.
_TICK_SECONDS = 0.1
#: Units that are looked up together; units that are kept together with their bytes, and without any.
_BATCH = 500
_BATCH_OF_ROWS = 2000
#: Hexadecimals of a uid by which a unit is known again.
_UID_BEGINNING = 16


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
        repository: Repository,
        importer: ImporterRow,
        config: ImporterConfig,
        options: FetchOptions,
        known: KnownState,
        most_metadata: int,
    ) -> None:
        """Prepare the run; nothing is fetched yet. `most_metadata`: bytes of a file of metadata."""
        self.repository_id: str = repository.repository_id
        self.config = config
        self.feed = options.feed
        self.now = clock.now()
        self.token: str | None = None
        self.was_unchanged = False
        self.known_uids: dict[int, str] = {}  # how the uids of units begin that were known before: by row id
        self.leaving: dict[int, str] = {}  # units that are too old to be held any longer: row id -> type
        self.errors: list[dict[str, JSON]] = []
        self.error_count = 0
        self._database = database
        self._store = store
        self._task = task
        self._repository = repository
        self._known = known
        self._most_metadata = most_metadata
        self._defers = config.download_policy != "immediate"
        self._metadata: dict[str, WrittenBlob] = {}  # by where they lie
        self._metadata_bytes = 0
        self._fetcher = Fetcher(options, store, checkpoint=self._tick)
        self._keeper = Keeper(database, store, importer.id)
        self._finished: list[Pending] = []
        self._offered: list[Place] = []
        self._places: set[tuple[object, ...]] = set()
        self._newest = None if config.retain_old_count is None else Newest(config.retain_old_count)
        self._next_tick = 0.0
        self._reading = Step("metadata", "Reading what the feed offers")
        self._download = Step("download", "Downloading and storing the files")
        self.progress = Progress(importer.importer_type_id, self._reading, self._download)

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close connections and remove temporary files, whatever happened."""
        self._keeper.close()
        self._fetcher.close()
        for blob in self._metadata.values():
            self._store.discard(blob)
        self._count_bytes()
        state = "FAILED" if self.error_count and kind is None else final_state(kind)
        self._task.finish_progress(self.progress.close(state))

    # -- what the importer may ask for (plugin.SyncConduit) --------------------------------------------------------

    def fetch(self, url: str, *, size: int | None = None, accept: str | None = None, **digests: str) -> FetchedFile:
        """Fetch one file of metadata now; raises `FetchError`."""
        request = FetchRequest(url, size=size, digests=digests, accept=accept, at_most=self._most_metadata)
        return self._fetched(url, self._fetcher.fetch(request))

    def find(self, url: str, *, size: int | None = None, accept: str | None = None, **digests: str) -> FetchedFile | None:
        """Fetch one file of metadata; None if there is none. Raises `FetchError`."""
        try:
            return self.fetch(url, size=size, accept=accept, **digests)
        except FetchError as error:
            if is_missing(error):
                return None
            raise

    def find_all(self, urls: Iterable[str], *, accept: str | None = None) -> Iterator[tuple[str, FetchedFile | None]]:
        """Fetch many files of metadata at once; raises `FetchError` for the first that fails."""
        requests = (FetchRequest(url, optional=True, accept=accept, at_most=self._most_metadata) for url in urls)
        for outcome in self._fetcher.fetch_all(requests, may_hold=False):
            if outcome.error is not None:
                raise outcome.error
            url = outcome.request.url
            yield url, None if outcome.blob is None else self._fetched(url, outcome.blob)

    def units(
        self, unit_type: type[UnitT], *, names: Collection[str] | None = None, documents: bool = False
    ) -> Iterator[UnitT]:
        """Return the units of a type that the repository held when the run began."""
        then = held_units.held_at(self._repository.revision)
        return held_units.units(self._database, self._repository.id, unit_type, then, names=names, documents=documents)

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
                self._hand_over()
        self._hand_over()
        self._keeper.finish()
        failpoints.reach("sync.imported")
        return self._keeper.found

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
            present = find_blobs(self._database, _promised(batch)).keys()
            for unit, key in zip(batch, keys, strict=True):
                stored = known.get(key)
                if stored is not None and (stored.complete or self._stays_deferred(unit, present)):
                    self._keeper.found[stored.id] = unit.type_id
                    self.known_uids[stored.id] = key[1][:_UID_BEGINNING]
                    self._offered += places(stored.id, unit)
                    continue
                yield from self._missing(Pending(unit, key[1], stored.id if stored else None), present)
            if len(self._finished) + len(self._offered) >= (_BATCH_OF_ROWS if self._defers else _BATCH):
                self._hand_over()
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
            problem = self._problem(unit)
            if problem:
                self.error(*problem)
                continue
            self._reading.num_success += 1
            if self._newest is not None and unit.lineage:
                self._newest.offer(unit)
            else:
                yield unit
        if self._newest is not None and not self.was_unchanged:
            yield from self._retained(self._newest, importer.unit_types)

    def _retained(self, newest: Newest, unit_types: Iterable[type[Unit]]) -> Iterator[Unit]:
        """Yield the units that were held back and are new enough, beside those that stay in the repository."""
        if not self.config.remove_missing:  # else what is not offered leaves anyway
            for unit_type in unit_types:
                if unit_type.lineage and unit_type.type_id not in self.config.type_skip_list:
                    for unit in self.units(unit_type):
                        self._tick()
                        newest.hold(unit)
        yield from newest.kept()
        self.leaving = newest.leaving

    def _problem(self, unit: Unit) -> tuple[str, str] | None:
        """Return which item is refused and why, None if none: each unit has its own place, and a name that can be stored."""
        problem = name_problem(unit)
        if problem:
            return repr((unit.name_value or "")[:LONGEST_NAME]), problem
        if not unit.repository_key:
            return None
        place = (unit.type_id, *[getattr(unit, field) for field in unit.repository_key])
        if place in self._places:
            return unit.repository_key_json or "", f"another {unit.type_id} of this feed wants the same place"
        self._places.add(place)
        return None

    def _stays_deferred(self, unit: Unit, present: AbstractSet[str]) -> bool:
        """Answer whether this run brings nothing for a known unit whose bytes are not all here."""
        return self._defers and present.isdisjoint(_promised([unit])) and not unit.held_files

    def _missing(self, pending: Pending, present: AbstractSet[str]) -> Iterator[FetchRequest]:
        """Yield a request for each file of a unit whose bytes the store does not have."""
        requests = []
        for held in pending.unit.held_files:
            self._hold(pending, held.path, held.fetched, present)
        for file in pending.unit.remote_files:
            sha256 = file.digests.get("sha256")
            if sha256 is not None and sha256 in present:
                pending.files.append(FileRecord(file.path, sha256, file.size, file.digests))
                continue
            if self._defers:
                pending.files.append(FileRecord(file.path, None, file.size, file.digests))
                continue
            pending.missing += 1
            self._download.items_total += 1
            self._download.bytes_total += file.size or 0
            requests.append(FetchRequest(file.url, size=file.size, digests=file.digests, key=(pending, file.path)))
        if not requests:
            self._finished.append(pending)
            return
        self._download.state = "IN_PROGRESS"
        yield from requests

    def _hold(self, pending: Pending, path: str, fetched: FetchedFile, present: AbstractSet[str]) -> None:
        """Make a file whose bytes are here a file of the unit; the importer may read it where it lies until the run ends."""
        digests = {"sha256": fetched.sha256}
        if fetched.sha256 not in present:
            own = self._metadata.get(str(fetched.path))
            if own is not None and own.sha256 == fetched.sha256:
                blob = self._store.share(own)
            else:
                blob = self._store.copy(fetched.path, sha256=fetched.sha256, size=fetched.size)
            self._keeper.own(blob)
            pending.blobs.append(blob)
        pending.files.append(FileRecord(path, fetched.sha256, fetched.size, digests))

    def _arrived(self, key: tuple[Pending, str], blob: WrittenBlob | None, error: Exception | None) -> None:
        pending, path = key
        pending.missing -= 1
        if blob is None:
            pending.failed = True
            self._download.fail_item(path, str(error))
            self._remember(path, str(error), getattr(error, "code", FetchError.code))
        else:
            pending.blobs.append(blob)
            self._keeper.own(blob)
            pending.files.append(FileRecord(path, blob.sha256, blob.size, blob.digests))
            self._download.num_success += 1
        if pending.missing == 0:
            self._finished.append(pending)

    def _hand_over(self) -> None:
        """Hand what has arrived to the keeper."""
        finished, self._finished = self._finished, []
        offered, self._offered = self._offered, []
        self._keeper.take(finished, offered)

    def _fetched(self, url: str, blob: WrittenBlob) -> FetchedFile:
        self._metadata[blob.location] = blob
        self._metadata_bytes += blob.size
        return FetchedFile(blob.temporary, blob.sha256, blob.size, url, blob.media_type)

    def _count_bytes(self) -> None:
        self._download.bytes_done = self._fetcher.bytes_received - self._metadata_bytes

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


def _promised(units: Iterable[Unit]) -> set[str]:
    """Return the SHA-256 of every file whose feed promised one, or that is here already."""
    promised = {file.digests["sha256"] for unit in units for file in unit.remote_files if "sha256" in file.digests}
    promised.update(held.fetched.sha256 for unit in units for held in unit.held_files)
    return promised
