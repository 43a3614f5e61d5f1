"""Conduits in memory: what the engine offers to a plugin, without an engine. Tests get them as fixtures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from entrepot.plugin import Distributor, FetchAnswered, FetchedFile, Importer, PublishConduit, SyncConduit, Unit

UnitT = TypeVar("UnitT", bound=Unit)


class FeedInMemory:
    """A feed given as files by path; a `SyncConduit` that remembers what was refused."""

    def __init__(self, folder: Path, files: Mapping[str, bytes], config: Any = None, token: str = "") -> None:
        self.folder = folder
        self.files = dict(files)
        self.config = config
        self.token = token
        self.repository_id = "zoo"
        self.feed = "http://feed.test/zoo/"
        self.fetched: list[str] = []
        self.refused: dict[str, str] = {}

    def fetch(self, url: str, *, size: int | None = None, **digests: str) -> FetchedFile:
        self.fetched.append(url)
        if url not in self.files:
            raise FetchAnswered(f"{self.feed}{url} answered 404", status=404)
        data = self.files[url]
        path = self.folder / f"fetched-{len(self.fetched)}"
        path.write_bytes(data)
        return FetchedFile(path, hashlib.sha256(data).hexdigest(), len(data))

    def unchanged(self, token: str) -> bool:
        self.token, before = token, self.token
        return token == before

    def error(self, item: str, why: str) -> None:
        self.refused[item] = why

    def checkpoint(self) -> None:
        """Nobody cancels here."""


class PublicationInMemory:
    """A publication of `units`; a `PublishConduit` that builds on `previous` when it is given one."""

    def __init__(self, units: Iterable[Unit], previous: PublicationInMemory | None = None, config: Any = None) -> None:
        self.all = list(units)
        self.previous = previous
        self.config = config
        self.repository_id = "zoo"
        self.files: dict[str, bytes | Unit] = dict(previous.files) if previous else {}
        self.calls: list[tuple[str, str]] = []

    @property
    def incremental(self) -> bool:
        return self.previous is not None

    def units(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        return (unit for unit in self.all if isinstance(unit, unit_type))

    def added(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        before = set(self.previous.all) if self.previous else set()
        return (unit for unit in self.units(unit_type) if unit not in before)

    def removed(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        return (unit for unit in self.previous.units(unit_type) if unit not in self.all) if self.previous else iter(())

    def add(self, path: str, unit: Unit, file: str | None = None) -> None:
        self.calls.append(("add", path))
        self.files[path] = unit

    def remove(self, path: str) -> None:
        self.calls.append(("remove", path))
        self.files.pop(path, None)

    def read(self, path: str) -> bytes | None:
        data = self.previous.files.get(path) if self.previous else None
        return data if isinstance(data, bytes) else None

    def write(self, path: str, data: bytes) -> None:
        self.files[path] = data

    def checkpoint(self) -> None:
        """Nobody cancels here."""


@pytest.fixture
def feed_of(tmp_path: Path) -> Callable[..., FeedInMemory]:
    """Make a feed from files by path."""
    return lambda files, **more: FeedInMemory(tmp_path, files, **more)


@pytest.fixture
def imported(feed_of: Callable[..., FeedInMemory]) -> Callable[..., tuple[list[Unit], dict[str, str]]]:
    """Run an importer over files by path, and return the units and what was refused."""

    def run(importer: type[Importer], files: Mapping[str, bytes], *layers: Any) -> tuple[list[Unit], dict[str, str]]:
        feed: SyncConduit = feed_of(files, config=importer.configure(*layers))
        return list(importer().sync(feed)), feed.refused  # type: ignore[attr-defined]  # FeedInMemory's own

    return run


@pytest.fixture
def published() -> Callable[..., PublicationInMemory]:
    """Run a distributor over units, on top of a previous publication if there is one, and return the publication."""

    def run(
        distributor: type[Distributor], units: Iterable[Unit], previous: PublicationInMemory | None = None, **config: Any
    ) -> PublicationInMemory:
        publication = PublicationInMemory(units, previous, distributor.configure(config))
        conduit: PublishConduit = publication
        distributor().publish(conduit)
        return publication

    return run
