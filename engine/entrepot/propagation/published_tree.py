"""A publication as targets read it; see `targets.tree.Tree`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from entrepot.errors import PushError
from entrepot.propagation.targets.tree import Changes, File
from entrepot.repositories import entries

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.content.store import BlobStore
    from entrepot.models import Database


class PublishedTree:
    """One publication of a distributor; it is kept while a deploy of it is the latest."""

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        *,
        site: str,
        distributor: int,
        revision: int,
        checkpoint: Callable[[], None],
    ) -> None:
        """Read publication `revision` of the distributor with that row id; raises `PushError` if it is not kept."""
        if not entries.is_kept(database, distributor, revision):
            msg = f"Publication {revision} of {site} is no longer kept, so it cannot be pushed. Publish again."
            raise PushError(msg, revision=revision)
        self.site = site
        self.revision = revision
        self._database = database
        self._store = store
        self._distributor = distributor
        self._checkpoint = checkpoint

    def files(self) -> Iterator[File]:
        """Yield every file, sorted by the bytes of their paths."""
        return (File(*row) for row in entries.files_at(self._database, self._distributor, self.revision))

    def changes(self, since: int) -> Changes | None:
        """Return the difference to publication `since`, earlier or later, or None if that one is not kept."""
        come, gone = entries.difference(self._database, self._distributor, since, self.revision)
        if not entries.is_kept(self._database, self._distributor, since):  # asked last: so it was kept while it was read
            return None
        files = {path: File(path, sha256, size) for path, sha256, size in come}
        before = {path: sha256 for path, sha256, _ in gone}
        return Changes(
            added=[file for path, file in files.items() if path not in before],
            replaced=[file for path, file in files.items() if before.get(path, file.sha256) != file.sha256],
            removed=[path for path in before if path not in files],
        )

    def blob(self, sha256: str) -> Path:
        """Return where the bytes of that digest lie."""
        return self._store.path(sha256)

    def checkpoint(self) -> None:
        """Raise if the push is to stop."""
        self._checkpoint()
