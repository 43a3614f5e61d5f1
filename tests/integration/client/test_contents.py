"""Content by way of a client: uploads, units, orphans and sources are told as the engine tells them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from entrepot import Client
from entrepot.cli.output import as_document
from entrepot.client import contents as module
from entrepot.criteria import Criteria, UnitCriteria
from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource
from tests.integration.rest.repositories.conftest import ZOO


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture
def zoo(client: Client, run_tasks: Any) -> Any:
    """A repository with five things, made by the client."""
    options = {name: value for name, value in ZOO.items() if name != "id"}
    repository = client.repositories.create("zoo", **options)
    repository.sync()
    run_tasks()
    return repository


def test_an_upload_is_sent_piece_by_piece(
    engine: Engine, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PIECE_BYTES", 4)
    file = tmp_path / "bear"
    file.write_bytes(b"0123456789")

    sent = client.content.upload_file(file)
    longer = client.content.write_upload(sent.upload_id, 10, BytesIO(b"abcde"))
    empty = client.content.write_upload(sent.upload_id, 3, b"")

    assert (sent.size, longer.size, empty.size) == (10, 15, 15)
    path = Path(engine.settings.store_dir) / "uploads" / sent.upload_id
    assert path.read_bytes() == b"0123456789abcde"
    assert as_document(client.content.list_uploads()) == as_document(engine.content.list_uploads())
    assert as_document(client.content.get_upload(sent.upload_id)) == as_document(engine.content.get_upload(sent.upload_id))
    client.content.delete_upload(sent.upload_id)
    client.content.delete_upload(sent.upload_id)
    assert engine.content.list_uploads() == []
    with pytest.raises(MissingResource) as gone:
        client.content.write_upload(sent.upload_id, 0, b"x")
    assert gone.value.data == {"resources": {"upload_request": sent.upload_id}}


def test_of_a_file_that_cannot_be_sent_whole_nothing_stays(
    engine: Engine, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bear"
    file.write_bytes(b"bear")
    monkeypatch.setattr(client.content, "write_upload", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        client.content.upload_file(file)

    assert engine.content.list_uploads() == []


def test_units_are_searched_shown_and_described(engine: Engine, client: Client, zoo: Any) -> None:
    criteria = Criteria.parse({"filters": {"colour": "red"}, "sort": [["name", "descending"]], "fields": ["name"]})

    found = client.content.find_units("thing", criteria, include_repositories=True)

    assert as_document(found) == as_document(engine.content.find_units("thing", criteria, include_repositories=True))
    assert [(unit.data["name"], unit.repository_ids) for unit in found] == [("thing-3", ("zoo",)), ("thing-1", ("zoo",))]
    assert as_document(client.content.find_units("thing")) == as_document(engine.content.find_units("thing"))
    client.content.set_user_metadata("thing", found[0].unit_id, {"a": {"b": 1}})
    unit = client.content.get_unit("thing", found[0].unit_id)
    assert as_document(unit) == as_document(engine.content.get_unit("thing", found[0].unit_id))
    assert unit.user_metadata == {"a": {"b": 1}}
    assert client.content.unit_files("thing", unit.unit_id) == engine.content.unit_files("thing", unit.unit_id)
    with pytest.raises(MissingResource):
        client.content.get_unit("thing", "x")


def test_units_are_copied_uploaded_and_removed(engine: Engine, client: Client, zoo: Any, run_tasks: Any) -> None:
    farm = client.repositories.create("farm", importer_type_id="harness_importer")
    upload = client.content.create_upload()
    red = UnitCriteria.parse({"filters": {"unit": {"colour": "red"}}})

    copy = farm.copy_from("zoo", red, {"num_units": 1})
    imported = farm.import_upload(upload.upload_id, "thing", {"name": "new"}, {"size": 7})
    removal = zoo.remove_units(red)
    lost = client.repositories.handle("nowhere").import_upload(upload.upload_id, "thing", {"name": "new"})
    run_tasks()

    assert [handle.report().state for handle in (copy, imported, removal, lost)] == ["finished"] * 3 + ["error"]
    assert sorted(unit.data["name"] for unit in farm.search_units(UnitCriteria.parse({}))) == ["new", "thing-1", "thing-3"]
    assert engine.repositories.get("zoo").report().content_unit_counts == {"thing": 3}
    zoo.remove_units()
    run_tasks()
    assert zoo.report().total_units == 0
    with pytest.raises(InvalidValue):
        farm.copy_from("nowhere")


def test_orphans_are_told_and_deleted(engine: Engine, client: Client, zoo: Any, run_tasks: Any) -> None:
    zoo.remove_units()
    run_tasks()

    found = client.content.list_orphans("thing")

    assert client.content.orphan_counts() == engine.content.orphan_counts()
    assert as_document(found) == as_document(engine.content.list_orphans("thing"))
    assert client.content.list_orphans("thing", limit=2, after=found[0].unit_id) == found[1:3]
    assert client.content.get_orphan("thing", found[0].unit_id) == found[0]
    client.content.request_delete_orphans("thing", found[0].unit_id)
    client.content.request_delete_listed([("thing", found[1].unit_id)])
    run_tasks()
    assert [orphan.unit_id for orphan in engine.content.list_orphans("thing")] == [one.unit_id for one in found[2:]]
    client.content.request_delete_orphans("thing")
    client.content.request_delete_orphans()
    run_tasks()
    assert engine.content.find_units("thing") == []
    with pytest.raises(MissingResource):
        client.content.request_delete_orphans("wing")


def test_sources_and_differences_are_told(engine: Engine, client: Client, zoo: Any, run_tasks: Any) -> None:
    for count in (5, 10):
        zoo.sync({"num_units": count})
        zoo.publish("d1")
        run_tasks()

    assert client.content.list_sources() == engine.content.list_sources()
    assert client.content.get_source("zoo") == engine.content.get_source("zoo")
    assert client.content.delete_catalog("zoo") == 0
    difference = zoo.compare_publications("d1", 1, 2)
    assert difference == engine.repositories.get("zoo").compare_publications("d1", 1, 2)
    assert [one.path for one in difference.changed] == ["names"]
