"""One publish under way: the distributor's conduit. Nothing of it is visible before `publish` writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Self, TypeVar

from entrepot.content.blobs import record_blobs
from entrepot.errors import PublishFailed
from entrepot.plugin import Unit, path_problem
from entrepot.repositories import associations, entries
from entrepot.repositories.progress import Progress, Step, final_state
from entrepot.repositories.publication import NewPublication, entry_blob, latest

if TYPE_CHECKING:
    from types import TracebackType

    from entrepot.content.store import BlobStore, WrittenBlob
    from entrepot.models import Database, Publication, Repository, Row
    from entrepot.plugin import DistributorConfig
    from entrepot.repositories.sources import Source
    from entrepot.tasking import TaskContext

UnitT = TypeVar("UnitT", bound=Unit)


class PublishRun:
    """The conduit of one run: it gathers what the distributor adds, removes and writes.

    A context manager that leaves no temporary file behind when the run fails.
    """

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        task: TaskContext,
        *,
        repository: Repository,
        distributor_id: str,
        config: DistributorConfig,
        distributor: int,
        previous: Publication | None,
        source: Source | None,
    ) -> None:
        """Prepare the run; `previous` is the publication to start from, None to start empty.

        `distributor` is the row id; `source` is what it may copy, None if its configuration names none.
        """
        self.repository_id: str = repository.repository_id
        self.config = config
        self.incremental = previous is not None
        self._database = database
        self._store = store
        self._task = task
        self._repository = repository
        self._distributor = distributor
        self._source = source
        self._previous = previous
        self._entries: dict[str, int] = {}
        self._copied: tuple[dict[str, int], set[str]] | None = None
        self._is_difference = previous is not None
        self._written: dict[str, WrittenBlob] = {}
        self._removed: set[str] = set()
        self._step = Step("publish", "Laying out the files")
        self._step.start()
        self.progress = Progress(distributor_id, self._step)

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Remove what a run that failed wrote, and close the progress report."""
        if kind is not None:
            for blob in self._written.values():
                self._store.discard(blob)
        self._task.finish_progress(self.progress.close(final_state(kind)))

    # -- what the distributor may ask for (plugin.PublishConduit) --------------------------------------------------

    def added(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        """Return the units that came since the previous publication; all of them when there is none to start from."""
        if self._previous is None:
            return self.units(unit_type)
        after, until = self._previous.repository_revision, self._repository.revision
        return self._units(
            unit_type, associations.units_added(self._database, self._repository.id, unit_type.type_id, after, until)
        )

    def removed(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        """Return the units that left since the previous publication."""
        if self._previous is None:
            return iter(())
        after, until = self._previous.repository_revision, self._repository.revision
        return self._units(
            unit_type, associations.units_removed(self._database, self._repository.id, unit_type.type_id, after, until)
        )

    def units(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        """Return all units of a type that the repository holds."""
        rows = associations.units_at(self._database, self._repository.id, unit_type.type_id, self._repository.revision)
        return self._units(unit_type, rows)

    def add(self, path: str, unit: Unit, file: str | None = None) -> None:
        """Publish a file of `unit` under `path`; raises `PublishFailed` if that cannot be."""
        files = unit.stored_files
        name = file if file is not None else next(iter(files), None)
        if name is None or name not in files or (file is None and len(files) > 1):
            msg = f"{path!r} cannot be published: its unit has {len(files)} file(s), and {file or 'none'} was asked for."
            raise PublishFailed(msg, path=path)
        blob = files[name]
        if blob is None:
            msg = f"{path!r} cannot be published: the bytes of {name!r} have not been downloaded."
            raise PublishFailed(msg, path=path)
        self._take(path)
        self._entries[path] = blob
        self._step.num_success += 1

    def remove(self, path: str) -> None:
        """Take `path` out of the publication."""
        self._removed.add(path)
        self._entries.pop(path, None)
        self._drop_written(path)

    def copy(self, distributor_id: str) -> None:
        """Publish all that the source serves; raises `PublishFailed` if that cannot be."""
        source = self._source
        if source is None or source.distributor_id != distributor_id:
            named = "none" if source is None else repr(source.distributor_id)
            msg = f"The distributor {distributor_id!r} cannot be copied: the configuration names {named} as its source."
            raise PublishFailed(msg, distributor=distributor_id)
        if source.revision is None:
            msg = f"The distributor {distributor_id!r} serves nothing yet. Publish by it first, then again by this one."
            raise PublishFailed(msg, distributor=distributor_id)
        self.checkpoint()
        self._copied = entries.copy_changes(self._database, source.distributor, source.revision, self._distributor)
        self._is_difference = latest(self._database, self._distributor) is not None
        self._step.num_success += len(self._copied[0])

    def read(self, path: str) -> bytes | None:
        """Return a file of the previous publication, or None."""
        if self._previous is None:
            return None
        found = entry_blob(self._database, self._previous.distributor, self._previous.revision, path)
        return None if found is None else self._store.read(found[1])

    def write(self, path: str, data: bytes) -> None:
        """Publish `data` under `path`."""
        self._take(path)
        with self._store.writer(name=path) as writer:
            writer.write(data)
            self._written[path] = writer.finish()
        self._step.num_success += 1

    def checkpoint(self) -> None:
        """Let a cancel take effect."""
        self._task.progress(self.progress.report)

    # -- what the engine does ------------------------------------------------------------------------------------

    def keep_written(self) -> None:
        """Put what the distributor wrote into the blob store."""
        self._store.keep(list(self._written.values()))

    def result(self, fingerprint: str) -> NewPublication:
        """Return what was built, in the transaction that will write it."""
        blobs = record_blobs(self._database, {(blob.sha256, blob.size) for blob in self._written.values()})
        own = self._entries | {path: blobs[blob.sha256] for path, blob in self._written.items()}
        copied, gone = self._copied or ({}, set())
        return NewPublication(
            distributor=self._distributor,
            repository_revision=self._repository.revision if self._source is None else self._source.repository_revision,
            fingerprint=fingerprint,
            entries={path: blob for path, blob in copied.items() if path not in self._removed} | own,
            removed=frozenset((gone | self._removed) - own.keys()),
            is_full=not self._is_difference,
        )

    def _take(self, path: str) -> None:
        if path in self._entries or path in self._written:
            msg = f"Two units want to be published as {path!r}. Remove one of them from the repository."
            raise PublishFailed(msg, path=path)
        problem = path_problem(path)
        if problem:
            msg = f"The path {path!r} {problem}; it cannot be published."
            raise PublishFailed(msg, path=path)

    def _drop_written(self, path: str) -> None:
        written = self._written.pop(path, None)
        if written is not None:
            self._store.discard(written)

    def _units(self, unit_type: type[UnitT], rows: Iterable[Row]) -> Iterator[UnitT]:
        """Make units out of rows (data, path, blob); the rows of one unit follow each other."""
        unit, data, files = None, None, dict[str, int | None]()
        for row_data, path, blob in rows:
            if unit is None or row_data != data:
                if unit is not None:
                    yield unit
                    self.checkpoint()
                unit, data, files = unit_type.from_json(row_data), row_data, {}
                unit.keep_stored_files(files)
            if path is not None:
                files[path] = blob
        if unit is not None:
            yield unit
