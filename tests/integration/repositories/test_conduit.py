"""What an importer may ask of its conduit, and what is kept of the units it yields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.plugin import Importer, SyncConduit, Unit
from entrepot.repositories import Repository, sync
from entrepot.repositories.sync_run import SyncRun
from entrepot.settings import Settings
from entrepot.tasking import TaskReport

from .conftest import Feed, run, temporary_files


class Book(Unit, type_id="book", key=("title", "edition"), lineage=("title",)):
    title: str
    edition: int

    def version_order(self) -> int:
        return self.edition


class Cover(Unit, type_id="cover", key=("name",), revised=True):
    name: str
    sha256: str


class Library(Importer):
    """Reads index.json; `seen` remembers what it was told."""

    unit_types = (Book, Cover)
    can_defer = True
    seen: ClassVar[dict[str, Any]] = {}

    def sync(self, ctx: SyncConduit) -> Iterator[Unit]:
        self.seen["runs"] = self.seen.get("runs", 0) + 1
        self.seen["held"] = [(book.title, book.edition, book.document) for book in ctx.units(Book, documents=True)]
        self.seen["named"] = [book.edition for book in ctx.units(Book, names={"Dune", "Emma"})]
        self.seen["absent"] = ctx.find("absent.txt")
        index = json.loads(ctx.fetch("index.json").path.read_text())
        for title, edition in index["books"]:
            book = Book(title=title, edition=edition).with_document(f"{title} {edition}".encode())
            yield book.file(f"{title}-{edition}") if title.isalpha() and len(title) < 99 else book
        covers = []
        for name, found in ctx.find_all(index["covers"]):
            if found is None:
                self.seen["missing"] = name
                continue
            covers.append(found)
            yield Cover(name=name, sha256=found.sha256).hold(found)
        self.seen["read later"] = [cover.path.read_bytes() for cover in covers]


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    Library.seen.clear()
    strict = settings.model_copy(update={"fetch_retries": 0, "max_metadata_bytes": 50_000})
    with Engine(settings=strict, plugins=Plugins.of(importers={"library": Library})) as made:
        made.initialise()
        yield made


@pytest.fixture
def library(engine: Engine, feed: Feed) -> Repository:
    offer(feed, ("Dune", 1), ("Dune", 2), ("Emma", 1), covers=("front.png",))
    feed.files["front.png"] = b"front"
    return engine.repositories.create("library", importer_type_id="library", importer_config={"feed": feed.url})


def offer(feed: Feed, *books: tuple[str, int], covers: tuple[str, ...] = ()) -> None:
    feed.files["index.json"] = json.dumps({"books": books, "covers": covers}).encode()
    for title, edition in books:
        feed.files[f"{title}-{edition}"] = f"{title}, {edition}".encode()


def synced(engine: Engine, library: Repository, **override: Any) -> TaskReport:
    report = run(engine, library.sync(override))
    assert report.state == "finished", report.error
    return report


def counts(report: TaskReport) -> tuple[object, ...]:
    assert isinstance(report.result, dict)
    return report.result["added_count"], report.result["updated_count"], report.result["removed_count"]


def held(engine: Engine, repository_id: str = "library") -> list[tuple[str, int]]:
    rows = engine.database.rows(
        "SELECT unit.data FROM association JOIN unit ON unit.id = association.unit AND unit.unit_type = 'book' "
        "JOIN repository ON repository.id = association.repository WHERE repository_id = ? AND removed_revision IS NULL",
        (repository_id,),
    )
    return sorted((book["title"], book["edition"]) for book in (json.loads(data) for (data,) in rows))


def test_a_later_sync_is_given_the_units_of_the_first_with_their_documents(engine: Engine, library: Repository) -> None:
    synced(engine, library)
    assert Library.seen["held"] == Library.seen["named"] == []

    synced(engine, library)

    assert sorted(Library.seen["held"]) == [("Dune", 1, b"Dune 1"), ("Dune", 2, b"Dune 2"), ("Emma", 1, b"Emma 1")]
    assert sorted(Library.seen["named"]) == [1, 1, 2]
    assert Library.seen["absent"] is None


def test_names_and_documents_are_kept_of_the_unit_that_comes_first(engine: Engine, library: Repository) -> None:
    synced(engine, library)

    assert engine.database.rows("SELECT name FROM unit WHERE unit_type = 'book' ORDER BY name") == [
        ("Dune",),
        ("Dune",),
        ("Emma",),
    ]
    assert engine.database.row("SELECT COUNT(*) FROM unit_document") == (3,)


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
def test_a_file_that_was_fetched_already_is_held_by_its_unit_and_can_be_read_until_the_end(
    engine: Engine, library: Repository, feed: Feed, policy: str
) -> None:
    feed.files |= {"back.png": b"back"}
    offer(feed, covers=("front.png", "none.png", "back.png"))

    synced(engine, library, download_policy=policy)

    assert sorted(Library.seen["read later"]) == [b"back", b"front"]
    assert Library.seen["missing"] == "none.png"
    rows = engine.database.rows(
        "SELECT unit_file.path, blob.sha256, remote_file.url FROM unit_file JOIN blob ON blob.id = unit_file.blob "
        "JOIN remote_file ON remote_file.unit = unit_file.unit AND remote_file.path = unit_file.path ORDER BY 1"
    )
    assert [(path, engine.store.read(sha256), url) for path, sha256, url in rows] == [
        ("back.png", b"back", "back.png"),
        ("front.png", b"front", "front.png"),
    ]
    assert temporary_files(engine) == []


def test_a_revision_takes_the_place_of_the_one_before(engine: Engine, library: Repository, feed: Feed) -> None:
    synced(engine, library)
    feed.files["front.png"] = b"another front"

    assert counts(synced(engine, library)) == (0, 1, 0)

    assert library.report().content_unit_counts == {"book": 3, "cover": 1}


def test_what_the_server_refuses_to_give_is_no_missing_file(engine: Engine, library: Repository, feed: Feed) -> None:
    feed.statuses["front.png"] = 403

    report = run(engine, library.sync())

    assert report.state == "error"
    assert "front.png answered 403" in str(report.error)


def test_an_index_that_is_too_long_ends_the_sync(engine: Engine, library: Repository, feed: Feed) -> None:
    feed.files["index.json"] += b" " * 100_000

    report = run(engine, library.sync())

    assert report.state == "error"
    assert "index.json is longer than 50000 bytes, and no more are taken" in str(report.error)


@pytest.mark.parametrize(
    ("retain", "expected"),
    [(0, [("Dune", 10), ("Emma", 1)]), (1, [("Dune", 9), ("Dune", 10), ("Emma", 1)]), (5, None)],
)
def test_only_so_many_old_versions_are_downloaded(
    engine: Engine, library: Repository, feed: Feed, retain: int, expected: list[tuple[str, int]] | None
) -> None:
    books = [("Dune", 9), ("Emma", 1), ("Dune", 10), ("Dune", 2)]
    offer(feed, *books)
    feed.requests.clear()

    synced(engine, library, retain_old_count=retain)

    assert held(engine) == sorted(expected or books)
    assert sorted(path for path in feed.requests if "-" in path) == sorted(f"{t}-{e}" for t, e in expected or books)


@pytest.mark.parametrize("remove_missing", [True, False])
def test_versions_that_are_too_old_leave_when_a_newer_one_comes(
    engine: Engine, library: Repository, feed: Feed, *, remove_missing: bool
) -> None:
    synced(engine, library, retain_old_count=1)
    offer(feed, ("Dune", 3), ("Emma", 1), covers=("front.png",))

    report = synced(engine, library, retain_old_count=1, remove_missing=remove_missing)

    kept = [("Dune", 3), ("Emma", 1)] if remove_missing else [("Dune", 2), ("Dune", 3), ("Emma", 1)]
    assert held(engine) == kept
    assert counts(report) == (1, 0, 2 if remove_missing else 1)


def test_a_version_that_is_older_than_those_held_does_not_come_in(engine: Engine, library: Repository, feed: Feed) -> None:
    synced(engine, library)
    offer(feed, ("Dune", 0), ("Emma", 1))
    feed.requests.clear()

    synced(engine, library, retain_old_count=1)

    assert held(engine) == [("Dune", 1), ("Dune", 2), ("Emma", 1)]
    assert feed.requests == ["absent.txt", "index.json"]


def orphaned(engine: Engine, library: Repository) -> int:
    """Sync, let every unit be held by nobody, and return the highest row id."""
    synced(engine, library)
    engine.database.execute("DELETE FROM association")
    row = engine.database.row("SELECT MAX(id) FROM unit")
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("successor", [False, True], ids=["gone", "its row id is another's"])
def test_a_sync_whose_units_are_removed_meanwhile_as_orphans_imports_again(
    engine: Engine, library: Repository, feed: Feed, monkeypatch: pytest.MonkeyPatch, *, successor: bool
) -> None:
    unit = orphaned(engine, library)
    other = engine.repositories.create("other", importer_type_id="library", importer_config={"feed": feed.url})
    import_units = SyncRun.import_units
    Library.seen.clear()

    def import_and_remove(run: SyncRun, importer: Importer) -> dict[int, str]:
        found = import_units(run, importer)
        if Library.seen["runs"] == 1:
            engine.database.execute("DELETE FROM unit WHERE id = ?", (unit,))
            if successor:
                add = "INSERT INTO unit (id, unit_type, uid, data, created_at) VALUES (?, 'book', 'x', '{}', 0)"
                engine.database.execute(add, (unit,))
        return found

    monkeypatch.setattr(SyncRun, "import_units", import_and_remove)
    report = synced(engine, other)

    assert Library.seen["runs"] == 2
    assert counts(report) == (4, 0, 0)
    assert held(engine, "other") == [("Dune", 1), ("Dune", 2), ("Emma", 1)]


def test_a_sync_that_is_always_outpaced_says_so_and_changes_nothing(
    engine: Engine, library: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "are_there", lambda *_: False)

    report = run(engine, library.sync())

    assert report.state == "error"
    assert "removed meanwhile as orphans, 3 times" in str(report.error)
    assert Library.seen["runs"] == 3
    assert library.report().revision == 0


@pytest.mark.parametrize("title", ["x" * 513, "a\x00b"], ids=["too long", "NUL"])
def test_a_name_that_cannot_be_stored_is_refused_alone(engine: Engine, library: Repository, feed: Feed, title: str) -> None:
    feed.files["index.json"] = json.dumps({"books": [("Emma", 1), (title, 1)], "covers": []}).encode()

    report = run(engine, library.sync())

    assert report.state == "error"
    assert "its name has a NUL, or more than 512 characters" in str(report.error)
    assert report.traceback is None
