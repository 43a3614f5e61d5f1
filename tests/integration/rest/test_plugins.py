"""Plugins over REST. Source: the Pulp 2 REST contract, 5.5."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.plugin import Distributor, Importer, Unit


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


class Film(Unit, type_id="film", key=("title", "year")):
    """A film, as a file."""

    title: str
    year: int


class FilmImporter(Importer):
    """Yields nothing."""

    display_name = "Films"
    unit_types = (Film,)

    def sync(self, ctx: Any) -> Iterator[Film]:
        yield from ()


class FilmDistributor(Distributor):
    """Publishes nothing."""

    unit_types = (Film,)

    def publish(self, pub: Any) -> None: ...


class Broken:
    """No importer at all."""


@pytest.fixture(autouse=True)
def _plugins(engine: Engine) -> None:
    engine.plugins = Plugins.of(
        importers={"film_importer": FilmImporter, "broken_importer": Broken},  # type: ignore[dict-item]
        distributors={"film_distributor": FilmDistributor},
    )


def test_importers_are_listed_with_what_they_are_for_and_broken_ones_with_the_reason(api: Any) -> None:
    broken, film = api.get("plugins/importers/").json()

    assert film == {
        "_href": "/pulp/api/v2/plugins/importers/film_importer/",
        "id": "film_importer",
        "display_name": "Films",
        "types": ["film"],
        "distribution": None,
        "version": None,
        "error": None,
    }
    assert (broken["id"], broken["types"]) == ("broken_importer", [])
    assert "is no subclass of entrepot.plugin.Importer" in broken["error"]
    assert api.get("plugins/importers/film_importer/").json() == film


def test_distributors_are_listed_by_their_type_ids(api: Any) -> None:
    (film,) = api.get("plugins/distributors/").json()

    assert (film["id"], film["display_name"], film["types"]) == ("film_distributor", "film_distributor", ["film"])
    assert film["_href"] == "/pulp/api/v2/plugins/distributors/film_distributor/"
    assert api.get("plugins/distributors/film_distributor/").json() == film


def test_unit_types_are_those_that_plugins_name(api: Any) -> None:
    (film,) = api.get("plugins/types/").json()

    assert re.fullmatch("[0-9a-f]{24}", film.pop("_id")["$oid"])
    assert film == {
        "_href": "/pulp/api/v2/plugins/types/film/",
        "_ns": "content_types",
        "id": "film",
        "display_name": "film",
        "description": "A film, as a file.",
        "unit_key": ["title", "year"],
        "search_indexes": [],
        "referenced_types": [],
    }
    assert api.get("plugins/types/film/").json()["_id"] == api.get("plugins/types/").json()[0]["_id"]


def test_what_is_not_installed_is_answered_404_by_the_name_of_its_kind(api: Any) -> None:
    for path, name in [
        ("importers", "importer_type_id"),
        ("distributors", "distributor_type_id"),
        ("types", "type"),
    ]:
        response = api.get(f"plugins/{path}/none/")

        assert (response.status_code, response.json()["resources"]) == (404, {name: "none"})


def test_the_plugins_that_are_installed_are_seen(engine: Engine, api: Any) -> None:
    engine.plugins = Plugins.discover()

    assert {"iso_importer"} <= {plugin["id"] for plugin in api.get("plugins/importers/").json()}
    assert {"iso_distributor"} <= {plugin["id"] for plugin in api.get("plugins/distributors/").json()}
    (iso,) = [found for found in api.get("plugins/types/").json() if found["id"] == "iso"]
    assert iso["unit_key"] == ["name", "checksum", "size"]


def test_reading_needs_its_permission(engine: Engine, api: Any) -> None:
    engine.access.create_user("ann", password="a long enough password")

    for path in ("importers/", "importers/x/", "distributors/", "distributors/x/", "types/", "types/x/"):
        response = api.as_("ann", "a long enough password").get(f"plugins/{path}")

        assert (response.status_code, response.json()["error"]["data"]["operation"]) == (401, "READ")
