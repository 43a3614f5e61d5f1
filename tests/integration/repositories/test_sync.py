"""The walk of a sync, against a real feed over HTTP."""

from __future__ import annotations

import hashlib

import pytest

from entrepot.engine import Engine
from entrepot.repositories import Repository
from entrepot.tasking import TaskReport
from entrepot.testing import drain

from .conftest import Feed, held, manifest, run, temporary_files

Counts = tuple[object, object, object]


def counts(report: TaskReport) -> Counts:
    assert isinstance(report.result, dict), report.error
    return report.result["added_count"], report.result["updated_count"], report.result["removed_count"]


def test_a_first_sync_brings_in_everything_and_says_so(engine: Engine, zoo: Repository) -> None:
    report = run(engine, zoo.sync())

    assert report.state == "finished"
    assert counts(report) == (3, 0, 0)
    assert report.tags == ("pulp:repository:zoo", "pulp:action:sync")
    assert zoo.report().content_unit_counts == {"iso": 3}
    assert zoo.report().last_unit_added is not None
    assert zoo.report().importer is not None
    assert temporary_files(engine) == []


def test_a_second_sync_of_an_unchanged_feed_asks_for_the_manifest_only(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    feed.requests.clear()

    report = run(engine, zoo.sync())

    assert counts(report) == (0, 0, 0)
    assert feed.requests == ["PULP_MANIFEST"]


def test_added_changed_and_removed_files_are_counted_exactly(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    feed.put(a__txt="changed", d__txt="new", e__txt="newer")
    del feed.files["b.txt"]
    feed.requests.clear()

    report = run(engine, zoo.sync())

    assert counts(report) == (2, 1, 1)
    assert sorted(feed.requests) == ["PULP_MANIFEST", "a.txt", "d.txt", "e.txt"]
    assert held(engine) == 4


def test_without_remove_missing_only_what_was_replaced_leaves(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    zoo.update(importer_config={"remove_missing": False})
    feed.put(a__txt="changed")
    del feed.files["b.txt"]

    report = run(engine, zoo.sync())

    assert counts(report) == (0, 1, 0)
    assert held(engine) == 3


def test_bytes_that_the_store_has_are_not_fetched_again_for_another_repository(
    engine: Engine, zoo: Repository, feed: Feed
) -> None:
    run(engine, zoo.sync())
    other = engine.repositories.create("other", importer_type_id="iso_importer", importer_config={"feed": feed.url})
    feed.requests.clear()

    assert counts(run(engine, other.sync())) == (3, 0, 0)

    assert feed.requests == ["PULP_MANIFEST"]
    assert engine.database.row("SELECT count(*) FROM unit") == (3,)


def test_an_override_changes_one_run_only(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    del feed.files["b.txt"]

    assert counts(run(engine, zoo.sync({"remove_missing": False}))) == (0, 0, 0)
    assert counts(run(engine, zoo.sync())) == (0, 0, 1)


def test_names_that_need_encoding_arrive(engine: Engine, zoo: Repository, feed: Feed) -> None:
    feed.files = {name: name.encode() for name in ("a b.txt", "100%.txt", "ü/ö.txt", "q?x=1#y", 'comma, "quote".txt')}

    report = run(engine, zoo.sync())

    assert report.state == "finished", report.error
    assert counts(report) == (5, 0, 0)


@pytest.mark.parametrize(
    ("break_it", "code", "says"),
    [
        (lambda feed: feed.statuses.update({"PULP_MANIFEST": 404}), "PLP2022", "404"),
        (lambda feed: feed.statuses.update({"PULP_MANIFEST": 500}), "PLP2022", "500"),
        (lambda feed: feed.statuses.update({"a.txt": 404}), "PLP0000", "404"),
        (lambda feed: feed.bodies.update({"a.txt": b"x"}), "PLP0000", "checksum"),
        (lambda feed: feed.bodies.update({"a.txt": b"longer than promised"}), "PLP0000", "a.txt"),
        (lambda feed: feed.bodies.update({"c.txt": b"c"}), "PLP0000", "c.txt"),
        (lambda feed: setattr(feed, "manifest", b"a.txt,no digest,1\n"), "PLP2004", "line 1"),
    ],
    ids=["no manifest", "server error", "file missing", "wrong checksum", "too long", "truncated", "malformed line"],
)
def test_a_bad_feed_is_one_clear_error_and_changes_nothing(  # noqa: PLR0917 - three fixtures, three cases
    engine: Engine, zoo: Repository, feed: Feed, break_it: object, code: str, says: str
) -> None:
    feed.put(z__txt="an earlier state")
    run(engine, zoo.sync())
    before = zoo.report()
    feed.put(a__txt="A", c__txt="CC")
    del feed.files["z.txt"]
    break_it(feed)  # type: ignore[operator]

    report = run(engine, zoo.sync())

    assert report.state == "error"
    assert report.error is not None
    assert report.error["code"] == code
    assert says in str(report.error)
    assert report.traceback is None
    after = zoo.report()
    assert (after.revision, after.content_unit_counts) == (before.revision, before.content_unit_counts)
    assert temporary_files(engine) == []
    entry = zoo.history("sync", limit=1)[0]
    assert entry.result in ("failed", "error")
    assert entry.added_count is None
    assert entry.error_message


def test_a_failed_sync_does_not_publish(engine: Engine, feed: Feed) -> None:
    repository = engine.repositories.create(
        "auto",
        importer_type_id="iso_importer",
        importer_config={"feed": feed.url},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
    )
    feed.statuses["a.txt"] = 500

    report = run(engine, repository.sync())

    assert report.spawned == ()
    assert repository.publications("web") == []


def test_a_later_sync_repairs_what_an_earlier_one_could_not_fetch(engine: Engine, zoo: Repository, feed: Feed) -> None:
    feed.statuses["b.txt"] = 500
    assert run(engine, zoo.sync()).state == "error"
    feed.statuses.clear()
    feed.requests.clear()

    assert counts(run(engine, zoo.sync())) == (3, 0, 0)

    assert sorted(feed.requests) == ["PULP_MANIFEST", "b.txt"]


def test_hostile_names_are_refused_one_by_one_and_each_is_named(engine: Engine, zoo: Repository, feed: Feed) -> None:
    hostile = ["../up", "/absolute", "a/../../b", "nul\x00", "PULP_MANIFEST"]
    digest = hashlib.sha256(b"a").hexdigest()
    lines = "".join(f'"{name}",{digest},1\n' for name in hostile)
    feed.manifest = manifest({"a.txt": b"a"}) + lines.encode()

    report = run(engine, zoo.sync())

    assert report.error is not None
    errors = report.error["data"]["errors"]  # type: ignore[index,call-overload]
    assert len(errors) == len(hostile)
    assert held(engine) == 0


def test_a_sync_without_importer_or_feed_says_what_is_missing(engine: Engine) -> None:
    bare = engine.repositories.create("bare")
    silent = engine.repositories.create("silent", importer_type_id="iso_importer")

    without_importer, without_feed = bare.sync(), silent.sync()
    drain(engine)

    error = without_importer.report().error
    assert error is not None
    assert (error["code"], error["data"]) == ("PLP0009", {"resources": {"repo_id": "bare"}})
    assert "feed" in str(without_feed.report().error)


def test_a_canceled_sync_changes_nothing_and_is_recorded_as_canceled(
    engine: Engine, zoo: Repository, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = zoo.sync()
    answer = feed.answer

    def cancel_in_the_middle(path: str) -> tuple[int, bytes]:
        if path == "b.txt":
            with engine.visit():
                handle.cancel()
        return answer(path)

    monkeypatch.setattr(feed, "answer", cancel_in_the_middle)
    drain(engine)

    assert handle.state == "canceled"
    assert held(engine) == 0
    assert zoo.history("sync")[0].result == "canceled"
    assert temporary_files(engine) == []


def test_the_history_is_filtered_and_sorted(engine: Engine, zoo: Repository) -> None:
    for _ in range(3):
        run(engine, zoo.sync())

    entries = zoo.history("sync")

    assert [entry.started for entry in entries] == sorted((entry.started for entry in entries), reverse=True)
    assert zoo.history("sync", sort="ascending")[0] == entries[-1]
    assert zoo.history("sync", limit=2) == entries[:2]
    assert zoo.history("sync", start=entries[1].started) == entries[:2]
    assert zoo.history("sync", end=entries[1].started) == entries[1:]


def test_a_sync_that_runs_again_after_its_commit_publishes_only_once(engine: Engine, feed: Feed) -> None:
    repository = engine.repositories.create(
        "auto",
        importer_type_id="iso_importer",
        importer_config={"feed": feed.url},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
    )
    handle = repository.sync()
    drain(engine, limit=1)
    engine.database.execute(
        "UPDATE task SET state = 'waiting', finished_at = NULL, owner = NULL, result = NULL WHERE task_id = ?",
        (handle.task_id,),
    )

    drain(engine)

    assert counts(handle.report()) == (3, 0, 0)
    assert [entry.result for entry in repository.history("sync")] == ["success"]
    assert len(handle.report().spawned) == 1
    assert len(repository.publications("web")) == 1
