"""Units whatever holds them, orphans, sources, and what tells publications apart. Source: the contract, 4.7 and 5.2 to 5.4."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.rest.conftest import Api
from tests.integration.rest.repositories.conftest import Tasks, problem

UNITS = "content/units/thing/"
ORPHANS = "content/orphans/"
NOWHERE = "0" * 8 + "-0000" * 3 + "-" + "0" * 12


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture
def things(api: Api, zoo: dict[str, Any], tasks: Tasks) -> dict[str, str]:
    """The ids of five things by their names, which `zoo` holds."""
    tasks.run_one(api.post("repositories/zoo/actions/sync/"))
    return {unit["name"]: unit["_id"] for unit in api.get(UNITS).json()}


@pytest.fixture
def orphaned(api: Api, things: dict[str, str], tasks: Tasks) -> dict[str, str]:
    """The ids of three of them, which no repository holds any more."""
    criteria = {"filters": {"unit": {"size": {"$lt": 3}}}}
    tasks.run_one(api.post("repositories/zoo/actions/unassociate/", {"criteria": criteria}))
    return {name: unit_id for name, unit_id in things.items() if name < "thing-3"}


def test_a_unit_is_shown_without_a_wrapper(api: Api, things: dict[str, str]) -> None:
    unit = api.get(f"{UNITS}{things['thing-1']}/").json()

    assert unit.keys() == {
        "_id",
        "_href",
        "_content_type_id",
        "_storage_path",
        "_created",
        "_last_updated",
        "downloaded",
        "pulp_user_metadata",
        "children",
        "name",
        "colour",
        "size",
    }
    assert unit["_href"] == f"/pulp/api/v2/{UNITS}{unit['_id']}/"
    assert (unit["name"], unit["colour"], unit["children"], unit["pulp_user_metadata"]) == ("thing-1", "red", {}, {})
    assert unit["_last_updated"].endswith("Z")
    assert api.get(f"{UNITS}{things['thing-1']}/?include_repos=true").json() == unit | {"repository_memberships": ["zoo"]}
    assert api.get(f"{UNITS}{things['thing-1']}/files/").json() == []


def test_units_of_a_type_that_nobody_knows_are_none(api: Api) -> None:
    assert api.get("content/units/wing/").json() == []
    assert api.post("content/units/wing/search/", {"criteria": {}}).json() == []
    assert api.get("content/units/wing/search/").json() == []


def test_units_are_found_by_their_fields(api: Api, things: dict[str, str]) -> None:
    criteria = {"filters": {"colour": "red"}, "sort": [["size", "descending"]], "limit": 1}

    (found,) = api.post(f"{UNITS}search/", {"criteria": criteria, "include_repos": True}).json()

    assert (found["name"], found["repository_memberships"]) == ("thing-3", ["zoo"])
    cut = api.post(f"{UNITS}search/", {"criteria": criteria | {"fields": ["name"]}}).json()
    assert cut == [{"_id": things["thing-3"], "_href": found["_href"], "children": {}, "name": "thing-3"}]
    by_query = api.get(f'{UNITS}search/?filters={{"name":"thing-2"}}&field=size&include_repos=true').json()
    assert [(unit["size"], unit["repository_memberships"]) for unit in by_query] == [(2, ["zoo"])]


def test_a_search_without_criteria_or_with_bad_ones_is_refused(api: Api) -> None:
    problem(api.post(f"{UNITS}search/", {}), 400, "PLP0016", missing_property_names=["criteria"])
    problem(api.post(f"{UNITS}search/", {"criteria": {"wings": 2}}), 400, "PLP0015", property_names=["wings"])
    problem(api.get(f"{UNITS}search/?wings=2"), 400, "PLP0015", property_names=["wings"])


def test_metadata_of_clients_are_kept_found_and_replaced(api: Api, things: dict[str, str]) -> None:
    place = f"{UNITS}{things['thing-1']}/pulp_user_metadata/"
    assert api.get(place).json() == {}

    kept = api.put(place, {"reviewed": {"by": "jim"}})

    assert (kept.status_code, kept.json()) == (200, None)
    assert api.get(place).json() == {"reviewed": {"by": "jim"}}
    filters = {"pulp_user_metadata.reviewed.by": "jim"}
    assert [unit["name"] for unit in api.post(f"{UNITS}search/", {"criteria": {"filters": filters}}).json()] == ["thing-1"]
    in_repository = api.post("repositories/zoo/search/units/", {"criteria": {"filters": {"unit": filters}}}).json()
    assert [unit["metadata"]["pulp_user_metadata"] for unit in in_repository] == [{"reviewed": {"by": "jim"}}]
    api.put(place, {"a": 1})
    assert api.get(f"{UNITS}{things['thing-1']}/").json()["pulp_user_metadata"] == {"a": 1}


@pytest.mark.parametrize("unit_id", [NOWHERE, "x", "%00"])
def test_a_unit_that_is_not_there_is_a_document_that_names_it(api: Api, things: dict[str, str], unit_id: str) -> None:
    for path in (f"{UNITS}{unit_id}/", f"{UNITS}{unit_id}/pulp_user_metadata/"):
        document = problem(api.get(path), 404, "PLP0009")
        assert document["resources"].keys() == {"content_type", "content_unit"}
    assert api.put(f"{UNITS}{unit_id}/pulp_user_metadata/", {}).status_code == 404
    assert api.get(f"content/units/wing/{things['thing-1']}/").status_code == 404


def test_orphans_are_counted_and_listed(api: Api, orphaned: dict[str, str]) -> None:
    assert api.get(ORPHANS).json()["thing"] == {"count": 3, "_href": "/pulp/api/v2/content/orphans/thing/"}

    found = api.get(f"{ORPHANS}thing/").json()

    assert [orphan["_id"] for orphan in found] == sorted(orphaned.values())
    one = next(orphan for orphan in found if orphan["name"] == "thing-1")
    assert one == {
        "_id": orphaned["thing-1"],
        "_content_type_id": "thing",
        "_href": f"/pulp/api/v2/content/orphans/thing/{orphaned['thing-1']}/",
        "name": "thing-1",
    }
    assert api.get(f"{ORPHANS}thing/{orphaned['thing-1']}/").json() == one
    assert api.get(f"{ORPHANS}thing/?limit=2").json() == found[:2]
    assert api.get(f"{ORPHANS}thing/?after={found[1]['_id']}").json() == found[2:]


def test_a_list_of_orphans_is_read_from_page_to_page(
    api: Api, orphaned: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrepot.rest.orphans._PAGE", 2)

    assert [orphan["_id"] for orphan in api.get(f"{ORPHANS}thing/").json()] == sorted(orphaned.values())
    assert len(api.get(f"{ORPHANS}thing/?limit=3").json()) == 3


def test_what_is_no_orphan_is_not_found(api: Api, things: dict[str, str]) -> None:
    problem(api.get(f"{ORPHANS}wing/"), 404, "PLP0009", resources={"content_type_id": "wing"})
    problem(api.delete(f"{ORPHANS}wing/"), 404, "PLP0009", resources={"content_type_id": "wing"})
    held = {"content_type": "thing", "content_unit": things["thing-4"]}
    problem(api.get(f"{ORPHANS}thing/{things['thing-4']}/"), 404, "PLP0009", resources=held)
    problem(api.get(f"{ORPHANS}thing/?limit=0"), 400, "PLP0015", property_names=["limit"])


def test_orphans_are_deleted_one_those_of_a_type_or_all(api: Api, tasks: Tasks, orphaned: dict[str, str]) -> None:
    one = tasks.run_one(api.delete(f"{ORPHANS}thing/{orphaned['thing-0']}/"))
    left = api.get(ORPHANS).json()["thing"]["count"]
    of_type = tasks.run_one(api.delete(f"{ORPHANS}thing/"))
    everything = tasks.run_one(api.delete(ORPHANS))

    kind = "pulp.server.managers.content.orphan.delete_"
    assert [task["task_type"] for task in (one, of_type, everything)] == [
        f"{kind}orphans_by_id",
        f"{kind}orphans_by_type",
        f"{kind}all_orphans",
    ]
    assert [task["state"] for task in (one, of_type, everything)] == ["finished"] * 3
    assert all("pulp:content_unit:orphans" in task["tags"] for task in (one, of_type, everything))
    assert (left, api.get(ORPHANS).json()["thing"]["count"]) == (2, 0)
    assert sorted(unit["name"] for unit in api.get(UNITS).json()) == ["thing-3", "thing-4"]


def test_orphans_are_deleted_by_a_list_as_old_clients_do(
    api: Api, tasks: Tasks, things: dict[str, str], orphaned: dict[str, str]
) -> None:
    listed = [{"content_type_id": "thing", "unit_id": things[name]} for name in ("thing-0", "thing-4")]

    task = tasks.run_one(api.post("content/actions/delete_orphans/", listed))

    assert {"pulp:action:delete_orphans", "pulp:content_unit:orphans"} <= set(task["tags"])
    assert sorted(unit["name"] for unit in api.get(UNITS).json()) == ["thing-1", "thing-2", "thing-3", "thing-4"]
    lacking = api.post("content/actions/delete_orphans/", [{"content_type_id": "thing"}])
    problem(lacking, 400, "PLP0016", missing_property_names=["unit_id"])


def test_the_feed_of_an_importer_is_a_source(api: Api, zoo: dict[str, Any]) -> None:
    (source,) = api.get("content/sources/").json()

    assert (source["source_id"], source["type"], source["base_url"]) == ("zoo", "harness_importer", "http://feed.test/")
    assert (source["enabled"], source["paths"], source["file_count"]) == (True, [], 0)
    assert "s3cret" not in str(source)
    assert api.get("content/sources/zoo/").json() == source
    problem(api.get("content/sources/nope/"), 404, "PLP0009", resources={"source_id": "nope"})
    for source_id in ("zoo", "nope"):
        assert api.delete(f"content/catalog/{source_id}/").json() == {"deleted": 0}


def test_two_publications_are_compared(api: Api, tasks: Tasks, things: dict[str, str]) -> None:
    for count in (5, 10):
        tasks.run_one(api.post("repositories/zoo/actions/sync/", {"override_config": {"num_units": count}}))
        tasks.run_one(api.post("repositories/zoo/actions/publish/", {"id": "d1"}))
    place = "repositories/zoo/distributors/d1/publications/compare/"

    difference = api.get(f"{place}?before=1&after=2").json()

    assert difference == {
        "before": 1,
        "after": 2,
        "added": [],
        "changed": [{"path": "names", "size_before": 39, "size_after": 79}],
        "removed": [],
    }
    assert api.get(f"{place}?before=2&after=2").json()["changed"] == []
    problem(api.get(f"{place}?before=1"), 400, "PLP0016", missing_property_names=["after"])
    problem(api.get(f"{place}?before=x&after=1"), 400, "PLP0015", property_names=["before"])
    assert problem(api.get(f"{place}?before=1&after=7"), 404, "PLP0009")["resources"]
