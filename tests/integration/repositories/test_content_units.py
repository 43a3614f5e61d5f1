"""Units are found and described whatever repositories hold them, and by their names without reading any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from entrepot.criteria import Criteria, UnitCriteria
from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource
from entrepot.plugin import Importer, Unit
from entrepot.repositories import Repository
from entrepot.settings import Settings
from tests.integration.repositories.conftest import run

#: What is asked here is no matter of the database.
on_one = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


class Tool(Unit, type_id="tool", key=("name", "version")):
    """Looked up by its name."""

    name: str
    version: int
    title: str = ""


class Notice(Unit, type_id="notice", key=("id",)):
    """Looked up by its id; it has no field `name`."""

    id: str
    title: str


class Song(Unit, type_id="song", key=("id",), name="title"):
    """Looked up by its title; its field `name` is another."""

    id: str
    title: str
    name: str


#: Names with the last character before a gap, the first one behind it, and the last one of all.
EDGES = ("z\ud7ff", "z\ue000", "z\U0010ffff")
UNITS = (
    *(Tool(name=name, version=version) for name in ("axe", "axes", "Axe", "saw", "öl", *EDGES) for version in (1, 2)),
    Notice(id="axe", title="axe"),
    Notice(id="n1", title="saw"),
    Song(id="s1", title="axe", name="saw"),
)


class ToolImporter(Importer):
    """Offers them all."""

    unit_types = (Tool, Notice, Song)

    def sync(self, ctx: Any) -> Iterator[Unit]:
        yield from UNITS


#: Filters on units, and how many of each type they find.
CASES: list[tuple[dict[str, Any], dict[str, int]]] = [
    ({"name": "axe"}, {"tool": 2}),
    ({"name": "saw"}, {"tool": 2, "song": 1}),
    ({"title": "axe"}, {"notice": 1, "song": 1}),
    ({"id": "axe"}, {"notice": 1}),
    ({"name": {"$in": ["axe", "öl", "none"]}}, {"tool": 4}),
    ({"name": {"$in": ["axe", None]}}, {"tool": 2, "notice": 2}),
    ({"name": {"$in": []}}, {}),
    ({"name": {"$regex": "^ax"}}, {"tool": 4}),
    ({"name": {"$regex": "^ax", "$options": "i"}}, {"tool": 6}),
    ({"name": {"$regex": "^axe$"}}, {"tool": 2}),
    ({"name": {"$regex": "^axe?"}}, {"tool": 4}),
    ({"name": {"$regex": "^(axe|saw)"}}, {"tool": 6, "song": 1}),
    ({"name": {"$regex": "xe"}}, {"tool": 6}),
    ({"name": {"$regex": "^ö"}}, {"tool": 2}),
    ({"name": "axe", "version": {"$gt": 1}}, {"tool": 1}),
    ({"$or": [{"name": "axe"}, {"name": "öl"}]}, {"tool": 4}),
    ({"$or": [{"name": "axe"}, {"version": 2}]}, {"tool": 9}),
    ({"$nor": [{"name": "axe"}]}, {"tool": 14, "notice": 2, "song": 1}),
    ({"name": {"$ne": "axe"}}, {"tool": 14, "notice": 2, "song": 1}),
    ({"name": {"$not": {"$regex": "^a"}}, "version": 1}, {"tool": 6}),
    *(({"name": {"$regex": f"^{name}"}}, {"tool": 2}) for name in EDGES),
    ({"name": 1}, {}),
    ({"name": "nothing like it"}, {}),
]


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine(settings=settings, plugins=Plugins.of(importers={"tools": ToolImporter})) as made:
        made.initialise()
        yield made


@pytest.fixture
def shed(engine: Engine) -> Repository:
    """A repository with all of them."""
    made = engine.repositories.create("shed", importer_type_id="tools", importer_config={"feed": "https://tools.example.org/"})
    report = run(engine, made.sync())
    assert report.state == "finished", report.error
    return made


def found(units: list[Any]) -> dict[str, int]:
    kinds = [unit.unit_type_id for unit in units]
    return {kind: kinds.count(kind) for kind in sorted(kinds)}


def test_a_filter_finds_the_same_with_and_without_the_index_of_names(
    engine: Engine, shed: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers() -> list[Any]:
        return [
            (
                given,
                found(shed.search_units(UnitCriteria.parse({"filters": {"unit": given}}))),
                found(shed.search_units(UnitCriteria.parse({"type_ids": ["tool"], "filters": {"unit": given}}))),
                found([unit for kind in kinds for unit in engine.content.find_units(kind, Criteria.parse({"filters": given}))]),
            )
            for given, _ in CASES
        ]

    kinds = ("notice", "song", "tool")
    by_name = answers()
    monkeypatch.setattr("entrepot.repositories.unit_names.MOST_FOUND", -1)

    assert by_name == answers()
    assert [(given, everywhere) for given, _, _, everywhere in by_name] == [
        (given, dict(sorted(wanted.items()))) for given, wanted in CASES
    ]


def test_a_name_is_looked_up_by_its_index(engine: Engine, shed: Repository) -> None:
    sql = "SELECT unit.id FROM unit WHERE unit.unit_type = ? AND (unit.name >= ? AND unit.name < ?)"
    if engine.database.dialect == "sqlite":
        plan = engine.database.rows(f"EXPLAIN QUERY PLAN {sql}", ("tool", "ax", "ay"))
    else:
        engine.database.execute("SET enable_seqscan = off")
        plan = engine.database.rows(f"EXPLAIN {sql}", ("tool", "ax", "ay"))

    assert "unit_name" in str(plan)
    assert "unit_type" in str(plan)


def test_a_unit_is_shown_with_all_who_hold_it(engine: Engine, shed: Repository) -> None:
    other = engine.repositories.create("other", importer_type_id="tools", importer_config={})
    run(engine, other.copy_from("shed", UnitCriteria.parse({"filters": {"unit": {"name": "axe"}}})))
    (first,) = engine.content.find_units("tool", Criteria.parse({"filters": {"name": "axe", "version": 1}}))

    unit = engine.content.get_unit("tool", first.unit_id)

    assert (first.repository_ids, unit.repository_ids) == (None, ("other", "shed"))
    assert unit.data == {"name": "axe", "version": 1, "title": ""}
    assert (unit.downloaded, unit.user_metadata) == (True, {})
    everywhere = engine.content.find_units("notice", include_repositories=True)
    assert [held.repository_ids for held in everywhere] == [("shed",), ("shed",)]


def test_searches_sort_limit_and_skip(engine: Engine, shed: Repository) -> None:
    filters = {"version": 1, "name": {"$regex": "^[a-s]"}}
    criteria = Criteria.parse({"filters": filters, "sort": [["name", "descending"]], "limit": 1, "skip": 1})

    assert [unit.data["name"] for unit in engine.content.find_units("tool", criteria)] == ["axes"]
    assert engine.content.find_units("boat") == []


def test_metadata_of_clients_are_kept_shown_and_searched(engine: Engine, shed: Repository) -> None:
    (unit, _) = engine.content.find_units("tool", Criteria.parse({"filters": {"name": "saw"}}))

    engine.content.set_user_metadata("tool", unit.unit_id, {"shelf": 7, "tags": ["sharp"]})

    wanted = {"pulp_user_metadata.tags": "sharp"}
    (again,) = engine.content.find_units("tool", Criteria.parse({"filters": wanted}))
    (here,) = shed.search_units(UnitCriteria.parse({"filters": {"unit": wanted}}))
    assert (again.unit_id, again.user_metadata) == (unit.unit_id, {"shelf": 7, "tags": ["sharp"]})
    assert here.user_metadata == again.user_metadata
    run(engine, shed.sync())
    assert engine.content.get_unit("tool", unit.unit_id).user_metadata == again.user_metadata
    engine.content.set_user_metadata("tool", unit.unit_id, {})
    assert engine.content.get_unit("tool", unit.unit_id).user_metadata == {}


@on_one
@pytest.mark.parametrize("unit_id", ["", "x", "00000000-0000-4000-8000-000000000000"])
def test_a_unit_that_is_not_there_is_not_found(engine: Engine, unit_id: str) -> None:
    calls = (
        lambda: engine.content.get_unit("tool", unit_id),
        lambda: engine.content.set_user_metadata("tool", unit_id, {}),
    )

    for call in calls:
        with pytest.raises(MissingResource) as caught:
            call()
        assert caught.value.data == {"resources": {"content_type": "tool", "content_unit": unit_id}}


@on_one
@pytest.mark.parametrize("metadata", [[], None, {"a": "\x00"}])
def test_metadata_are_an_object(engine: Engine, shed: Repository, metadata: Any) -> None:
    unit = engine.content.find_units("song")[0]

    with pytest.raises(InvalidValue, match="pulp_user_metadata"):
        engine.content.set_user_metadata("song", unit.unit_id, metadata)


def test_the_feeds_of_importers_are_the_sources_of_content(engine: Engine, shed: Repository) -> None:
    engine.repositories.create(
        "lent",
        importer_type_id="tools",
        importer_config={"feed": "https://lent.example.org/", "max_downloads": "3", "ssl_validation": "false"},
    )
    engine.repositories.create("idle", importer_type_id="tools", importer_config={})
    (unit, importer) = engine.database.rows("SELECT unit.id, importer.id FROM unit, importer ORDER BY 1, 2 LIMIT 1")[0]
    engine.database.execute("INSERT INTO remote_file (unit, path, importer, url) VALUES (?, 'a', ?, 'a')", (unit, importer))

    lent, of_shed = engine.content.list_sources()

    assert (lent.source_id, lent.base_url, lent.max_concurrent) == ("lent", "https://lent.example.org/", 3)
    assert (lent.ssl_validation, lent.file_count, lent.importer_type_id) == (False, 0, "tools")
    assert (of_shed.source_id, of_shed.max_concurrent, of_shed.ssl_validation, of_shed.file_count) == ("shed", None, True, 1)
    assert engine.content.get_source("shed") == of_shed
    with pytest.raises(MissingResource, match="source_id=idle"):
        engine.content.get_source("idle")
    assert [engine.content.delete_catalog(name) for name in ("shed", "shed", "idle", "nowhere")] == [1, 0, 0, 0]
