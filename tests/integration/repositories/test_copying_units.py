"""Units come from one repository into another; the importer there says what comes along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from entrepot.criteria import UnitCriteria
from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource
from entrepot.plugin import CopyConduit, Importer, ImporterConfig, Unit
from entrepot.repositories import Repository
from entrepot.settings import Settings
from entrepot.tasking import TaskReport
from tests.integration.repositories.conftest import run

#: What is asked here is no matter of the database.
on_one = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


class Toy(Unit, type_id="toy", key=("name", "version"), repository_key=("name",)):
    """A plain unit."""

    name: str
    version: int


class Box(Unit, type_id="box", key=("name",), revised=True):
    """A unit that needs toys, and that is told where it lies."""

    name: str
    toys: list[str]
    place: str = ""


class Label(Unit, type_id="label", key=("name",)):
    """A unit that only the other importer knows."""

    name: str


class ToyImporter(Importer):
    """Brings what the test lists; a box is copied with its toys, and says in which repository it is."""

    unit_types = (Toy, Box)
    offered: tuple[Unit, ...] = ()

    class Config(ImporterConfig):
        """One key."""

        alone: bool = False

    def sync(self, ctx: Any) -> Iterable[Unit]:
        return type(self).offered

    def copies_as_they_are(self, config: Any) -> tuple[type[Unit], ...]:
        return (Toy,)

    def copy(self, ctx: CopyConduit, units: Iterable[Unit]) -> Iterator[Unit]:
        for unit in units:
            assert isinstance(unit, Box)
            if not ctx.config.alone:
                here = {toy.name for toy in ctx.units(Toy)}
                yield from ctx.source_units(Toy, names=set(unit.toys) - here)
            yield ctx.renewed(unit, place=ctx.repository_id)


class LabelImporter(ToyImporter):
    """Knows toys, boxes and labels."""

    unit_types = (Toy, Box, Label)  # type: ignore[assignment]

    def sync(self, ctx: Any) -> Iterable[Unit]:
        return [Label(name="fragile")]


CAR, OLD_CAR, DOLL = Toy(name="car", version=2), Toy(name="car", version=1), Toy(name="doll", version=1)
BOX = Box(name="box", toys=["doll"]).with_document(b"how to fold it")


@pytest.fixture
def engine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(ToyImporter, "offered", (CAR, DOLL, BOX))
    plugins = Plugins.of(importers={"toys": ToyImporter, "labels": LabelImporter})
    with Engine(settings=settings, plugins=plugins) as made:
        made.initialise()
        yield made


@pytest.fixture
def source(engine: Engine) -> Repository:
    """A repository with a car, a doll, and a box for the doll."""
    return full(engine, "source")


@pytest.fixture
def target(engine: Engine) -> Repository:
    return repository(engine, "target")


def repository(engine: Engine, repository_id: str, importer: str = "toys") -> Repository:
    return engine.repositories.create(
        repository_id, importer_type_id=importer, importer_config={"feed": "https://toys.example.org/"}
    )


def full(engine: Engine, repository_id: str) -> Repository:
    made = repository(engine, repository_id)
    assert run(engine, made.sync()).state == "finished"
    return made


def named(report: TaskReport) -> list[tuple[str, Any]]:
    assert report.state == "finished", report.error
    assert isinstance(report.result, dict)
    return [(unit["type_id"], unit["unit_key"]) for unit in report.result["units_successful"]]  # type: ignore[index, union-attr]


def content(made: Repository) -> list[tuple[str, Any]]:
    return [(unit.unit_type_id, unit.data) for unit in made.search_units(UnitCriteria())]


def only(**criteria: Any) -> UnitCriteria:
    return UnitCriteria.parse(criteria)


def test_the_units_that_are_asked_for_come(engine: Engine, source: Repository, target: Repository) -> None:
    report = run(engine, target.copy_from("source", only(type_ids=["toy"], filters={"unit": {"name": "car"}})))

    assert named(report) == [("toy", {"name": "car", "version": 2})]
    assert content(target) == [("toy", {"name": "car", "version": 2})]
    assert target.report().content_unit_counts == {"toy": 1}
    assert sorted(report.tags) == ["pulp:action:associate", "pulp:repository:source", "pulp:repository:target"]
    assert report.task_type == "pulp.server.managers.repo.unit_association.associate_from_repo"


def test_the_importer_may_bring_more_along_and_make_units_anew(engine: Engine, source: Repository, target: Repository) -> None:
    report = run(engine, target.copy_from("source", only(type_ids=["box"])))

    assert sorted(named(report)) == [("box", {"name": "box"}), ("toy", {"name": "doll", "version": 1})]
    assert content(target) == [
        ("box", {"name": "box", "toys": ["doll"], "place": "target"}),
        ("toy", {"name": "doll", "version": 1}),
    ]
    documents = engine.database.rows(
        "SELECT unit_document.data FROM unit_document JOIN unit ON unit.id = unit_document.unit ORDER BY unit.id"
    )
    assert [bytes(data) for (data,) in documents] == [b"how to fold it"] * 2


def test_what_is_new_takes_the_files_and_their_sources_along(engine: Engine, source: Repository, target: Repository) -> None:
    (box,) = (row for (row,) in engine.database.rows("SELECT id FROM unit WHERE unit_type = 'box'"))
    (importer,) = (row for (row,) in engine.database.rows("SELECT id FROM importer ORDER BY id LIMIT 1"))
    engine.database.execute("INSERT INTO unit_file (unit, path, digests) VALUES (?, 'lid', '{}')", (box,))
    engine.database.execute("INSERT INTO remote_file (unit, path, importer, url) VALUES (?, 'lid', ?, 'x')", (box, importer))

    run(engine, target.copy_from("source", only(type_ids=["box"])))

    query = "SELECT remote_file.path, url FROM remote_file JOIN unit_file ON unit_file.unit = remote_file.unit"
    assert engine.database.rows(query) == [("lid", "x"), ("lid", "x")]


@on_one
def test_an_override_holds_for_one_copy(engine: Engine, source: Repository, target: Repository) -> None:
    run(engine, target.copy_from("source", only(type_ids=["box"]), {"alone": True}))

    assert [kind for kind, _ in content(target)] == ["box"]


def test_a_unit_that_comes_takes_the_place_of_another(
    engine: Engine, source: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ToyImporter, "offered", (OLD_CAR,))
    target = full(engine, "target")

    run(engine, target.copy_from("source", only(type_ids=["toy"])))

    assert content(target) == [("toy", {"name": "car", "version": 2}), ("toy", {"name": "doll", "version": 1})]
    assert target.report().content_unit_counts == {"toy": 2}


def test_a_second_copy_changes_nothing(engine: Engine, source: Repository, target: Repository) -> None:
    first = run(engine, target.copy_from("source"))
    revision = target.report().revision

    second = run(engine, target.copy_from("source"))

    assert sorted(named(second), key=str) == sorted(named(first), key=str)
    assert target.report().revision == revision


def test_nothing_that_matches_is_no_error(engine: Engine, source: Repository, target: Repository) -> None:
    report = run(engine, target.copy_from("source", only(filters={"unit": {"name": "none"}})))

    assert report.result == {"units_successful": []}
    assert target.report().revision == 0


@on_one
def test_an_importer_takes_only_types_that_it_knows(engine: Engine, target: Repository) -> None:
    labels = repository(engine, "labels", "labels")
    run(engine, labels.sync())

    refused = run(engine, target.copy_from("labels"))
    asked = run(engine, target.copy_from("labels", only(type_ids=["toy"])))

    assert refused.error is not None
    assert (refused.error["code"], refused.error["data"]["type_ids"]) == ("PLP0044", ["label"])
    assert asked.result == {"units_successful": []}


@on_one
def test_what_is_missing_is_said_at_once_or_by_the_task(engine: Engine, source: Repository, target: Repository) -> None:
    engine.repositories.create("bare")

    with pytest.raises(InvalidValue) as caught:
        target.copy_from("nowhere")
    with pytest.raises(MissingResource):
        Repository(engine.repositories._house, "nowhere").copy_from("source")
    report = run(engine, engine.repositories.get("bare").copy_from("source"))

    assert caught.value.data["property_names"] == ["source_repo_id"]
    assert report.error is not None
    assert (report.error["code"], report.error["data"]) == ("PLP0009", {"resources": {"repo_id": "bare"}})


def test_copies_of_one_source_run_side_by_side_and_not_beside_its_sync(engine: Engine, source: Repository) -> None:
    handles = [repository(engine, name).copy_from("source") for name in ("one", "two")]
    sync = source.sync()

    ready = {
        row for (row,) in engine.database.rows("SELECT task_id FROM task WHERE ready_at IS NOT NULL AND state = 'waiting'")
    }

    assert ready == {handle.task_id for handle in handles}
    assert run(engine, sync).state == "finished"


@on_one
def test_a_long_result_is_cut(engine: Engine, source: Repository, target: Repository) -> None:
    short = engine.settings.model_copy(update={"max_result_bytes": 600})
    with Engine(settings=short, plugins=engine.plugins) as narrow:
        report = run(narrow, narrow.repositories.get("target").copy_from("source"))

    assert report.state == "finished"
    assert isinstance(report.result, dict)
    assert (report.result["truncated"], report.result["units_total"]) == (True, 3)
    assert len(report.result["units_successful"]) == 1  # type: ignore[arg-type]


def test_units_are_removed_by_criteria_or_all(engine: Engine, source: Repository) -> None:
    some = run(engine, source.remove_units(only(type_ids=["toy"], filters={"unit": {"version": 2}})))
    nothing = run(engine, source.remove_units(only(filters={"unit": {"name": "none"}})))
    rest = run(engine, source.remove_units())

    assert named(some) == [("toy", {"name": "car", "version": 2})]
    assert nothing.result == {}
    assert named(rest) == [("box", {"name": "box"}), ("toy", {"name": "doll", "version": 1})]
    assert (content(source), source.report().content_unit_counts) == ([], {})
    assert sorted(some.tags) == ["pulp:action:unassociate", "pulp:repository:source"]
    assert len(engine.content.find_units("toy")) == 2, "the units stay"
