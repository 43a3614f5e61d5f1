"""Repositories and distributors are found by what clients see of them, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from entrepot import clock
from entrepot.criteria import Criteria
from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.errors import InvalidValue
from entrepot.models import Repository, RepositoryNote
from entrepot.plugin import Distributor, DistributorConfig, Unit
from entrepot.repositories import notes
from entrepot.settings import Settings


class Book(Unit, type_id="book", key=("title",)):
    """A unit of these tests."""

    title: str


class Vault(Distributor):
    """A distributor with a secret."""

    unit_types = (Book,)

    class Config(DistributorConfig):
        """Its configuration."""

        key: SecretStr | None = None
        shelf: str = ""

    def publish(self, pub) -> None:
        """Publish nothing."""


class Open(Distributor):
    """A distributor without one."""

    unit_types = (Book,)

    def publish(self, pub) -> None:
        """Publish nothing."""


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine(settings=settings, plugins=Plugins.of(distributors={"vault": Vault, "open": Open})) as made:
        made.initialise()
        yield made


@pytest.fixture
def house(engine: Engine) -> Engine:
    """Three repositories; zoo has a vault and an open distributor, farm an open one."""
    vault = {
        "distributor_type_id": "vault",
        "distributor_id": "safe",
        "distributor_config": {"key": "sesame", "shelf": "low", "relative_url": "vaults/zoo"},
        "auto_publish": True,
    }
    web = {"distributor_type_id": "open", "distributor_id": "web"}
    engine.repositories.create("zoo", notes={"_repo-type": "rpm-repo", "size": 5, "of": ["a", "b"]}, distributors=[vault, web])
    engine.repositories.create("farm", display_name="The farm", notes={"_repo-type": "iso-repo"}, distributors=[web])
    engine.repositories.create("empty", description="nothing here")
    return engine


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (None, ["zoo", "farm", "empty"]),
        ({"id": "zoo"}, ["zoo"]),
        ({"repo_id": {"$in": ["empty", "zoo"]}}, ["zoo", "empty"]),
        ({"id": {"$regex": "^[fz]"}}, ["zoo", "farm"]),
        ({"display_name": "The farm"}, ["farm"]),
        ({"description": None}, ["zoo", "farm"]),
        ({"description": {"$exists": True}}, ["zoo", "farm", "empty"]),
        ({"notes._repo-type": "rpm-repo"}, ["zoo"]),
        ({"notes._repo-type": {"$ne": "rpm-repo"}}, ["farm", "empty"]),
        ({"notes._repo-type": {"$exists": False}}, ["empty"]),
        ({"notes.of": "b"}, ["zoo"]),
        ({"notes.size": "5"}, []),
        ({"notes": {"_repo-type": "iso-repo"}}, ["farm"]),
        ({"notes": {}}, ["empty"]),
        ({"$and": [{"notes.size": {"$gte": 5}}, {"notes.size": {"$lt": 6}}]}, ["zoo"]),
        ({"content_unit_counts.iso": {"$gt": 0}}, []),
        ({"content_unit_counts.iso": None}, ["zoo", "farm", "empty"]),
        ({"last_unit_added": None, "id": "zoo"}, ["zoo"]),
        ({"scratchpad.x": 1}, []),
        ({"importers": None}, ["zoo", "farm", "empty"]),
    ],
)
def test_repositories_are_found_by_their_fields(house: Engine, filters: object, expected: list[str]) -> None:
    found = house.repositories.search(Criteria.parse({"filters": filters}))

    assert [report.repository_id for report in found] == expected


def test_repositories_come_as_they_are_sorted_with_their_distributors(house: Engine) -> None:
    found = house.repositories.search(Criteria.parse({"sort": [["notes._repo-type", 1], ["id", -1]], "limit": 2}))

    assert [report.repository_id for report in found] == ["empty", "farm"]
    assert [distributor.distributor_id for distributor in found[1].distributors] == ["web"]


def test_a_repository_is_sorted_by_no_field_that_there_is_not(house: Engine) -> None:
    with pytest.raises(InvalidValue, match="There is no field 'feed' in the collection 'repos'"):
        house.repositories.search(Criteria.parse({"sort": [["feed", 1]]}))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (None, ["safe", "web", "web"]),
        ({"distributor_type_id": "open", "repo_id": {"$in": ["zoo"]}}, ["web"]),
        ({"id": "safe"}, ["safe"]),
        ({"distributor_id": "web"}, ["web", "web"]),
        ({"auto_publish": True}, ["safe"]),
        ({"auto_publish": {"$ne": True}}, ["web", "web"]),
        ({"auto_publish": 1}, []),
        ({"config.relative_url": {"$regex": "^vaults/"}}, ["safe"]),
        ({"config.shelf": "low"}, ["safe"]),
        ({"last_publish": None}, ["safe", "web", "web"]),
        ({"last_publish": {"$gt": {"$date": "2000-01-01T00:00:00Z"}}}, []),
        ({"config.key": "sesame"}, []),
        ({"config.key": {"$regex": "^s"}}, []),
        ({"config.key": {"$gt": "a"}}, []),
        ({"config.key": "*****"}, ["safe"]),
        ({"config": {"key": "sesame", "shelf": "low", "relative_url": "vaults/zoo"}}, []),
        ({"config.key": {"$exists": True}}, ["safe"]),
    ],
)
def test_distributors_are_found_by_their_fields_and_never_by_a_secret(
    house: Engine, filters: object, expected: list[str]
) -> None:
    found = house.repositories.search_distributors(Criteria.parse({"filters": filters}))

    assert [report.distributor_id for report in found] == expected


def test_a_sort_tells_nothing_of_a_secret(house: Engine) -> None:
    house.repositories.create(
        "other",
        distributors=[
            {
                "distributor_type_id": "vault",
                "distributor_id": "later",
                "distributor_config": {"key": "aardvark", "relative_url": "other"},
            }
        ],
    )
    criteria = Criteria.parse({"filters": {"distributor_type_id": "vault"}, "sort": [["config.key", 1]]})

    assert [report.distributor_id for report in house.repositories.search_distributors(criteria)] == ["safe", "later"]


def test_a_found_distributor_shows_no_secret(house: Engine) -> None:
    (found,) = house.repositories.search_distributors(Criteria.parse({"filters": {"id": "safe"}}))

    assert found.config["key"] == "*****"
    assert found.repository_id == "zoo"


def test_a_secret_stays_hidden_while_the_plugin_that_knows_it_is_gone(house: Engine, settings: Settings) -> None:
    with Engine(settings=settings, plugins=Plugins.of(distributors={"open": Open})) as other:
        guesses = [{"config.key": "sesame"}, {"config.key": {"$regex": "^s"}}, {"config.shelf": "low"}]
        found = [other.repositories.search_distributors(Criteria.parse({"filters": guess})) for guess in guesses]
        shown = other.repositories.get("zoo").distributor("safe").config

    assert found == [[], [], []]
    assert shown == {"key": "*****", "shelf": "*****", "relative_url": "vaults/zoo"}


def found_by(engine: Engine, filters: dict[str, object]) -> list[str]:
    return [report.repository_id for report in engine.repositories.search(Criteria.parse({"filters": filters}))]


def test_a_repository_is_found_by_its_notes_as_they_are_now(engine: Engine) -> None:
    notes = {"kind": "rpm", "arches": ["x86_64", 5, "x86_64"], "odd": {"kind": "deb"}, "long": "x" * 300, "n": 5}
    zoo = engine.repositories.create("zoo", notes=notes)
    engine.repositories.create("farm", notes={"kind": "deb"})

    assert found_by(engine, {"notes.kind": "rpm"}) == ["zoo"]
    assert found_by(engine, {"notes.kind": {"$in": ["rpm", "deb"]}}) == ["zoo", "farm"]
    assert found_by(engine, {"notes.kind": {"$ne": "rpm"}}) == ["farm"]
    assert found_by(engine, {"notes.arches": "x86_64"}) == ["zoo"]
    assert found_by(engine, {"notes.odd.kind": "deb", "notes.long": "x" * 300, "notes.n": 5}) == ["zoo"]

    zoo.update(notes={"kind": "deb", "arches": None})

    assert found_by(engine, {"notes.kind": "deb"}) == ["zoo", "farm"]
    assert found_by(engine, {"notes.arches": "x86_64"}) == []


def test_an_index_leads_from_a_note_to_its_repository(engine: Engine) -> None:
    database = engine.database
    made = ({"repository_id": f"repo-{n}", "notes": {}, "scratchpad": {}, "content_unit_counts": {}} for n in range(2000))
    with database.transaction():
        Repository.insert_many([{**row, "created_at": clock.now()} for row in made]).execute(database.peewee)
        rows = database.rows("SELECT id FROM repository")
        noted = [{"name": "kind", "value": f"kind-{row_id}", "repository": row_id} for (row_id,) in rows]
        RepositoryNote.insert_many(noted).execute(database.peewee)
    database.execute("ANALYZE")
    condition = notes.lookup(("kind",), ("kind-7",))
    assert condition is not None

    explain = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
    plan = str(database.rows(f"{explain} SELECT 1 FROM repository WHERE {condition.sql}", condition.values))

    assert "SEARCH note USING" in plan or "Index Only Scan using repository_note_pkey" in plan, plan
