"""Download policies: files that are fetched after the sync, and what waits for them."""

from __future__ import annotations

import pytest

from entrepot.engine import Engine
from entrepot.repositories import Repository

from .conftest import Feed, held, run, temporary_files


def files(engine: Engine) -> list[tuple[str, bool]]:
    rows = engine.database.rows("SELECT path, blob IS NOT NULL FROM unit_file ORDER BY path")
    return [(path, bool(is_here)) for path, is_here in rows]


def places(engine: Engine) -> list[tuple[str, str]]:
    return engine.database.rows("SELECT path, url FROM remote_file ORDER BY path")  # type: ignore[return-value]


def deferring(engine: Engine, feed: Feed, name: str = "zoo", policy: str = "on_demand") -> Repository:
    config = {"feed": feed.url, "remove_missing": True, "download_policy": policy}
    return engine.repositories.create(
        name,
        importer_type_id="iso_importer",
        importer_config=config,
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": f"web-{name}", "auto_publish": True}],
    )


def test_a_sync_on_demand_fetches_no_file_and_knows_where_each_is(engine: Engine, feed: Feed) -> None:
    zoo = deferring(engine, feed)

    report = run(engine, zoo.sync())

    assert report.state == "finished", report.error
    assert held(engine) == 3
    assert feed.requests == ["PULP_MANIFEST"]
    assert files(engine) == [("a.txt", False), ("b.txt", False), ("c.txt", False)]
    assert places(engine) == [("a.txt", "a.txt"), ("b.txt", "b.txt"), ("c.txt", "c.txt")]


def test_a_sync_on_demand_takes_the_bytes_that_the_store_has(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    feed.requests.clear()

    run(engine, deferring(engine, feed, "other").sync())

    assert feed.requests == ["PULP_MANIFEST"]
    assert all(is_here for _, is_here in files(engine))


def test_an_immediate_sync_fills_what_other_repositories_have_published_without_bytes(engine: Engine, feed: Feed) -> None:
    run(engine, deferring(engine, feed).sync())
    assert engine.database.rows("SELECT path FROM entry WHERE blob IS NULL ORDER BY path") == [
        ("a.txt",),
        ("b.txt",),
        ("c.txt",),
    ]

    run(engine, deferring(engine, feed, "other", "immediate").sync())

    assert all(is_here for _, is_here in files(engine))
    assert engine.database.row("SELECT COUNT(*) FROM entry WHERE blob IS NULL") == (0,)


def test_a_feed_that_changed_its_addresses_is_noted_anew_and_one_that_did_not_writes_nothing(
    engine: Engine, feed: Feed
) -> None:
    zoo = deferring(engine, feed)
    run(engine, zoo.sync())
    engine.database.execute("UPDATE remote_file SET url = 'old', failed_at = 1 WHERE path = 'a.txt'")
    engine.database.execute("UPDATE remote_file SET failed_at = 1 WHERE path = 'b.txt'")

    run(engine, zoo.sync({"force_full": True}))

    assert engine.database.rows("SELECT path, url, failed_at FROM remote_file ORDER BY path") == [
        ("a.txt", "a.txt", None),
        ("b.txt", "b.txt", 1),
        ("c.txt", "c.txt", None),
    ]


def test_an_immediate_sync_notes_where_files_are_as_well(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync())

    assert places(engine) == [("a.txt", "a.txt"), ("b.txt", "b.txt"), ("c.txt", "c.txt")]


def test_a_sync_in_the_background_is_followed_by_its_download_and_then_its_publish(engine: Engine, feed: Feed) -> None:
    zoo = deferring(engine, feed, policy="background")

    report = run(engine, zoo.sync())

    spawned = [engine.tasks.get(task_id) for task_id in report.spawned]
    assert [task.task_type.rpartition(".")[2] for task in spawned] == ["download_repo", "publish"]
    assert [task.state for task in spawned] == ["finished", "finished"]
    assert spawned[0].tags == ("pulp:repository:zoo", "pulp:action:download", "pulp:action:download_repo")
    assert all(is_here for _, is_here in files(engine))
    assert engine.database.row("SELECT COUNT(*) FROM entry WHERE blob IS NULL") == (0,)
    assert temporary_files(engine) == []


@pytest.mark.parametrize("policy", ["on_demand", "background"])
def test_a_file_that_left_the_feed_leaves_whether_it_was_downloaded_or_not(engine: Engine, feed: Feed, policy: str) -> None:
    zoo = deferring(engine, feed, policy=policy)
    run(engine, zoo.sync())
    del feed.files["b.txt"]

    run(engine, zoo.sync())

    assert held(engine) == 2
