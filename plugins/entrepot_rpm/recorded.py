"""A publication that notes what it was given, so that it can be packed or listed once it is laid out."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from entrepot.plugin import Unit

if TYPE_CHECKING:
    from entrepot.plugin import Draft, PublishConduit

UnitT = TypeVar("UnitT", bound=Unit)


class RecordedDraft:
    """A draft whose bytes can be read again."""

    def __init__(self, draft: Draft, copy: IO[bytes]) -> None:
        """Write to `draft`, and to `copy`."""
        self.draft = draft
        self.copy = copy

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self.draft.write(data)
        self.copy.write(data)

    def finish(self) -> tuple[str, int]:
        """Return the SHA-256 in hex and the size in bytes of what was written."""
        return self.draft.finish()


class PublishedUnitFile(NamedTuple):
    """A file of a unit that was published."""

    unit: Unit
    file: str | None


class RecordedPublication:
    """A `PublishConduit` in front of another one: it is never incremental, and tells what was published by it.

    A context manager that leaves no temporary file.
    """

    incremental = False

    def __init__(self, pub: PublishConduit) -> None:
        """Pass everything on to `pub`."""
        self._pub = pub
        self._kept = ExitStack()
        self._files: dict[str, PublishedUnitFile | RecordedDraft | bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._kept.close()

    @property
    def paths(self) -> list[str]:
        """What was published, in order."""
        return sorted(self._files)

    def unit_of(self, path: str) -> Unit | None:
        """Return the unit whose file was published under `path`, None if the file was made by the distributor."""
        found = self._files[path]
        return found.unit if isinstance(found, PublishedUnitFile) else None

    def content(self, path: str) -> bytes:
        """Return the bytes of what was published under `path`.

        Raises:
            PluginError: they have not been downloaded.

        """
        found = self._files[path]
        if isinstance(found, PublishedUnitFile):
            return self._pub.read_file(found.unit, found.file)
        if isinstance(found, bytes):
            return found
        found.copy.seek(0)
        return found.copy.read()

    # -- what a distributor may ask for (plugin.PublishConduit) ----------------------------------------------------

    @property
    def repository_id(self) -> str:
        """The repository that is published."""
        return self._pub.repository_id

    @property
    def config(self) -> Any:  # noqa: ANN401 - as in PublishConduit
        """The configuration in force."""
        return self._pub.config

    @property
    def revision(self) -> int:
        """The revision of the repository that is published."""
        return self._pub.revision

    @property
    def date(self) -> datetime:
        """When that revision came to be."""
        return self._pub.date

    def added(self, unit_type: type[UnitT], *, documents: bool = False) -> Iterator[UnitT]:
        """Return all units of a type."""
        return self._pub.units(unit_type, documents=documents)

    def removed(self, unit_type: type[UnitT], *, documents: bool = False) -> Iterator[UnitT]:  # noqa: ARG002 - as asked
        """Return none: the publication is built anew."""
        return iter(())

    def units(
        self,
        unit_type: type[UnitT],
        *,
        names: Collection[str] | None = None,
        by_name: bool = False,
        documents: bool = False,
    ) -> Iterator[UnitT]:
        """Return all units of a type that the repository holds."""
        return self._pub.units(unit_type, names=names, by_name=by_name, documents=documents)

    def add(self, path: str, unit: Unit, file: str | None = None) -> None:
        """Publish a file of `unit`."""
        self._pub.add(path, unit, file)
        self._files[path] = PublishedUnitFile(unit, file)

    def remove(self, path: str) -> None:
        """Take `path` out of the publication."""
        self._pub.remove(path)
        self._files.pop(path, None)

    def copy(self, distributor_id: str) -> None:
        """Copy another distributor; what it serves is not recorded."""
        self._pub.copy(distributor_id)

    def read(self, path: str) -> bytes | None:  # noqa: ARG002 - as asked
        """Return None: the publication is built anew."""
        return None

    def read_file(self, unit: Unit, file: str | None = None) -> bytes:
        """Return the bytes of a file of `unit`."""
        return self._pub.read_file(unit, file)

    def write(self, path: str, data: bytes) -> None:
        """Publish `data`."""
        self._pub.write(path, data)
        self._files[path] = data

    def draft(self) -> RecordedDraft:
        """Return a new file, to be written piece by piece."""
        copy = self._kept.enter_context(tempfile.TemporaryFile(prefix="entrepot-export-"))  # noqa: SIM115 - `__exit__` closes it
        return RecordedDraft(self._pub.draft(), copy)

    def put(self, path: str, draft: Draft) -> None:
        """Publish what was written to `draft`, which `draft` returned."""
        if not isinstance(draft, RecordedDraft):
            raise TypeError(f"{path!r}: this draft is not one of this publication")
        self._pub.put(path, draft.draft)
        self._files[path] = draft

    def checkpoint(self) -> None:
        """Let a cancel take effect."""
        self._pub.checkpoint()


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of `data`, hex."""
    return hashlib.sha256(data).hexdigest()
