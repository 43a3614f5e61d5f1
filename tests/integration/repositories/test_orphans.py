"""Units that no repository holds, and bytes that nothing needs, can be seen and deleted; nothing else ever goes."""

from __future__ import annotations

import os
from typing import Any

import pytest

from entrepot import clock
from entrepot.content.catalog import Place
from entrepot.criteria import UnitCriteria
from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource
from entrepot.repositories import Repository, orphans
from entrepot.repositories.keeper import Keeper, Pending
from entrepot.repositories.publish_run import PublishRun
from entrepot.tasking import TaskHandle
from tests.integration.repositories.conftest import Feed, held, published, run

NO_UNIT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def full_zoo(engine: Engine, zoo: Repository) -> Repository:
    """The zoo with its three files a.txt, b.txt and c.txt."""
    run(engine, zoo.sync())
    return zoo


def without(engine: Engine, zoo: Repository, name: str) -> str:
    """Take a file out of the zoo and return its unit id."""
    criteria = UnitCriteria.parse({"filters": {"unit": {"name": name}}})
    (unit,) = zoo.search_units(criteria)
    run(engine, zoo.remove_units(criteria))
    return unit.unit_id


def deleted(engine: Engine, handle: TaskHandle) -> Any:
    report = run(engine, handle)
    assert report.state == "finished", report.error
    return report.result


def blobs(engine: Engine) -> list[bytes]:
    folder = engine.settings.store_dir / "blobs"
    return sorted(path.read_bytes() for path in folder.glob("*/*"))


def test_orphans_are_counted_and_shown(engine: Engine, full_zoo: Repository) -> None:
    ids = [without(engine, full_zoo, name) for name in ("a.txt", "b.txt")]

    shown = engine.content.list_orphans("iso")

    assert engine.content.orphan_counts()["iso"] == 2
    assert sorted(orphan.unit_id for orphan in shown) == sorted(ids)
    assert shown[0].key.keys() == {"name", "checksum", "size"}
    assert engine.content.list_orphans("iso", limit=1) == shown[:1]
    assert engine.content.list_orphans("iso", limit=5, after=shown[0].unit_id) == shown[1:]
    assert engine.content.get_orphan("iso", shown[1].unit_id) == shown[1]


def test_orphans_go_with_their_bytes_and_what_is_held_or_published_stays(engine: Engine, full_zoo: Repository) -> None:
    run(engine, full_zoo.publish("web"))
    without(engine, full_zoo, "a.txt")
    before = blobs(engine)

    report = run(engine, engine.content.request_delete_orphans())

    assert (report.result, report.tags) == ({"iso": 1}, ("pulp:content_unit:orphans",))
    assert report.task_type == "pulp.server.managers.content.orphan.delete_all_orphans"
    assert [unit.data["name"] for unit in engine.content.find_units("iso")] == ["b.txt", "c.txt"]
    assert blobs(engine) == before, "the publication serves a.txt still"
    assert published(engine) == {"a.txt": b"a", "b.txt": b"bb", "c.txt": b"ccc"}


def test_the_publish_after_a_deletion_leaves_nothing_behind(engine: Engine, full_zoo: Repository) -> None:
    run(engine, full_zoo.publish("web"))
    without(engine, full_zoo, "a.txt")
    deleted(engine, engine.content.request_delete_orphans())

    run(engine, full_zoo.publish("web"))

    assert published(engine) == {"b.txt": b"bb", "c.txt": b"ccc"}


def test_bytes_go_when_neither_a_unit_nor_a_publication_has_them(engine: Engine, full_zoo: Repository) -> None:
    without(engine, full_zoo, "a.txt")

    report = run(engine, engine.content.request_delete_orphans("iso"))

    files = report.progress["delete_orphans"][1]  # type: ignore[index]
    assert (report.result, files["num_success"], files["bytes_done"]) == ({"iso": 1}, 1, 1)
    assert blobs(engine) == [b"bb", b"ccc"]


def test_one_orphan_or_some_may_be_named(engine: Engine, full_zoo: Repository) -> None:
    first, second = (without(engine, full_zoo, name) for name in ("a.txt", "b.txt"))
    (kept,) = full_zoo.search_units(UnitCriteria())

    one = run(engine, engine.content.request_delete_orphans("iso", first))
    listed = run(engine, engine.content.request_delete_listed([("iso", second), ("iso", kept.unit_id), ("iso", "nothing")]))

    assert (one.result, listed.result) == ({"iso": 1}, {"iso": 1})
    assert sorted(listed.tags) == ["pulp:action:delete_orphans", "pulp:content_unit:orphans"]
    assert (engine.content.orphan_counts()["iso"], held(engine)) == (0, 1)


def test_what_is_no_orphan_is_not_found(engine: Engine, full_zoo: Repository) -> None:
    unit_id = full_zoo.search_units(UnitCriteria())[0].unit_id
    calls = [
        (lambda: engine.content.list_orphans("boat"), {"content_type_id": "boat"}),
        (lambda: engine.content.request_delete_orphans("boat"), {"content_type_id": "boat"}),
        (lambda: engine.content.get_orphan("iso", unit_id), {"content_type": "iso", "content_unit": unit_id}),
        (lambda: engine.content.get_orphan("iso", "x'y"), {"content_type": "iso", "content_unit": "x'y"}),
        (lambda: engine.content.request_delete_orphans("iso", NO_UNIT), {"content_type": "iso", "content_unit": NO_UNIT}),
    ]

    for call, resources in calls:
        with pytest.raises(MissingResource) as caught:
            call()
        assert caught.value.data == {"resources": resources}
    with pytest.raises(InvalidValue, match="limit"):
        engine.content.list_orphans("iso", limit=0)
    with pytest.raises(InvalidValue, match="units"):
        engine.content.request_delete_listed([("iso", NO_UNIT)] * 10_001)


def test_what_a_task_under_way_may_need_is_no_orphan(engine: Engine, full_zoo: Repository) -> None:
    without(engine, full_zoo, "a.txt")
    sync = full_zoo.sync()
    engine.database.execute("UPDATE task SET state = 'running', attempt = 1, created_at = 0 WHERE task_id = ?", (sync.task_id,))

    assert engine.content.orphan_counts()["iso"] == 0
    engine.database.execute("UPDATE task SET created_at = ? WHERE task_id = ?", (clock.now_us(), sync.task_id))
    assert engine.content.orphan_counts()["iso"] == 1


def test_a_unit_whose_bytes_a_publication_waits_for_is_no_orphan(engine: Engine, full_zoo: Repository) -> None:
    run(engine, full_zoo.publish("web"))
    engine.database.execute(
        "UPDATE entry SET unit = (SELECT id FROM unit WHERE name = 'a.txt'), file = 'a.txt', blob = NULL WHERE path = 'a.txt'"
    )
    without(engine, full_zoo, "a.txt")

    assert engine.content.orphan_counts()["iso"] == 0
    assert deleted(engine, engine.content.request_delete_orphans()) == {}

    blob = engine.database.row("SELECT blob FROM unit_file WHERE path = 'a.txt'")
    assert blob is not None
    engine.database.execute("UPDATE entry SET blob = ? WHERE path = 'a.txt'", blob)
    assert deleted(engine, engine.content.request_delete_orphans()) == {"iso": 1}
    assert published(engine)["a.txt"] == b"a"


def test_a_unit_that_went_comes_back_with_the_next_sync(engine: Engine, feed: Feed, full_zoo: Repository) -> None:
    without(engine, full_zoo, "a.txt")
    deleted(engine, engine.content.request_delete_orphans())

    run(engine, full_zoo.sync())

    assert (held(engine), blobs(engine)) == (3, [b"a", b"bb", b"ccc"])


def test_files_that_no_row_tells_of_are_swept_out(engine: Engine, full_zoo: Repository) -> None:
    stray = engine.settings.store_dir / "blobs" / "ab" / ("ab" * 32)
    young = stray.with_name("ac" * 32)
    for path in (stray, young):
        path.write_bytes(b"left by a process that died")
    os.utime(stray, (1, 1))

    deleted(engine, engine.content.request_delete_orphans())

    assert (stray.exists(), young.exists()) == (False, True)
    assert len(blobs(engine)) == 4


def test_a_publish_that_a_deletion_overtakes_leaves_nothing_behind(
    engine: Engine, full_zoo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(engine, full_zoo.publish("web"))
    without(engine, full_zoo, "a.txt")
    overtaken = []

    def removed(publish: PublishRun, *args: Any, **options: Any) -> Any:
        if not overtaken:
            overtaken.append(orphans.delete_all(engine.repositories._house))
        return read_removed(publish, *args, **options)

    read_removed = PublishRun.removed
    monkeypatch.setattr(PublishRun, "removed", removed)
    report = run(engine, full_zoo.publish("web"))

    assert (report.state, overtaken) == ("finished", [{"iso": 1}])
    assert published(engine) == {"b.txt": b"bb", "c.txt": b"ccc"}


def test_what_a_sync_brings_that_begins_during_a_deletion_stays(
    engine: Engine, zoo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = orphans._before(engine.database)  # of a deletion that began when nothing was under way
    overtaken = []

    def keep(keeper: Keeper, finished: list[Pending], known: list[Place]) -> Any:
        saved = kept(keeper, finished, known)
        if saved:
            overtaken.append(list(orphans._pages(engine.database, "TRUE", (), before)))
        return saved

    kept = Keeper._keep
    monkeypatch.setattr(Keeper, "_keep", keep)
    run(engine, zoo.sync())

    assert overtaken == [[]]
    assert held(engine) == 3
