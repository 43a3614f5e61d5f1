"""Bytes come in pieces, in any order; an importer makes units of them, or says why not."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from entrepot.content import uploads
from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource
from entrepot.repositories import Repository
from entrepot.tasking import TaskHandle
from tests.integration.repositories.conftest import Feed, held, published, run, temporary_files

UNKNOWN = "00000000-0000-4000-8000-000000000000"
#: What is asked here is no matter of the database.
on_one = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def shelf(engine: Engine) -> Repository:
    """A repository of files without a feed."""
    return engine.repositories.create(
        "shelf",
        importer_type_id="iso_importer",
        importer_config={},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web"}],
    )


def uploaded(engine: Engine, data: bytes) -> str:
    upload = engine.content.create_upload()
    engine.content.write_upload(upload.upload_id, 0, data)
    return upload.upload_id


def failure(engine: Engine, handle: TaskHandle) -> dict[str, Any]:
    report = run(engine, handle)
    assert report.state == "error"
    assert report.error is not None
    return report.error


def files_of_uploads(engine: Engine) -> list[str]:
    folder = engine.settings.store_dir / "uploads"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_pieces_may_come_in_any_order_and_again(engine: Engine) -> None:
    upload_id = engine.content.create_upload().upload_id

    engine.content.write_upload(upload_id, 3, BytesIO(b"def"))
    engine.content.write_upload(upload_id, 0, b"xxx")
    report = engine.content.write_upload(upload_id, 0, b"abc")

    blob = uploads.copy_upload(engine.database, engine.store, upload_id)
    assert report.size == 6
    assert blob.sha256 == hashlib.sha256(b"abcdef").hexdigest()
    assert [found.upload_id for found in engine.content.list_uploads()] == [upload_id]
    assert report.expires - report.changed == timedelta(hours=engine.settings.upload_expiry_hours)
    assert engine.content.get_upload(upload_id) == report


def test_an_upload_becomes_a_unit_that_is_published(engine: Engine, shelf: Repository) -> None:
    upload_id = uploaded(engine, b"hello")

    report = run(engine, shelf.import_upload(upload_id, "iso", {"name": "a.iso"}))

    assert report.state == "finished", report.error
    checksum = hashlib.sha256(b"hello").hexdigest()
    (unit,) = engine.content.find_units("iso", include_repositories=True)
    key = {"name": "a.iso", "checksum": checksum, "size": 5}
    assert (unit.data, unit.downloaded, unit.repository_ids) == (key, True, ("shelf",))
    assert report.result == {
        "success_flag": True,
        "summary": "",
        "details": {"units": [{"type_id": "iso", "unit_id": unit.unit_id, "unit_key": key}]},
    }
    assert sorted(report.tags) == ["pulp:action:import_upload", "pulp:repository:shelf"]
    run(engine, shelf.publish("web"))
    assert published(engine, "shelf") == {"a.iso": b"hello"}
    assert temporary_files(engine) == []
    assert [found.upload_id for found in engine.content.list_uploads()] == [upload_id], "its client deletes it"


def test_an_upload_of_a_name_that_is_there_replaces_it(engine: Engine, shelf: Repository) -> None:
    for data in (b"old", b"new one"):
        run(engine, shelf.import_upload(uploaded(engine, data), "iso", {"name": "a.iso"}))

    assert held(engine, "shelf") == 1
    run(engine, shelf.publish("web"))
    assert published(engine, "shelf") == {"a.iso": b"new one"}


@on_one
def test_an_empty_file_may_be_uploaded_as_well(engine: Engine, shelf: Repository) -> None:
    run(engine, shelf.import_upload(uploaded(engine, b""), "iso", {"name": "empty"}))

    run(engine, shelf.publish("web"))
    assert published(engine, "shelf") == {"empty": b""}


@on_one
@pytest.mark.parametrize(
    ("unit_key", "said"),
    [
        ({"name": "a", "checksum": "0" * 64}, "checksum"),
        ({"name": "a", "size": 4}, "size"),
        ({"name": "../a"}, ".."),
        ({"name": "PULP_MANIFEST"}, "reserved"),
        ({}, "name"),
    ],
)
def test_an_upload_that_the_importer_refuses_changes_nothing(
    engine: Engine, shelf: Repository, unit_key: dict[str, Any], said: str
) -> None:
    error = failure(engine, shelf.import_upload(uploaded(engine, b"hello"), "iso", unit_key))

    assert error["code"] == "PLP0047"
    assert said in error["description"]
    assert {name: error["data"][name] for name in ("importer_id", "unit_type", "repo_id")} == {
        "importer_id": "iso_importer",
        "unit_type": "iso",
        "repo_id": "shelf",
    }
    assert (held(engine, "shelf"), engine.content.find_units("iso"), temporary_files(engine)) == (0, [], [])


def test_an_import_says_what_there_is_not(engine: Engine, shelf: Repository) -> None:
    upload_id = uploaded(engine, b"x")
    engine.repositories.create("bare")

    of_type = failure(engine, shelf.import_upload(upload_id, "rpm", {"name": "a"}))
    of_upload = failure(engine, shelf.import_upload(UNKNOWN, "iso", {"name": "a"}))
    of_importer = failure(engine, engine.repositories.get("bare").import_upload(upload_id, "iso", {"name": "a"}))
    gone = shelf.import_upload(upload_id, "iso", {"name": "a"})
    engine.database.execute("DELETE FROM repository WHERE repository_id = 'shelf'")
    of_repository = failure(engine, gone)

    assert (of_type["code"], "iso_importer" in of_type["description"]) == ("PLP0000", True)
    assert (of_upload["code"], of_upload["data"]) == ("PLP0009", {"resources": {"upload_request": UNKNOWN}})
    assert (of_importer["code"], of_importer["data"]) == ("PLP0009", {"resources": {"repo_id": "bare"}})
    assert (of_repository["code"], of_repository["data"]) == ("PLP0009", {"resources": {"repository": "shelf"}})


@on_one
def test_what_no_import_can_be_is_refused_at_once(engine: Engine, shelf: Repository) -> None:
    with pytest.raises(InvalidValue, match="unit_key"):
        shelf.import_upload(UNKNOWN, "iso", ["name"])  # type: ignore[arg-type]


@on_one
def test_an_upload_that_has_lost_bytes_is_not_imported(engine: Engine, shelf: Repository) -> None:
    upload_id = uploaded(engine, b"hello")
    os.truncate(engine.settings.store_dir / "uploads" / upload_id, 3)

    error = failure(engine, shelf.import_upload(upload_id, "iso", {"name": "a"}))

    assert "3 of 5" in error["description"]
    assert held(engine, "shelf") == 0


@on_one
def test_an_upload_whose_gaps_the_disk_has_no_room_for_is_not_copied(
    engine: Engine, shelf: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = engine.content.create_upload().upload_id
    engine.content.write_upload(upload_id, 1 << 30, b"x")
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 30))

    error = failure(engine, shelf.import_upload(upload_id, "iso", {"name": "a.txt"}))

    assert "has 1,073,741,825 bytes" in error["description"]
    assert temporary_files(engine) == []


def test_an_upload_is_removed_with_its_bytes(engine: Engine) -> None:
    upload_id = uploaded(engine, b"hello")

    engine.content.delete_upload(upload_id)
    engine.content.delete_upload(upload_id)
    engine.content.delete_upload("../../etc/passwd")

    assert (engine.content.list_uploads(), files_of_uploads(engine)) == ([], [])
    for call in (lambda: engine.content.get_upload(upload_id), lambda: engine.content.write_upload(upload_id, 0, b"x")):
        with pytest.raises(MissingResource) as caught:
            call()
        assert caught.value.data == {"resources": {"upload_request": upload_id}}


@on_one
@pytest.mark.parametrize("offset", [-1, 2**62])
def test_an_offset_that_no_upload_has_is_refused(engine: Engine, offset: int) -> None:
    upload_id = engine.content.create_upload().upload_id

    with pytest.raises(InvalidValue, match="offset"):
        engine.content.write_upload(upload_id, offset, b"x")


@on_one
def test_a_file_is_uploaded_whole_or_not_at_all(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)

    report = engine.content.upload_file(tmp_path / "a")
    with pytest.raises(OSError, match="nowhere"):
        engine.content.upload_file(tmp_path / "nowhere")

    assert report.size == 3_000_000
    assert files_of_uploads(engine) == [report.upload_id]


def test_an_upload_expires_when_nothing_comes_any_more(engine: Engine) -> None:
    old, fresh = uploaded(engine, b"old"), uploaded(engine, b"fresh")
    engine.database.execute("UPDATE upload SET changed_at = 1000000 WHERE upload_id = ?", (old,))
    stray = engine.settings.store_dir / "uploads" / UNKNOWN
    stray.write_bytes(b"of a process that died")
    os.utime(stray, (1, 1))

    forgotten: list[str] = []

    removed = uploads.expire(engine.database, engine.store, older_than=timedelta(hours=24), forget=forgotten.append)

    assert (removed, files_of_uploads(engine), forgotten) == (2, [fresh], [old])
    assert [found.upload_id for found in engine.content.list_uploads()] == [fresh]


def test_an_upload_gives_its_bytes_to_all_who_wait_for_them(
    engine: Engine, shelf: Repository, feed: Feed, zoo: Repository
) -> None:
    zoo.update(importer_config={"download_policy": "on_demand"})
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    assert engine.database.row("SELECT COUNT(*) FROM entry WHERE blob IS NULL") == (3,)

    run(engine, shelf.import_upload(uploaded(engine, b"a"), "iso", {"name": "a.txt"}))

    waiting = engine.database.rows("SELECT path FROM entry WHERE blob IS NULL ORDER BY path")
    assert waiting == [("b.txt",), ("c.txt",)]
    assert [path for path in feed.requests if path != "PULP_MANIFEST"] == []
