"""Orphans are deleted beside syncs, copies, removals and imports of the same units, and workers are killed: nothing is lost."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from entrepot import TaskHandle
from entrepot.criteria import UnitCriteria

from .process import wait_for
from .stage import Stage
from .traffic import unfinished_tasks
from .warehouse import MANIFEST, Warehouse, damage

#: So often everything is asked for, and so many different uploads there are.
ROUNDS, UPLOADS = 6, 4
_LOOSE = """
SELECT unit.name FROM association JOIN unit ON unit.id = association.unit JOIN unit_file ON unit_file.unit = unit.id
LEFT JOIN blob ON blob.id = unit_file.blob WHERE association.removed_revision IS NULL AND blob.id IS NULL
"""


@pytest.fixture
def warehouse(stage: Stage) -> Iterator[Warehouse]:
    """Two repositories, each with its feed."""
    made = Warehouse(stage, random.Random(11), repositories=2)
    yield made
    made.close()


@pytest.mark.timeout(240)
def test_deletions_of_orphans_take_nothing_from_those_who_are_at_work(stage: Stage, warehouse: Warehouse) -> None:
    engine, chance = stage.engine, random.Random(13)
    shelf, copies = (
        engine.repositories.create(
            name,
            importer_type_id="iso_importer",
            importer_config={},
            distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web"}],
        )
        for name in ("shelf", "copies")
    )
    asked: list[TaskHandle] = []
    uploads = []
    for number in range(UPLOADS):
        upload = engine.content.create_upload()
        engine.content.write_upload(upload.upload_id, 0, f"upload {number}".encode())
        uploads.append(upload.upload_id)

    with stage.supervised("--processes", "2", "--threads", "3"):
        for turn in range(ROUNDS):
            warehouse.change_and_sync()
            for number, upload_id in enumerate(uploads):
                into = (shelf, copies)[(turn + number) % 2]
                asked.append(into.import_upload(upload_id, "iso", {"name": f"upload-{number}"}))
                asked.append(engine.content.request_delete_orphans())
            asked += [copies.copy_from("shelf"), copies.copy_from("repo-0"), copies.publish("web")]
            asked += [shelf.remove_units(), copies.remove_units(UnitCriteria.parse({"type_ids": ["iso"]}))]
            victim = stage.start_worker(threads=2)
            wait_for(lambda: stage.unfinished() < 2 * UPLOADS, "some of it is done", lambda: unfinished_tasks(stage))
            victim.kill()
            stage.note("worker killed, beside deletions of orphans")
            stage.hand_on(victim, chance)
        for number, upload_id in enumerate(uploads):
            asked.append(shelf.import_upload(upload_id, "iso", {"name": f"upload-{number}"}))
        asked += [copies.copy_from("shelf"), copies.publish("web")]
        wait_for(lambda: stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(stage))
        for feed in warehouse.feeds:  # what was read while it changed was refused: now they stand still
            warehouse.sync(feed)
        asked.append(engine.content.request_delete_orphans())
        wait_for(lambda: stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(stage))

    reports = [handle.report() for handle in asked]
    assert [(report.task_type, report.state, report.error) for report in reports if report.state != "finished"] == []
    assert warehouse.badly_ended() == []
    assert warehouse.badly_published() == []
    assert warehouse.behind() == []
    assert warehouse.badly_stored() == []
    assert warehouse.left_behind() == []
    assert engine.database.rows(_LOOSE) == []
    assert damage(stage) == []
    assert published(stage, "copies") == {f"upload-{number}": f"upload {number}".encode() for number in range(UPLOADS)}
    assert [len(unit.data) for unit in shelf.search_units(UnitCriteria())] == [3] * UPLOADS


def published(stage: Stage, name: str) -> dict[str, bytes]:
    """Return what a repository serves."""
    listing = stage.engine.repositories.published(name)
    assert listing is not None
    found = {}
    for item in listing.items:  # type: ignore[union-attr]
        file = stage.engine.repositories.published(f"{name}/{item.name}")
        assert file is not None
        found[item.name] = file.file.read_bytes()  # type: ignore[union-attr]
    del found[MANIFEST]
    return found
