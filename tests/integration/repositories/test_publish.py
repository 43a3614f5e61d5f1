"""Publications: what is served, how it changes, and that it changes whole."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from entrepot.engine import Engine
from entrepot.errors import MissingResource
from entrepot.repositories import PublishedDirectory, PublishedFile, Repository, associations, publication
from entrepot.testing import drain

from .conftest import Feed, published, run


def test_what_was_synced_is_served_after_a_publish(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    assert published(engine) == {}

    report = run(engine, zoo.publish("web"))

    assert report.state == "finished", report.error
    assert published(engine) == feed.files


def test_a_publish_after_a_change_writes_only_what_changed(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    feed.put(a__txt="changed", d__txt="new")
    del feed.files["b.txt"]
    run(engine, zoo.sync())

    report = run(engine, zoo.publish("web"))

    assert published(engine) == feed.files
    newest = zoo.publications("web")[0]
    counts = (newest.added_count, newest.updated_count, newest.removed_count, newest.entry_count)
    assert counts == (1, 2, 1, 4)  # d.txt; a.txt and the manifest; b.txt
    assert isinstance(report.result, dict)
    assert report.result["summary"]["unchanged"] is False  # type: ignore[index,call-overload]


def test_publishing_again_without_change_builds_nothing(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))

    run(engine, zoo.publish("web"))

    assert len(zoo.publications("web")) == 1
    assert zoo.history("publish", limit=1)[0].summary["unchanged"] is True  # type: ignore[index]


def test_force_full_builds_anew_and_gives_the_same(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))

    run(engine, zoo.publish("web", {"force_full": True}))

    newest = zoo.publications("web")[0]
    assert (newest.revision, newest.added_count, newest.removed_count) == (2, 0, 0)
    assert published(engine) == feed.files


def test_a_roll_back_serves_the_earlier_publication_whole(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    earlier = dict(feed.files)
    feed.put(a__txt="changed", d__txt="new")
    del feed.files["b.txt"]
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))

    report = zoo.roll_back("web", 1)

    assert report.is_live
    assert published(engine) == earlier
    zoo.roll_back("web", 2)
    assert published(engine) == feed.files


def test_after_a_roll_back_a_publish_by_hand_serves_the_latest_again(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    feed.put(d__txt="new")
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    zoo.roll_back("web", 1)

    run(engine, zoo.publish("web"))

    assert published(engine) == feed.files


def test_a_publish_with_news_after_a_roll_back_builds_on_the_latest(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    feed.put(d__txt="new")
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    zoo.roll_back("web", 1)
    feed.put(e__txt="newest")
    run(engine, zoo.sync())

    run(engine, zoo.publish("web"))

    assert published(engine) == feed.files
    assert [kept.revision for kept in zoo.publications("web")] == [3, 2, 1]


def test_a_publication_that_is_not_kept_cannot_be_rolled_back_to(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))

    with pytest.raises(MissingResource, match="publication=7"):
        zoo.roll_back("web", 7)


def test_a_path_that_left_is_served_for_its_grace_time_but_not_listed(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    del feed.files["b.txt"]
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))

    left, folder = engine.repositories.published("zoo/b.txt"), engine.repositories.published("zoo")

    assert isinstance(left, PublishedFile)
    assert not left.is_live
    assert isinstance(folder, PublishedDirectory)
    assert [item.name for item in folder.items] == ["PULP_MANIFEST", "a.txt", "c.txt"]
    engine.database.execute("UPDATE publication SET live_until = live_until - ?", (24 * 3600 * 10**6,))
    assert engine.repositories.published("zoo/b.txt") is None


def test_the_grace_time_holds_around_a_roll_back_too(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    feed.put(d__txt="new")
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))

    zoo.roll_back("web", 1)

    left = engine.repositories.published("zoo/d.txt")
    assert isinstance(left, PublishedFile)
    assert not left.is_live


def test_a_name_that_becomes_a_folder_is_published_and_one_that_is_both_is_refused(
    engine: Engine, zoo: Repository, feed: Feed
) -> None:
    feed.files = {"a/x": b"1", "a/y": b"2"}
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    feed.files = {"a": b"3"}
    run(engine, zoo.sync({"remove_missing": False}))
    live = zoo.publications("web")[0].revision

    refused = run(engine, zoo.publish("web"))

    assert refused.error is not None
    assert refused.error["code"] == "PLP0034"
    assert zoo.publications("web")[0].revision == live
    run(engine, zoo.sync({"remove_missing": True, "force_full": True}))
    run(engine, zoo.publish("web"))
    assert published(engine) == feed.files


def test_more_units_than_a_page_are_published_while_others_commit(engine: Engine, zoo: Repository, feed: Feed) -> None:
    feed.files = {f"{number:04}": b"%d" % number for number in range(1200)}
    run(engine, zoo.sync())
    stop = threading.Event()

    def commit_all_the_time() -> None:
        with engine.visit():
            while not stop.is_set():
                engine.database.execute("UPDATE repository SET description = 'x'")

    rival = threading.Thread(target=commit_all_the_time)
    rival.start()
    try:
        report = run(engine, zoo.publish("web"))
    finally:
        stop.set()
        rival.join()

    assert report.state == "finished", report.error
    assert zoo.publications("web")[0].entry_count == 1201


def test_pruning_keeps_the_newest_and_the_live_publication(engine: Engine, zoo: Repository, feed: Feed) -> None:
    for number in range(5):
        feed.put(a__txt=f"version {number}")
        run(engine, zoo.sync())
        run(engine, zoo.publish("web"))

    assert publication.prune(engine.database, keep=2, grace=timedelta(0)) == 3

    assert [kept.revision for kept in zoo.publications("web")] == [5, 4]
    assert published(engine) == feed.files
    zoo.roll_back("web", 4)
    assert published(engine)["a.txt"] == b"version 3"
    associations.prune(engine.database)
    run(engine, zoo.publish("web"))
    assert published(engine) == feed.files


def test_folders_are_listed_with_what_is_directly_in_them(engine: Engine, zoo: Repository, feed: Feed) -> None:
    feed.files = {"top.txt": b"1", "d/one.txt": b"2", "d/deep/two.txt": b"3", "d-e.txt": b"4", "d.txt": b"5"}
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))

    def names(path: str) -> list[tuple[str, bool]]:
        found = engine.repositories.published(path)
        assert isinstance(found, PublishedDirectory)
        return [(item.name, item.is_directory) for item in found.items]

    assert names("zoo") == [("PULP_MANIFEST", False), ("d-e.txt", False), ("d.txt", False), ("d", True), ("top.txt", False)]
    assert names("zoo/d") == [("deep", True), ("one.txt", False)]
    assert names("zoo/d/deep/") == [("two.txt", False)]
    assert names("") == [("zoo", True)]
    assert engine.repositories.published("zoo/nothing") is None
    assert engine.repositories.published("nowhere/at/all") is None


def test_a_distributor_that_does_not_serve_http_is_not_seen_over_http(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    zoo.update(distributor_configs={"web": {"serve_http": "false"}})

    assert engine.repositories.published("zoo/a.txt") is None
    assert engine.repositories.published("zoo/a.txt", scheme="https") is not None


def test_auto_publish_is_a_spawned_task_of_the_sync(engine: Engine, feed: Feed) -> None:
    repository = engine.repositories.create(
        "auto",
        importer_type_id="iso_importer",
        importer_config={"feed": feed.url},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
    )
    handle = repository.sync()

    drain(engine)

    [spawned] = handle.report().spawned
    assert engine.tasks.get(spawned).task_type == "pulp.server.managers.repo.publish.publish"
    assert published(engine, "auto") == feed.files


def test_another_entrepot_can_mirror_what_is_published(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    manifest = engine.repositories.published("zoo/PULP_MANIFEST")
    assert isinstance(manifest, PublishedFile)
    feed.manifest = manifest.file.read_bytes()
    mirror = engine.repositories.create("mirror", importer_type_id="iso_importer", importer_config={"feed": feed.url})

    report = run(engine, mirror.sync())

    assert report.state == "finished"
    assert mirror.report().content_unit_counts == zoo.report().content_unit_counts


@pytest.mark.parametrize("data", [None, b"Z.txt"], ids=["lost", "damaged"])
def test_nothing_is_made_of_a_previous_file_that_is_lost_or_damaged(
    engine: Engine, zoo: Repository, feed: Feed, data: bytes | None
) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    file = engine.repositories.published("zoo/PULP_MANIFEST").file  # type: ignore[union-attr]
    whole = file.read_bytes()  # type: ignore[union-attr]
    file.unlink()  # type: ignore[union-attr]
    if data is not None:
        file.write_bytes(data + whole[len(data) :])  # type: ignore[union-attr]
    feed.put(d__txt="d")
    run(engine, zoo.sync())

    report = run(engine, zoo.publish("web"))

    assert report.state == "finished", report.error
    assert published(engine) == feed.files


def test_publishing_again_without_change_brings_back_what_the_distributor_wrote(
    engine: Engine, zoo: Repository, feed: Feed
) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    engine.repositories.published("zoo/PULP_MANIFEST").file.unlink()  # type: ignore[union-attr]

    run(engine, zoo.publish("web"))

    assert published(engine) == feed.files
