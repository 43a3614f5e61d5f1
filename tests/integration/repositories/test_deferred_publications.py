"""Publications of what has not been downloaded; and what else a distributor may ask for: names, documents, drafts, the date."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pytest

from entrepot.content.blobs import record_blobs
from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.plugin import DeployConfig, Distributor, Importer, PluginError, PublishConduit, SyncConduit, Unit
from entrepot.repositories import PublishedDirectory, PublishedFile, Repository
from entrepot.repositories.arrivals import arrived
from entrepot.settings import Settings
from entrepot_file.distributor import IsoDistributor
from entrepot_file.importer import IsoImporter

from .conftest import Feed, run


class Copier(Distributor):
    """All of the source."""

    Config = DeployConfig

    def publish(self, pub: PublishConduit) -> None:
        pub.copy(pub.config.source)


class Song(Unit, type_id="song", key=("title", "take"), name="title"):
    """A unit without files, whose name is in another field."""

    title: str
    take: int


class SongImporter(Importer):
    """Offers five songs, each with a document."""

    unit_types = (Song,)

    def sync(self, ctx: SyncConduit) -> Iterator[Song]:
        for title, take in (("b", 1), ("ä", 1), ("a", 2), ("B", 1), ("a", 1)):
            yield Song(title=title, take=take).with_document(f"{title}{take}".encode())


class Asking(Distributor):
    """Does what the test says."""

    unit_types = (Song,)
    answer: Callable[[PublishConduit], None]

    def publish(self, pub: PublishConduit) -> None:
        type(self).answer(pub)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    plugins = Plugins.of(
        importers={"iso_importer": IsoImporter, "songs": SongImporter},
        distributors={"iso_distributor": IsoDistributor, "copier": Copier, "asking": Asking},
    )
    with Engine(settings=settings.model_copy(update={"fetch_retries": 0}), plugins=plugins) as made:
        made.initialise()
        yield made


@pytest.fixture
def lazy(engine: Engine, feed: Feed) -> Repository:
    """A repository that has synced the feed without downloading anything, and published it."""
    repository = engine.repositories.create(
        "lazy",
        importer_type_id="iso_importer",
        importer_config={"feed": feed.url, "remove_missing": True, "download_policy": "on_demand"},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web"}],
    )
    assert run(engine, repository.sync()).state == "finished"
    assert run(engine, repository.publish("web")).state == "finished"
    return repository


@pytest.fixture
def songs(engine: Engine) -> Repository:
    repository = engine.repositories.create(
        "songs",
        importer_type_id="songs",
        importer_config={"feed": "http://127.0.0.1:9/"},
        distributors=[{"distributor_type_id": "asking", "distributor_id": "ask"}],
    )
    assert run(engine, repository.sync()).state == "finished"
    return repository


def file_at(engine: Engine, path: str) -> PublishedFile:
    found = engine.repositories.published(path)
    assert isinstance(found, PublishedFile)
    return found


def arrive(engine: Engine, found: PublishedFile, data: bytes) -> str:
    """Put the bytes of a deferred file into the store, as a download does."""
    assert found.unit is not None
    assert found.unit_file is not None
    with engine.store.keeping():
        with engine.store.writer() as writer:
            writer.write(data)
            written = writer.finish()
        engine.store.keep([written])
        with engine.database.transaction():
            blobs = record_blobs(engine.database, [(written.sha256, written.size)])
            arrived(engine.database, found.unit, found.unit_file, blobs[written.sha256])
    return written.sha256


def ask(engine: Engine, repository: Repository, answer: Callable[[PublishConduit], None]) -> None:
    Asking.answer = staticmethod(answer)
    report = run(engine, repository.publish("ask", {"force_full": True}))
    assert report.state == "finished", report.error


def test_what_has_not_been_downloaded_is_published_with_what_was_promised(engine: Engine, lazy: Repository, feed: Feed) -> None:
    found = file_at(engine, "lazy/c.txt")

    assert (found.sha256, found.file, found.blob, found.size) == (None, None, None, 3)
    assert found.unit_file == "c.txt"
    assert feed.requests == ["PULP_MANIFEST"]
    listed = engine.repositories.published("lazy/")
    assert isinstance(listed, PublishedDirectory)
    sizes = {item.name: item.size for item in listed.items if item.name != "PULP_MANIFEST"}
    assert sizes == {"a.txt": 1, "b.txt": 2, "c.txt": 3}


def test_what_arrives_is_served_by_every_publication_that_waits_for_it(engine: Engine, lazy: Repository, feed: Feed) -> None:
    feed.put(d__txt="dddd")
    run(engine, lazy.sync())
    run(engine, lazy.publish("web"))

    sha256 = arrive(engine, file_at(engine, "lazy/a.txt"), b"a")

    assert file_at(engine, "lazy/a.txt").sha256 == sha256 == hashlib.sha256(b"a").hexdigest()
    lazy.roll_back("web", 1)
    assert file_at(engine, "lazy/a.txt").sha256 == sha256
    assert file_at(engine, "lazy/b.txt").sha256 is None


def test_what_arrived_is_no_change_to_the_next_publication(engine: Engine, lazy: Repository, feed: Feed) -> None:
    arrive(engine, file_at(engine, "lazy/a.txt"), b"a")
    feed.put(d__txt="dddd")
    run(engine, lazy.sync())

    run(engine, lazy.publish("web", {"force_full": True}))

    newest = lazy.publications("web")[0]
    assert (newest.added_count, newest.updated_count, newest.removed_count) == (1, 1, 0)  # d.txt; the manifest
    difference = lazy.compare_publications("web", 1, 2)
    assert [(change.path, change.size_after) for change in difference.added] == [("d.txt", 4)]
    assert [change.path for change in difference.changed] == ["PULP_MANIFEST"]
    assert difference.removed == ()
    assert [change.path for change in lazy.compare_publications("web", 2, 1).removed] == ["d.txt"]


def test_a_deferred_file_that_left_still_resolves_for_the_grace_time(engine: Engine, lazy: Repository, feed: Feed) -> None:
    del feed.files["a.txt"]
    run(engine, lazy.sync())
    run(engine, lazy.publish("web"))

    left = file_at(engine, "lazy/a.txt")

    assert (left.is_live, left.unit_file, left.size) == (False, "a.txt", 1)


def test_the_edge_does_not_copy_what_has_not_been_downloaded(engine: Engine, lazy: Repository) -> None:
    lazy.add_distributor("copier", {"source": "web"}, distributor_id="edge")

    refused = run(engine, lazy.publish("edge"))

    assert refused.state == "error"
    assert refused.error is not None
    assert "have not been downloaded" in str(refused.error["description"])
    assert "entrepot repo download lazy" in str(refused.error["description"])
    for name, data in (("a.txt", b"a"), ("b.txt", b"bb"), ("c.txt", b"ccc")):
        arrive(engine, file_at(engine, f"lazy/{name}"), data)
    assert run(engine, lazy.publish("edge")).state == "finished"


def test_units_come_by_name_or_by_names_with_their_documents(engine: Engine, songs: Repository) -> None:
    seen: dict[str, list[object]] = {}

    def answer(pub: PublishConduit) -> None:
        seen["stored"] = [(song.title, song.take) for song in pub.units(Song)]
        seen["by name"] = [(song.title, song.take) for song in pub.units(Song, by_name=True)]
        seen["named"] = [song.document for song in pub.units(Song, names=["a", "zz"], documents=True)]
        seen["without"] = [song.document for song in pub.units(Song, names=["b"])]
        seen["added"] = sorted(song.document or b"" for song in pub.added(Song, documents=True))
        pub.write("done.txt", b"done")

    ask(engine, songs, answer)

    assert [title for title, _ in seen["by name"]] == ["B", "a", "a", "b", "ä"]  # type: ignore[misc]
    assert sorted(seen["stored"]) == sorted(seen["by name"])  # type: ignore[type-var]
    assert sorted(seen["named"]) == [b"a1", b"a2"]  # type: ignore[type-var]
    assert seen["without"] == [None]
    assert seen["added"] == [b"B1", b"a1", b"a2", b"b1", "ä1".encode()]


def test_the_date_and_the_revision_stand_still_until_the_contents_change(engine: Engine, songs: Repository) -> None:
    seen: list[tuple[object, int]] = []

    def answer(pub: PublishConduit) -> None:
        seen.append((pub.date, pub.revision))
        pub.write("done.txt", b"done")

    ask(engine, songs, answer)
    ask(engine, songs, answer)

    assert seen[0] == seen[1] == (songs.report().last_unit_added, 1)


def test_a_draft_is_published_under_the_names_that_it_is_put_at(engine: Engine, songs: Repository) -> None:
    def answer(pub: PublishConduit) -> None:
        draft, unused, unfinished = pub.draft(), pub.draft(), pub.draft()
        draft.write(b"one ")
        draft.write(b"two")
        sha256, size = draft.finish()
        assert (sha256, size) == (hashlib.sha256(b"one two").hexdigest(), 7)
        pub.put(f"{sha256}.txt", draft)
        pub.put("other.txt", draft)
        pub.put("taken back.txt", draft)
        pub.remove("taken back.txt")
        unused.write(b"x")
        unused.finish()
        unfinished.write(b"y")
        with pytest.raises(PluginError, match="no more bytes"):
            draft.write(b"three")

    ask(engine, songs, answer)

    digest = hashlib.sha256(b"one two").hexdigest()
    assert file_at(engine, f"songs/{digest}.txt").sha256 == file_at(engine, "songs/other.txt").sha256 == digest
    assert engine.repositories.published("songs/taken back.txt") is None
    assert engine.store.read(digest) == b"one two"
    assert list((engine.store.root / "tmp").iterdir()) == []
