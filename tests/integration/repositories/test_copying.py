"""A distributor that copies what another one of its repository serves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.plugin import DeployConfig, Distributor, PublishConduit
from entrepot.repositories import PublishedFile, Repository
from entrepot.settings import Settings
from entrepot_file.distributor import IsoDistributor
from entrepot_file.importer import IsoImporter

from .conftest import Feed, run


class Wrapped(Distributor):
    """All of the source, but with a banner in place of a.txt."""

    Config = DeployConfig

    def publish(self, pub: PublishConduit) -> None:
        pub.copy(pub.config.source)
        pub.write("banner.txt", b"welcome")
        pub.write("a.txt", b"ours")


class Stranger(Distributor):
    """It copies another one than its configuration says."""

    Config = DeployConfig

    def publish(self, pub: PublishConduit) -> None:
        pub.copy("secret")


class Plain(Distributor):
    """One file."""

    unit_types = IsoDistributor.unit_types

    def publish(self, pub: PublishConduit) -> None:
        pub.write("plain.txt", b"plain")


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    distributors = {"iso_distributor": IsoDistributor, "wrapped": Wrapped, "stranger": Stranger, "plain": Plain}
    plugins = Plugins.of(importers={"iso_importer": IsoImporter}, distributors=distributors)
    with Engine(settings=settings, plugins=plugins) as made:
        made.initialise()
        yield made


@pytest.fixture
def copied(zoo: Repository, engine: Engine) -> Repository:
    """The zoo, synced and published by `web`, with a distributor `copy` of the type `wrapped`."""
    zoo.add_distributor("wrapped", {"source": "web", "serve_http": True}, distributor_id="copy")
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    return zoo


def served(engine: Engine, zoo: Repository, *names: str) -> list[bytes | None]:
    found = [engine.repositories.published(f"{zoo.distributor('copy').base_path}/{name}") for name in names]
    return [file.file.read_bytes() if isinstance(file, PublishedFile) and file.is_live else None for file in found]


def test_what_it_writes_takes_the_place_of_what_it_copies(engine: Engine, copied: Repository) -> None:
    run(engine, copied.publish("copy"))

    assert served(engine, copied, "a.txt", "b.txt", "banner.txt") == [b"ours", b"bb", b"welcome"]
    assert [each.entry_count for each in copied.publications("copy")] == [5]  # three files, the manifest and the banner


def test_it_follows_its_source_by_what_changed_and_not_before_it(engine: Engine, copied: Repository, feed: Feed) -> None:
    run(engine, copied.publish("copy"))
    feed.put(b__txt="changed", d__txt="new")
    del feed.files["c.txt"]
    run(engine, copied.sync())

    run(engine, copied.publish("copy"))
    before = [each.revision for each in copied.publications("copy")]
    run(engine, copied.publish("web"))
    run(engine, copied.publish("copy"))

    assert before == [1]
    assert served(engine, copied, "a.txt", "b.txt", "c.txt", "d.txt") == [b"ours", b"changed", None, b"new"]
    newest = copied.publications("copy")[0]
    assert (newest.added_count, newest.updated_count, newest.removed_count) == (1, 2, 1)  # d; b and the manifest; c


def test_it_follows_its_source_when_that_is_rolled_back(engine: Engine, copied: Repository, feed: Feed) -> None:
    feed.put(b__txt="changed")
    run(engine, copied.sync())
    run(engine, copied.publish("web"))
    run(engine, copied.publish("copy"))

    copied.roll_back("web", 1)
    run(engine, copied.publish("copy"))

    assert served(engine, copied, "b.txt", "banner.txt") == [b"bb", b"welcome"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_it_copies_no_other_than_the_one_that_its_configuration_names(engine: Engine, copied: Repository) -> None:
    copied.add_distributor("stranger", {"source": "web"}, distributor_id="strange")

    report = run(engine, copied.publish("strange"))

    assert report.state == "error"
    assert "the configuration names 'web' as its source" in str(report.error)


def test_a_source_that_took_the_place_of_another_is_copied_anew(engine: Engine, copied: Repository) -> None:
    run(engine, copied.request_remove_distributor("web"))
    for type_id in ("iso_distributor", "plain"):  # the second may get the number of the first
        copied.add_distributor(type_id, {}, distributor_id="web")
        run(engine, copied.publish("web"))
        run(engine, copied.publish("copy"))

    assert served(engine, copied, "plain.txt", "b.txt") == [b"plain", None]
