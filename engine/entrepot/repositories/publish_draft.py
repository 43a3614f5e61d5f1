"""A file that a distributor writes piece by piece, before it knows what to call it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from entrepot.errors import PluginError

if TYPE_CHECKING:
    from entrepot.content.store import BlobStore, WrittenBlob


class PublishDraft:
    """Bytes on their way into the store; belongs to one run. See `entrepot.plugin.Draft`."""

    def __init__(self, store: BlobStore) -> None:
        """Begin an empty file."""
        self._store = store
        self._writer = store.writer(name="a file of the publication")
        self._blob: WrittenBlob | None = None

    @property
    def blob(self) -> WrittenBlob:
        """What was written; once it is finished."""
        assert self._blob is not None  # noqa: S101 - `finish` goes before
        return self._blob

    def write(self, data: bytes) -> None:
        """Append `data`; raises `PluginError` once the draft is finished."""
        if self._blob is not None:
            raise PluginError("a draft that was finished, or put, takes no more bytes")
        self._writer.write(data)

    def finish(self) -> tuple[str, int]:
        """Return the SHA-256 and the size in bytes of what was written; a second time the same."""
        if self._blob is None:
            self._blob = self._writer.finish()
        return self._blob.sha256, self._blob.size

    def close(self, kept: Collection[str]) -> None:
        """Remove the temporary file unless its place is among those that are `kept`."""
        if self._blob is None:
            self._writer.abort()
        elif self._blob.location not in kept:
            self._store.discard(self._blob)
