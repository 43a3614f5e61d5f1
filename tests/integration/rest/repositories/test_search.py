"""Searches for repositories, distributors and units over REST: criteria by body and by query, and cut documents."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integration.rest.conftest import Api
from tests.integration.rest.repositories.conftest import ZOO, Tasks, problem

REPOSITORIES, DISTRIBUTORS, UNITS = (
    "repositories/search/",
    "distributors/search/",
    "repositories/zoo/search/units/",
)


@pytest.fixture
def farm(api: Api, zoo: dict[str, Any]) -> None:
    """A second repository, with notes and two distributors, beside the zoo."""
    distributors = [
        {
            "distributor_id": name,
            "distributor_type_id": "harness_distributor",
            "distributor_config": {"relative_url": f"farm/{name}"},
        }
        for name in ("d1", "d2")
    ]
    given = {"id": "farm", "description": "cows", "notes": {"_repo-type": "rpm", "x": {"y": 1, "z": 2}}}
    assert api.post("repositories/", given | {"distributors": distributors}).status_code == 201


def ids(response: Any) -> list[str]:
    """Return the ids of what a search found."""
    assert response.status_code == 200, response.text
    return [document["id"] for document in response.json()]


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({}, ["zoo", "farm"]),
        ({"filters": None, "sort": None, "limit": None, "skip": None, "fields": None}, ["zoo", "farm"]),
        ({"filters": {"id": "farm"}}, ["farm"]),
        ({"filters": {"repo_id": {"$in": ["farm", "no"]}}}, ["farm"]),
        ({"filters": {"id": {"$regex": "^z"}}}, ["zoo"]),
        ({"filters": {"notes._repo-type": {"$eq": "rpm"}}}, ["farm"]),
        ({"filters": {"notes._repo-type": {"$exists": True}}}, ["farm"]),
        ({"filters": {"$or": [{"description": "cows"}, {"notes": {}}]}}, ["zoo", "farm"]),
        ({"filters": {"no_such_field": 1}}, []),
        ({"sort": [["id", "ascending"]]}, ["farm", "zoo"]),
        ({"sort": [["id", -1]], "limit": "1"}, ["zoo"]),
        ({"sort": [["id", "ASCENDING"]], "skip": 1, "limit": 2000}, ["zoo"]),
    ],
)
def test_repositories_are_found_by_body_and_by_query_alike(
    api: Api, farm: None, criteria: dict[str, Any], found: list[str]
) -> None:
    query = {name: json.dumps(value) for name, value in criteria.items() if name in ("filters", "sort") and value}
    query |= {name: str(value) for name, value in criteria.items() if name in ("limit", "skip") and value}

    assert ids(api.post(REPOSITORIES, {"criteria": criteria, "wings": 2})) == found
    assert ids(api.get(f"{REPOSITORIES}?{urlencode(query)}")) == found


def test_a_search_shows_what_a_look_shows(api: Api, farm: None) -> None:
    (found,) = api.post(REPOSITORIES, {"criteria": {"filters": {"id": "farm"}}}).json()

    assert found == api.get("repositories/farm/").json()


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ({"distributors": True}, {"distributors"}),
        ({"distributors": "True", "importers": False}, {"distributors"}),
        ({"importers": "true"}, {"importers"}),
        ({"details": True}, {"importers", "distributors"}),
        ({"details": 1, "importers": "yes", "distributors": None}, set()),
    ],
)
def test_a_search_shows_plugins_where_a_flag_is_true(api: Api, farm: None, flags: dict[str, Any], shown: set[str]) -> None:
    plain = api.get("repositories/zoo/").json()
    query = urlencode({name: json.dumps(value).strip('"') for name, value in flags.items()})

    for response in (api.post(REPOSITORIES, {"criteria": {}} | flags), api.get(f"{REPOSITORIES}?{query}")):
        assert response.status_code == 200
        assert all(document.keys() - plain.keys() == shown for document in response.json())


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ([], {}),
        (["id"], {}),
        (["repo_id"], {}),
        (["description", "notes.x.y"], {"description": "cows", "notes": {"x": {"y": 1}}}),
        (["notes", "notes.x"], {"notes": {"_repo-type": "rpm", "x": {"y": 1, "z": 2}}}),
        (["notes.x", "notes"], {"notes": {"_repo-type": "rpm", "x": {"y": 1, "z": 2}}}),
        (["notes.absent", "notes.x.y.z"], {"notes": {"x": {}}}),
    ],
)
def test_fields_cut_a_repository_but_never_its_ids(api: Api, farm: None, fields: list[str], kept: dict[str, Any]) -> None:
    whole = api.get("repositories/farm/").json()

    (found,) = api.post(REPOSITORIES, {"criteria": {"filters": {"id": "farm"}, "fields": fields}}).json()

    assert found == {name: whole[name] for name in ("_href", "_id", "id")} | kept


def test_fields_of_a_query_are_named_one_by_one(api: Api, zoo: dict[str, Any]) -> None:
    (found,) = api.get(f"{REPOSITORIES}?field=description&field=notes").json()

    assert found.keys() == {"_href", "_id", "id", "description", "notes"}


def test_plugins_that_are_wanted_are_shown_whatever_the_fields(api: Api, farm: None) -> None:
    given = {"criteria": {"fields": ["notes"], "sort": [["id", 1]]}, "distributors": True}

    farm_, _ = api.post(REPOSITORIES, given).json()

    assert [distributor["id"] for distributor in farm_["distributors"]] == ["d1", "d2"]


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({}, [("zoo", "d1"), ("farm", "d1"), ("farm", "d2")]),
        (
            {"filters": {"repo_id": {"$in": ["farm"]}, "distributor_type_id": "harness_distributor"}},
            [("farm", "d1"), ("farm", "d2")],
        ),
        ({"filters": {"id": "d2"}}, [("farm", "d2")]),
        ({"filters": {"distributor_id": "d2"}}, [("farm", "d2")]),
        ({"filters": {"config.relative_url": {"$regex": "^farm/d1$"}}}, [("farm", "d1")]),
        ({"filters": {"last_publish": None}, "sort": [["repo_id", "ascending"]], "limit": 1}, [("farm", "d1")]),
    ],
)
def test_distributors_are_found_in_all_repositories(
    api: Api, farm: None, criteria: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    documents = api.post(DISTRIBUTORS, {"criteria": criteria}).json()

    assert [(document["repo_id"], document["id"]) for document in documents] == found
    assert documents[0] == api.get(documents[0]["_href"].removeprefix("/pulp/api/v2/")).json()


def test_fields_cut_a_distributor_but_never_what_names_it(api: Api, zoo: dict[str, Any]) -> None:
    (found,) = api.get(f"{DISTRIBUTORS}?field=config.a").json()

    assert found.keys() == {"_href", "_id", "id", "repo_id", "distributor_type_id", "config"}
    assert found["config"] == {"a": 1}


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("path", [REPOSITORIES, DISTRIBUTORS, UNITS])
@pytest.mark.parametrize(
    ("given", "code", "extra"),
    [
        ({}, "PLP0016", {"missing_property_names": ["criteria"]}),
        ({"criteria": None}, "PLP0016", {"missing_property_names": ["criteria"]}),
        ({"criteria": 5}, "PLP0015", {"property_names": ["criteria"]}),
        ({"criteria": {"wings": 1, "legs": 2}}, "PLP0015", {"property_names": ["wings", "legs"]}),
        ({"criteria": {"limit": 0}}, "PLP0015", {"property_names": ["limit"]}),
        ({"criteria": {"limit": True}}, "PLP0015", {"property_names": ["limit"]}),
        ({"criteria": {"skip": -1}}, "PLP0015", {"property_names": ["skip"]}),
    ],
)
def test_criteria_that_cannot_be_read_are_refused_by_name(
    api: Api, path: str, given: dict[str, Any], code: str, extra: dict[str, Any]
) -> None:
    problem(api.post(path, given), 400, code, **extra)


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({"sort": [["id", "up"]]}, ["sort"]),
        ({"sort": [["id"]]}, ["sort"]),
        ({"fields": "id"}, ["fields"]),
        ({"filters": {"id": {"$where": "1"}}}, ["criteria"]),
        ({"filters": {"id": {"$regex": "("}}}, ["criteria"]),
        ({"filters": {"last_unit_added": {"$gt": {"$date": "soon"}}}}, ["criteria"]),
    ],
)
def test_criteria_that_mean_nothing_are_refused_with_the_reason(
    api: Api, zoo: dict[str, Any], criteria: dict[str, Any], names: list[str]
) -> None:
    document = problem(api.post(REPOSITORIES, {"criteria": criteria}), 400, "PLP0015", property_names=names)

    if names == ["criteria"]:
        assert [error["code"] for error in document["error"]["sub_errors"]] == ["PLP0000"]


def test_an_unknown_field_to_show_is_refused_with_a_sentence(api: Api, zoo: dict[str, Any]) -> None:
    document = problem(api.post(REPOSITORIES, {"criteria": {"fields": ["wings"]}}), 400, "PLP0015")

    assert "'wings'" in document["property_names"][0]
    assert "'repos'" in document["property_names"][0]


@pytest.mark.parametrize("path", [REPOSITORIES, DISTRIBUTORS])
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("filters=nonsense", ["filters"]),
        ("filters=" + "[" * 20_000, ["filters"]),
        ("filters=" + "[" * 100 + "]" * 100, ["filters"]),
        ("filters=%7B%22id%22%3ANaN%7D", ["filters"]),
        ("filters=%22%5Cud800%22", ["filters"]),
        ("sort=", ["sort"]),
        ("wings=2", ["wings"]),
        ("fields=id", ["fields"]),
        ("wings=2&sort=x", ["wings", "sort"]),
        ("limit=x", ["limit"]),
        ("limit=0", ["limit"]),
    ],
)
def test_a_query_that_cannot_be_read_is_refused_by_name(
    api: Api, zoo: dict[str, Any], path: str, query: str, names: list[str]
) -> None:
    problem(api.get(f"{path}?{query}"), 400, "PLP0015", property_names=names)


def test_the_flags_of_repositories_are_unknown_to_other_searches(api: Api, zoo: dict[str, Any]) -> None:
    problem(api.get(f"{DISTRIBUTORS}?details=true"), 400, "PLP0015", property_names=["details"])


def test_no_secret_can_be_searched_for(api: Api, zoo: dict[str, Any]) -> None:
    assert ids(api.post(REPOSITORIES, {"criteria": {"filters": {"importer_config.basic_auth_password": "s3cret"}}})) == []
    assert "s3cret" not in api.post(REPOSITORIES, {"criteria": {}, "details": True}).text


def test_there_is_no_search_for_importers(api: Api) -> None:
    problem(api.post("importers/search/", {"criteria": {}}), 404, "PLP0009")


@pytest.fixture
def things(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    """The zoo with five things: blue 0, red 1, blue 2, red 3, blue 4."""
    assert tasks.run_one(api.post("repositories/zoo/actions/sync/"))["state"] == "finished"


def names(response: Any) -> list[str]:
    """Return the numbers of the things that a search found."""
    assert response.status_code == 200, response.text
    return [unit["metadata"]["name"].removeprefix("thing-") for unit in response.json()]


def test_a_unit_is_shown_with_its_association(api: Api, things: None) -> None:
    (unit,) = api.post(UNITS, {"criteria": {"filters": {"unit": {"name": "thing-3"}}}}).json()

    assert unit.pop("_id") == {"$oid": unit.pop("id")}
    created, metadata = unit.pop("created"), unit.pop("metadata")
    assert unit.pop("updated") == created
    unit_id = unit.pop("unit_id")
    assert len(unit_id) == 36
    assert unit == {"_ns": "repo_content_units", "repo_id": "zoo", "unit_type_id": "thing"}
    assert isinstance(metadata.pop("_last_updated"), int)
    assert metadata == {
        "_id": unit_id,
        "_ns": "units_thing",
        "_content_type_id": "thing",
        "_storage_path": None,
        "downloaded": True,
        "pulp_user_metadata": {},
        "name": "thing-3",
        "colour": "red",
        "size": 3,
    }


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({"sort": {"unit": [["size", "ascending"]]}}, "01234"),
        ({"sort": {"unit": [["colour", "descending"], ["size", "descending"]]}}, "31420"),
        ({"filters": {"unit": {"colour": "red"}}, "sort": {"unit": [["size", 1]]}}, "13"),
        ({"filters": {"unit": {"size": {"$gte": 3}}}, "sort": {"unit": [["size", 1]]}}, "34"),
        ({"filters": {"association": {"created": {"$gt": "2013-01-01T00:00:00Z"}}}, "sort": {"unit": [["size", 1]]}}, "01234"),
        ({"filters": {"association": {"created": {"$lt": "2013-01-01T00:00:00Z"}}}}, ""),
        ({"type_ids": ["thing"], "sort": {"unit": [["size", 1]]}, "skip": 1, "limit": 2}, "12"),
        ({"type_ids": "thing", "filters": {"unit": {"name": {"$in": ["thing-0"]}}}, "remove_duplicates": True}, "0"),
        ({"type_ids": ["no"]}, ""),
    ],
)
def test_units_are_found_by_body_and_by_query_alike(api: Api, things: None, criteria: dict[str, Any], found: str) -> None:
    query: dict[str, Any] = {
        name: json.dumps(value) if name in ("filters", "sort") else value for name, value in criteria.items()
    }

    assert names(api.post(UNITS, {"criteria": criteria})) == list(found)
    assert names(api.get(f"{UNITS}?{urlencode(query, doseq=True)}")) == list(found)


def test_fields_cut_both_halves_of_a_unit(api: Api, things: None) -> None:
    criteria = {"filters": {"unit": {"name": "thing-3"}}, "fields": {"unit": ["size"], "association": ["created"]}}

    (unit,) = api.post(UNITS, {"criteria": criteria}).json()

    assert unit.keys() == {"_id", "unit_id", "unit_type_id", "created", "metadata"}
    assert unit["metadata"] == {"_id": unit["unit_id"], "_content_type_id": "thing", "size": 3}


def test_no_fields_leave_the_names_of_a_unit(api: Api, things: None) -> None:
    """Recorded of Pulp 2.8.3."""
    criteria = {"limit": 1, "fields": {"unit": [], "association": ["unit_id"]}}

    (unit,) = api.post(UNITS, {"criteria": criteria}).json()

    assert unit.keys() == {"_id", "unit_id", "unit_type_id", "metadata"}
    assert unit["metadata"].keys() == {"_id", "_content_type_id"}


def test_fields_of_one_half_leave_the_other_whole(api: Api, things: None) -> None:
    (unit,) = api.post(UNITS, {"criteria": {"limit": 1, "fields": {"unit": ["size"]}}}).json()

    assert unit.keys() >= {"_id", "_ns", "id", "repo_id", "created", "updated"}


@pytest.mark.parametrize(
    ("criteria", "names_"),
    [
        ({"filters": []}, ["filters"]),
        ({"filters": "x"}, ["filters"]),
        ({"filters": {"unit": {}, "wings": {}}}, ["wings"]),
        ({"sort": {"wings": []}}, ["wings"]),
        ({"fields": ["name"]}, ["fields"]),
        ({"fields": {"association": "x"}}, ["fields"]),
        ({"type_ids": 5}, ["type_ids"]),
    ],
)
def test_criteria_of_units_that_cannot_be_read_are_refused_by_name(
    api: Api, zoo: dict[str, Any], criteria: dict[str, Any], names_: list[str]
) -> None:
    problem(api.post(UNITS, {"criteria": criteria}), 400, "PLP0015", property_names=names_)


def test_a_repository_must_exist_before_its_criteria_are_looked_at(api: Api) -> None:
    for response in (api.post("repositories/nope/search/units/", {}), api.get("repositories/nope/search/units/?wings=2")):
        problem(response, 404, "PLP0009", resources={"repository": "nope"})


def test_a_repository_may_be_called_search_but_is_not_reached(api: Api) -> None:
    """As in Pulp: what is fixed comes before what is named."""
    assert api.post("repositories/", ZOO | {"id": "search"}).status_code == 201

    assert ids(api.get(REPOSITORIES)) == ["search"]
