"""A download gets what is not there, and reads every file on request. Source: the Pulp 2 REST contract, 2.9."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from entrepot.criteria import UnitCriteria
from entrepot.engine import Engine
from entrepot.errors import MissingResource, WrongType
from entrepot.repositories import Repository
from entrepot.tasking import TaskReport
from entrepot.testing import drain

from .conftest import Feed, run, temporary_files


def stored(engine: Engine, zoo: Repository, name: str) -> Path:
    """Where the bytes of a published file lie."""
    run(engine, zoo.publish("web"))
    found = engine.repositories.published(f"zoo/{name}")
    return Path(found.file)  # type: ignore[union-attr]


def step(report: TaskReport) -> dict[str, Any]:
    assert report.state == "finished", report.error
    assert list(report.progress) == ["background_download"]
    [found] = report.progress["background_download"]  # type: ignore[misc]
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("verify", [False, True])
def test_every_file_that_is_there_is_counted(engine: Engine, zoo: Repository, *, verify: bool) -> None:
    run(engine, zoo.sync())

    report = run(engine, zoo.request_download(verify_all_units=verify))

    assert report.task_type == "pulp.server.controllers.repository.download_repo"
    assert report.tags == ("pulp:repository:zoo", "pulp:action:download", "pulp:action:download_repo")
    found = step(report)
    assert (found["state"], found["items_total"], found["num_success"], found["num_failures"]) == ("FINISHED", 3, 3, 0)
    assert (found["bytes_done"], found["bytes_total"]) == (6, 6)


def test_a_repository_without_units_is_looked_through_at_once(engine: Engine) -> None:
    found = step(run(engine, engine.repositories.create("bare").request_download(verify_all_units=True)))

    assert (found["state"], found["items_total"], found["num_processed"]) == ("FINISHED", 0, 0)


def spoil(engine: Engine, zoo: Repository) -> None:
    """Lose a.txt, cut b.txt short, and take c.txt for one that was never downloaded."""
    run(engine, zoo.sync())
    stored(engine, zoo, "a.txt").unlink()
    cut = stored(engine, zoo, "b.txt")
    cut.unlink()
    cut.write_bytes(b"b")
    engine.database.execute("UPDATE unit_file SET blob = NULL WHERE path = 'c.txt'")
    engine.database.execute(
        "UPDATE entry SET blob = NULL, file = path, unit = (SELECT unit FROM unit_file WHERE path = entry.path) "
        "WHERE path = 'c.txt'"
    )
    engine.database.execute("DELETE FROM blob WHERE sha256 = ?", (hashlib.sha256(b"ccc").hexdigest(),))


def quarantined(engine: Engine) -> list[bytes]:
    return [path.read_bytes() for path in (engine.settings.store_dir / "quarantine").glob("*")]


def test_what_is_deferred_missing_or_cut_short_is_fetched_again(engine: Engine, zoo: Repository, feed: Feed) -> None:
    spoil(engine, zoo)
    feed.requests.clear()

    found = step(run(engine, zoo.request_download()))

    assert (found["num_success"], found["num_failures"], found["bytes_done"]) == (3, 0, 6)
    assert sorted(feed.requests) == ["a.txt", "b.txt", "c.txt"]
    assert [stored(engine, zoo, name).read_bytes() for name in ("a.txt", "b.txt", "c.txt")] == [b"a", b"bb", b"ccc"]
    assert quarantined(engine) == [b"b"]
    assert temporary_files(engine) == []


def test_what_no_feed_has_any_more_is_named_and_fails_nothing(engine: Engine, zoo: Repository, feed: Feed) -> None:
    spoil(engine, zoo)
    feed.statuses |= {"a.txt": 404, "b.txt": 404}
    engine.database.execute("DELETE FROM remote_file WHERE path = 'c.txt'")

    found = step(run(engine, zoo.request_download()))

    assert (found["num_success"], found["num_failures"]) == (0, 3)
    said = sorted(error["error"] for error in found["error_details"])
    assert said[0].startswith("a.txt: its bytes are not in the store: No such file or directory; ")
    assert said[1].startswith("b.txt: its bytes are damaged: there are 1 of 2; ")
    assert "/b.txt answered 404 Not Found" in said[1]
    assert said[2] == "c.txt: its bytes have not been downloaded; no feed is known to offer it"


def test_damage_that_only_reading_finds_is_mended_on_request(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync())
    damaged = stored(engine, zoo, "b.txt")
    damaged.unlink()
    damaged.write_bytes(b"BB")

    looked = step(run(engine, zoo.request_download()))
    assert (looked["num_success"], quarantined(engine)) == (3, [])
    read = step(run(engine, zoo.request_download(verify_all_units=True)))

    assert (read["num_success"], read["num_failures"]) == (3, 0)
    assert (damaged.read_bytes(), quarantined(engine)) == (b"bb", [b"BB"])


def test_a_feed_that_gives_other_bytes_than_promised_gives_way_to_another_one(
    engine: Engine, zoo: Repository, feed: Feed
) -> None:
    spoil(engine, zoo)
    mirror = engine.repositories.create("mirror", importer_type_id="iso_importer", importer_config={"feed": feed.url})
    run(engine, mirror.sync({"download_policy": "on_demand"}))
    engine.database.execute("UPDATE remote_file SET url = 'wrong' WHERE importer = (SELECT MIN(id) FROM importer)")
    feed.files["wrong"] = b"?"

    found = step(run(engine, zoo.request_download()))

    assert (found["num_success"], found["num_failures"]) == (3, 0)
    failed = engine.database.rows("SELECT importer, failed_at IS NULL FROM remote_file ORDER BY importer, path")
    assert [bool(is_fine) for _, is_fine in failed] == [False, False, False, True, True, True]


def test_a_feed_that_has_no_address_any_more_is_named(engine: Engine, zoo: Repository) -> None:
    spoil(engine, zoo)
    engine.database.execute("UPDATE importer SET config = '{}'")

    found = step(run(engine, zoo.request_download()))

    assert found["num_failures"] == 3
    assert "feed: is missing" in found["error_details"][0]["error"]


def test_a_download_reserves_nothing_and_does_not_wait_for_the_sync_before_it(engine: Engine, zoo: Repository) -> None:
    zoo.sync()
    handle = zoo.request_download()

    waiting = handle.report().waiting

    assert waiting is not None
    assert waiting.reason != "resource"
    drain(engine)
    assert handle.state == "finished"


@pytest.mark.parametrize("given", ["true", 1, None, []])
def test_whether_to_read_is_true_or_false(engine: Engine, zoo: Repository, given: Any) -> None:
    with pytest.raises(WrongType) as caught:
        zoo.request_download(verify_all_units=given)

    assert caught.value.document()["code"] == "PLP1010"
    assert caught.value.data["field"] == "verify_all_units"
    assert engine.tasks.list() == []


def test_a_repository_that_is_not_there_cannot_be_downloaded(engine: Engine, zoo: Repository) -> None:
    run(engine, engine.repositories.delete("zoo"))

    with pytest.raises(MissingResource, match="repository=zoo"):
        zoo.request_download()


def test_a_canceled_download_says_so_in_its_progress(engine: Engine, zoo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    run(engine, zoo.sync())
    handle = zoo.request_download()
    path = engine.store.path

    def cancel_in_the_middle(sha256: str) -> Path:
        handle.cancel()
        return path(sha256)

    monkeypatch.setattr(engine.store, "path", cancel_in_the_middle)
    drain(engine)

    assert handle.state == "canceled"
    assert handle.report().progress["background_download"][0]["state"] == "CANCELLED"  # type: ignore[call-overload, index]


def test_a_download_fetches_what_a_publication_waits_for_though_its_unit_left(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync({"download_policy": "on_demand"}))
    run(engine, zoo.publish("web"))
    run(engine, zoo.remove_units(UnitCriteria.parse({"filters": {"unit": {"name": "a.txt"}}})))

    found = step(run(engine, zoo.request_download()))

    assert (found["items_total"], found["num_success"], found["bytes_done"]) == (3, 3, 6)
    assert stored(engine, zoo, "b.txt").read_bytes() == b"bb"
    assert engine.database.row("SELECT COUNT(*) FROM entry WHERE blob IS NULL") == (0,)
