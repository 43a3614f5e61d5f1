"""What an author names or overrides, and what the tests of the suite stand on; `contract` is the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple
from urllib.parse import unquote

import pytest

from entrepot.errors import JSON
from entrepot.plugin import Distributor, Importer, Unit
from entrepot.testing.feed import Feed
from entrepot.testing.hostile import hostile_indices
from entrepot.testing.upload import UploadSample
from entrepot.testing.workshop import Workshop, require_success


class Survey(NamedTuple):
    """What version 1 of the feed looks like: paths relative to it, and the units that the importer yields."""

    index_path: str
    content_path: str
    content: frozenset[str]
    units: tuple[Unit, ...]


class Hooks:
    """What every importer and distributor brings to its tests."""

    importer: ClassVar[type[Importer]]
    distributor: ClassVar[type[Distributor] | None] = None
    config: ClassVar[Mapping[str, JSON]] = {}  #: of the importer, beside the feed
    distributor_config: ClassVar[Mapping[str, JSON]] = {}
    content_path: ClassVar[str] = ""  #: a file of a unit of version 1; empty: the first that the importer declares
    index_path: ClassVar[str] = ""  #: what the importer fetches first; empty: found out
    fields_of_the_feed: ClassVar[frozenset[str]] = (
        frozenset()
    )  #: of units: they say where one came from, as a mirror changes it
    memory_limit_mb: ClassVar[int] = 48  #: what Python may hold at the peak of a sync of the large feed

    _surveys: ClassVar[dict[tuple[type, type], Survey]] = {}  # of this process

    def make_feed(self, feed: Feed, version: int) -> int | None:
        """Write a version of the feed, which is empty, by `feed.put`; return how many units it offers, if you know.

        Version 1: at least two units with files. Version 2: those and at least one more; let it come first in your index.
        Version 3: as version 2, without one unit of version 1. The same version is the same bytes each time.
        """
        raise NotImplementedError

    def make_large_feed(self, feed: Feed) -> int | None:  # noqa: ARG002 - for those who write one
        """Write a feed of 2,000 units or more, whose files need not be there; return how many. By default there is none."""
        return None

    def upload_sample(self) -> UploadSample | None:
        """Return an upload that makes a unit of version 1; by default none, and the test is passed over."""
        return None

    def hostile_indices(self, index: bytes) -> Mapping[str, bytes]:
        """Return bad versions of the file at `index_path` by what is wrong with them; add your format's own to these."""
        return hostile_indices(index)

    def mirror_feed(self, feed: Feed, tree: Mapping[str, bytes | None]) -> None:
        """Offer what the distributor has published as a feed; by default each file at its path, `index.html` as its folder."""
        for path, data in tree.items():
            assert data is not None, f"{path} is published without its bytes"
            feed.put(path, data)
            if path == "index.html" or path.endswith("/index.html"):
                feed.put(path.removesuffix("index.html"), data, media_type="text/html")

    def timeless(self, path: str, data: bytes) -> bytes:  # noqa: ARG002 - for those who look
        """Return of a published file what is the same in every engine; a file that tells `pub.date` needs this."""
        return data

    # -- what the tests stand on -----------------------------------------------------------------------------------

    @pytest.fixture
    def feed(self, monkeypatch: pytest.MonkeyPatch, entrepot_settings_of_tests: None) -> Iterator[Feed]:  # noqa: ARG002 - first
        """Serve an empty feed over loopback HTTP."""
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with Feed() as feed:
            yield feed

    @pytest.fixture
    def workshops(self, tmp_path: Path, feed: Feed, entrepot_tables: Path) -> Iterator[Callable[[], Workshop]]:
        """Open engines with the plugins under test, all of them with the same feed; they are closed after the test."""
        opened: list[Workshop] = []

        def open_workshop() -> Workshop:
            folder = tmp_path / f"workshop-{len(opened)}"
            folder.mkdir()
            (folder / "entrepot.sqlite3").write_bytes(entrepot_tables.read_bytes())
            workshop = Workshop(
                folder,
                feed,
                self.importer,
                self.distributor,
                config=self.config,
                distributor_config=self.distributor_config,
            )
            opened.append(workshop)
            return workshop.__enter__()  # closed below, all together

        yield open_workshop
        for workshop in opened:
            workshop.engine.close()

    @pytest.fixture
    def workshop(self, workshops: Callable[[], Workshop], feed: Feed) -> Workshop:
        """Open an engine whose feed is at version 1."""
        self.write_feed(feed, 1)
        return workshops()

    @pytest.fixture
    def survey(self, workshops: Callable[[], Workshop], feed: Feed) -> Survey:
        """Look at version 1 with an engine of its own, once an importer."""
        known = self._surveys.get((type(self), self.importer))
        if known is None:
            self.write_feed(feed, 1)
            workshop = workshops()
            require_success(workshop.sync())
            content = [feed_path(feed, file.url) for file in workshop.watch.files]
            first = self.content_path or next(iter(content), "")
            assert first, "no unit declares a file by .file(): say in content_path which path of the feed is content"
            index = self.index_path or next(path for path in feed.requests if path in feed.files)
            known = Survey(index, first, frozenset([first, *content]), tuple(workshop.watch.units))
            self._surveys[type(self), self.importer] = known
        self.write_feed(feed, 1)
        return known

    def write_feed(self, feed: Feed, version: int) -> int | None:
        """Write a version of the feed in place of what it offers."""
        feed.clear()
        return self.make_feed(feed, version)

    def timeless_tree(self, tree: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
        """Return a published tree as it is in every engine."""
        return {path: None if data is None else self.timeless(path, data) for path, data in tree.items()}

    def without_feed(self, held: Mapping[str, Mapping[str, JSON]]) -> dict[str, dict[str, JSON]]:
        """Return the fields of units, by unit id, without those that say where a unit came from."""
        return {
            unit: {name: value for name, value in fields.items() if name not in self.fields_of_the_feed}
            for unit, fields in held.items()
        }

    def need_distributor(self) -> type[Distributor]:
        """Return the distributor; without one, the test is passed over."""
        if self.distributor is None:
            pytest.skip("there is no distributor to be tested")
        return self.distributor


def feed_path(feed: Feed, url: str) -> str:
    """Return the path that a declared address has in the feed, as it is given to `Feed.put`."""
    return unquote(url.removeprefix(feed.url).partition("#")[0]) if "://" in url else url
