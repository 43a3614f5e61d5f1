"""Conduits in memory: what the engine offers to a plugin, without an engine. Tests get them as fixtures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from entrepot.plugin import (
    ChecksumDiffers,
    Distributor,
    FetchAnswered,
    FetchedFile,
    Importer,
    PluginError,
    PublishConduit,
    SizeDiffers,
    SyncConduit,
    Unit,
)

UnitT = TypeVar("UnitT", bound=Unit)


class HeldInMemory:
    """The units of a repository; what all conduits of importers share."""

    def __init__(self, config: Any = None, held: Iterable[Unit] = ()) -> None:
        self.config = config
        self.held = list(held)
        self.repository_id = "zoo"

    def units(
        self, unit_type: type[UnitT], *, names: Collection[str] | None = None, documents: bool = False
    ) -> Iterator[UnitT]:
        return chosen(self.held, unit_type, names)

    def checkpoint(self) -> None:
        """Nobody cancels here."""


class FeedInMemory(HeldInMemory):
    """A feed given as files by path; a `SyncConduit` that remembers what was refused and what was fetched.

    `held` are the units that the repository holds; `media_types` is what the server calls its files.
    """

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, bytes],
        *,
        config: Any = None,
        token: str = "",
        held: Iterable[Unit] = (),
        media_types: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(config, held)
        self.folder = folder
        self.files = dict(files)
        self.token = token
        self.media_types = dict(media_types or {})
        self.feed = "http://feed.test/zoo/"
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.fetched: list[str] = []
        self.accepted: dict[str, str] = {}
        self.refused: dict[str, str] = {}

    def fetch(self, url: str, *, size: int | None = None, accept: str | None = None, **digests: str) -> FetchedFile:
        self.fetched.append(url)
        if accept is not None:
            self.accepted[url] = accept
        if url not in self.files:
            raise FetchAnswered(f"{self.feed}{url} answered 404", status=404)
        data = self.files[url]
        if size is not None and len(data) != size:
            raise SizeDiffers(f"{url} has {len(data)} bytes, not the promised {size}", promised=size)
        for kind, promised in digests.items():
            if hashlib.new(kind, data).hexdigest() != promised.lower():
                raise ChecksumDiffers(f"{url} has another {kind} checksum than promised", algorithm=kind)
        path = self.folder / f"fetched-{len(self.fetched)}"
        path.write_bytes(data)
        return FetchedFile(path, hashlib.sha256(data).hexdigest(), len(data), url, self.media_types.get(url))

    def find(self, url: str, *, size: int | None = None, accept: str | None = None, **digests: str) -> FetchedFile | None:
        return self.fetch(url, size=size, accept=accept, **digests) if url in self.files else None

    def find_all(self, urls: Iterable[str], *, accept: str | None = None) -> Iterator[tuple[str, FetchedFile | None]]:
        return ((url, self.find(url, accept=accept)) for url in urls)

    def unchanged(self, token: str) -> bool:
        self.token, before = token, self.token
        return token == before

    def error(self, item: str, why: str) -> None:
        self.refused[item] = why


class CopyInMemory(HeldInMemory):
    """A `CopyConduit` between two lists of units."""

    def __init__(self, source: Iterable[Unit], held: Iterable[Unit] = (), config: Any = None) -> None:
        super().__init__(config, held)
        self.source = list(source)
        self.source_id = "wild"

    def source_units(
        self, unit_type: type[UnitT], *, names: Collection[str] | None = None, documents: bool = False
    ) -> Iterator[UnitT]:
        return chosen(self.source, unit_type, names)

    def renewed(self, unit: UnitT, **changes: object) -> UnitT:
        fields: dict[str, Any] = {**unit.model_dump(mode="json"), **changes}
        new = type(unit).from_fields(fields)
        return new if unit.document is None else new.with_document(unit.document)


class DraftInMemory:
    """A `Draft` that keeps its bytes."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def finish(self) -> tuple[str, int]:
        return hashlib.sha256(self.data).hexdigest(), len(self.data)


class PublicationInMemory:
    """A publication of `units`; a `PublishConduit` that builds on `previous` when it is given one.

    `stored`: the bytes of files of units, by the name that the importer gave them; one that is None is not downloaded.
    """

    def __init__(
        self,
        units: Iterable[Unit],
        previous: PublicationInMemory | None = None,
        config: Any = None,
        stored: Mapping[str, bytes | None] | None = None,
    ) -> None:
        self.all = list(units)
        self.previous = previous
        self.config = config
        self.stored = dict(stored or {})
        self.repository_id = "zoo"
        self.revision: int = previous.revision + 1 if previous else 1
        self.date = datetime(2026, 1, 1, tzinfo=UTC).replace(day=min(self.revision, 28))
        self.files: dict[str, bytes | Unit] = dict(previous.files) if previous else {}
        self.calls: list[tuple[str, str]] = []

    @property
    def incremental(self) -> bool:
        return self.previous is not None

    def units(
        self,
        unit_type: type[UnitT],
        *,
        names: Collection[str] | None = None,
        by_name: bool = False,
        documents: bool = False,
    ) -> Iterator[UnitT]:
        found = chosen(self.all, unit_type, names)
        return iter(sorted(found, key=lambda unit: (unit.name_value or "").encode())) if by_name else found

    def added(self, unit_type: type[UnitT], *, documents: bool = False) -> Iterator[UnitT]:
        before = {unit.uid for unit in self.previous.all} if self.previous else set()
        return (unit for unit in self.units(unit_type) if unit.uid not in before)

    def removed(self, unit_type: type[UnitT], *, documents: bool = False) -> Iterator[UnitT]:
        now = {unit.uid for unit in self.all}
        return (unit for unit in self.previous.units(unit_type) if unit.uid not in now) if self.previous else iter(())

    def add(self, path: str, unit: Unit, file: str | None = None) -> None:
        self.calls.append(("add", path))
        self.files[path] = unit

    def remove(self, path: str) -> None:
        self.calls.append(("remove", path))
        self.files.pop(path, None)

    def copy(self, distributor_id: str) -> None:
        self.calls.append(("copy", distributor_id))

    def read(self, path: str) -> bytes | None:
        data = self.previous.files.get(path) if self.previous else None
        return data if isinstance(data, bytes) else None

    def read_file(self, unit: Unit, file: str | None = None) -> bytes:
        names = [held.path for held in unit.held_files] + [remote.path for remote in unit.remote_files]
        name = file if file is not None else names[0]
        held = next((held for held in unit.held_files if held.path == name), None)
        data = held.fetched.path.read_bytes() if held is not None else self.stored.get(name)
        if data is None:
            raise PluginError(f"{name} has not been downloaded")
        return data

    def write(self, path: str, data: bytes) -> None:
        self.files[path] = data

    def draft(self) -> DraftInMemory:
        return DraftInMemory()

    def put(self, path: str, draft: Any) -> None:
        self.files[path] = draft.data

    def checkpoint(self) -> None:
        """Nobody cancels here."""


def chosen(units: Iterable[Unit], unit_type: type[UnitT], names: Collection[str] | None) -> Iterator[UnitT]:
    wanted = None if names is None else set(names)
    return (unit for unit in units if isinstance(unit, unit_type) and (wanted is None or unit.name_value in wanted))


@pytest.fixture
def feed_of(tmp_path: Path) -> Callable[..., FeedInMemory]:
    """Make a feed from files by path."""
    return lambda files, **more: FeedInMemory(tmp_path, files, **more)


@pytest.fixture
def imported(feed_of: Callable[..., FeedInMemory]) -> Callable[..., tuple[list[Unit], dict[str, str]]]:
    """Run an importer over files by path, and return the units and what was refused; `more` as for `FeedInMemory`."""

    def run(
        importer: type[Importer], files: Mapping[str, bytes], *layers: Any, **more: Any
    ) -> tuple[list[Unit], dict[str, str]]:
        feed: SyncConduit = feed_of(files, config=importer.configure(*layers), **more)
        return list(importer().sync(feed)), feed.refused  # type: ignore[attr-defined]  # FeedInMemory's own

    return run


@pytest.fixture
def published() -> Callable[..., PublicationInMemory]:
    """Run a distributor over units, on top of a previous publication if there is one, and return the publication."""

    def run(
        distributor: type[Distributor],
        units: Iterable[Unit],
        previous: PublicationInMemory | None = None,
        *,
        server: Mapping[str, object] | None = None,
        stored: Mapping[str, bytes | None] | None = None,
        **config: Any,
    ) -> PublicationInMemory:
        publication = PublicationInMemory(units, previous, distributor.configure(config, server=server), stored)
        conduit: PublishConduit = publication
        distributor().publish(conduit)
        return publication

    return run
