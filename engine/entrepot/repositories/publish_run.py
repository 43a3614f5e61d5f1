"""One publish under way: the distributor's conduit. Nothing of it is visible before `publish` writes it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Self, TypeVar

from entrepot.content.blobs import find_digest, record_blobs
from entrepot.errors import PublishFailed, StorageError
from entrepot.plugin import Draft, Unit, path_problem
from entrepot.repositories import entries, held_units
from entrepot.repositories.progress import Progress, Step, final_state
from entrepot.repositories.publication import NewPublication, find_entry, latest
from entrepot.repositories.publish_draft import PublishDraft

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from entrepot.content.store import BlobStore, WrittenBlob
    from entrepot.models import Database, Publication, Repository
    from entrepot.plugin import DistributorConfig
    from entrepot.repositories.held_units import Stay
    from entrepot.repositories.publication import Content
    from entrepot.repositories.sources import Source
    from entrepot.tasking import TaskContext

UnitT = TypeVar("UnitT", bound=Unit)


class PreviousUnreadable(Exception):
    """A file of the previous publication is lost or damaged: nothing can be made of it, and the run starts over without it."""


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
        self._entries: dict[str, Content] = {}
        self._copied: tuple[dict[str, int], set[str]] | None = None
        self._is_difference = previous is not None
        self._written: dict[str, WrittenBlob] = {}
        self._drafts: list[PublishDraft] = []
        self._removed: set[str] = set()
        self._step = Step("publish", "Laying out the files")
        self._step.start()
        self.progress = Progress(distributor_id, self._step)

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Remove what a run that failed wrote, and close the progress report."""
        kept = {blob.location for blob in self._written.values()} if kind is None else frozenset[str]()
        for draft in self._drafts:
            draft.close(kept)
        if kind is not None:
            for blob in self._written.values():
                self._store.discard(blob)
        self._task.finish_progress(self.progress.close(final_state(kind)))

    # -- what the distributor may ask for (plugin.PublishConduit) --------------------------------------------------

    @property
    def revision(self) -> int:
        """The revision of the repository that is published."""
        return int(self._repository.revision)

    @property
    def date(self) -> datetime:
        """When that revision came to be; before the first change, when the repository was made."""
        repository = self._repository
        changes: list[datetime] = [at for at in (repository.last_unit_added, repository.last_unit_removed) if at is not None]
        return max(changes, default=repository.created_at)

    def added(self, unit_type: type[UnitT], *, documents: bool = False) -> Iterator[UnitT]:
        """Return the units that came since the previous publication; all of them when there is none to start from."""
        if self._previous is None:
            return self.units(unit_type, documents=documents)
        stay = held_units.came(self._previous.repository_revision, self._repository.revision)
        return self._units(unit_type, stay, documents=documents)

    def removed(self, unit_type: type[UnitT], *, documents: bool = False) -> Iterator[UnitT]:
        """Return the units that left since the previous publication."""
        if self._previous is None:
            return iter(())
        stay = held_units.left(self._previous.repository_revision, self._repository.revision)
        return self._units(unit_type, stay, documents=documents)

    def units(
        self,
        unit_type: type[UnitT],
        *,
        names: Collection[str] | None = None,
        by_name: bool = False,
        documents: bool = False,
    ) -> Iterator[UnitT]:
        """Return all units of a type that the repository holds."""
        stay = held_units.held_at(self._repository.revision)
        return self._units(unit_type, stay, names=names, by_name=by_name, documents=documents)

    def add(self, path: str, unit: Unit, file: str | None = None) -> None:
        """Publish a file of `unit` under `path`; raises `PublishFailed` if that cannot be."""
        name = _file_of(unit, file, path)
        blob, row = unit.stored_files[name], unit.stored_row
        if blob is None and row is None:
            msg = f"{path!r} cannot be published: its unit was not read from the repository."
            raise PublishFailed(msg, path=path)
        self._take(path)
        self._entries[path] = (row, name) if blob is None and row is not None else blob  # type: ignore[assignment]  # one is there
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
        deferred = entries.find_deferred(self._database, source.distributor, source.revision)
        if deferred is not None:
            msg = (
                f"{distributor_id!r} serves files that have not been downloaded, such as {deferred!r}, and servers at the edge "
                f"need them all. Download them first: entrepot repo download {self.repository_id}"
            )
            raise PublishFailed(msg, distributor=distributor_id, path=deferred)
        self._copied = entries.copy_changes(self._database, source.distributor, source.revision, self._distributor)
        self._is_difference = latest(self._database, self._distributor) is not None
        self._step.num_success += len(self._copied[0])

    def read(self, path: str) -> bytes | None:
        """Return a file of the previous publication, or None."""
        if self._previous is None:
            return None
        found = find_entry(self._database, self._previous.distributor, self._previous.revision, path)
        if found is None or found[1] is None:
            return None
        try:
            return self._store.read(found[1])
        except StorageError as error:
            raise PreviousUnreadable from error

    def read_file(self, unit: Unit, file: str | None = None) -> bytes:
        """Return the bytes of a file of `unit`; raises `PublishFailed` if they are not here."""
        name = _file_of(unit, file, file or "a file")
        blob = unit.stored_files[name]
        sha256 = None if blob is None else find_digest(self._database, blob)
        if sha256 is None:
            msg = (
                f"The bytes of {name!r} have not been downloaded, and the distributor has to read them. "
                f"Download them first: entrepot repo download {self.repository_id}"
            )
            raise PublishFailed(msg, path=name)
        return self._store.read(sha256)

    def write(self, path: str, data: bytes) -> None:
        """Publish `data` under `path`."""
        self._take(path)
        with self._store.writer(name=path) as writer:
            writer.write(data)
            self._written[path] = writer.finish()
        self._step.num_success += 1

    def draft(self) -> PublishDraft:
        """Return a new file, to be written piece by piece."""
        self.checkpoint()
        draft = PublishDraft(self._store)
        self._drafts.append(draft)
        return draft

    def put(self, path: str, draft: Draft) -> None:
        """Publish what was written to `draft` under `path`."""
        if not isinstance(draft, PublishDraft):
            msg = f"{path!r} cannot be published: only what draft() returned can be put."
            raise PublishFailed(msg, path=path)
        self._take(path)
        draft.finish()
        self._written[path] = draft.blob
        self._step.num_success += 1

    def checkpoint(self) -> None:
        """Let a cancel take effect."""
        self._task.progress(self.progress.report)

    # -- what the engine does ------------------------------------------------------------------------------------

    def keep_written(self) -> None:
        """Put what the distributor wrote into the blob store."""
        self._store.keep(list({blob.location: blob for blob in self._written.values()}.values()))

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
        if written is not None and written.location not in {blob.location for blob in self._written.values()}:
            self._store.discard(written)

    def _units(
        self,
        unit_type: type[UnitT],
        stay: Stay,
        *,
        names: Collection[str] | None = None,
        by_name: bool = False,
        documents: bool = False,
    ) -> Iterator[UnitT]:
        repository = self._repository.id
        found = held_units.units(self._database, repository, unit_type, stay, names=names, by_name=by_name, documents=documents)
        for unit in found:
            yield unit
            self.checkpoint()


def _file_of(unit: Unit, file: str | None, path: str) -> str:
    """Return which file of `unit` is meant; raises `PublishFailed`."""
    files = unit.stored_files
    name = file if file is not None else next(iter(files), None)
    if name is None or name not in files or (file is None and len(files) > 1):
        msg = f"{path!r} cannot be published: its unit has {len(files)} file(s), and {file or 'none'} was asked for."
        raise PublishFailed(msg, path=path)
    return name
