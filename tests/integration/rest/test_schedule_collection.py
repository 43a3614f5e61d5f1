"""All schedules at one place, with those of tasks; an extension."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.engine import Engine
from entrepot.repositories.task_table import TASKS
from entrepot.testing import drain

from .sample_tasks import echo
from .test_schedules import problem

ECHO = f"{echo.__module__}.echo"
FAR = "2999-01-01T02:00:00Z/P1D"
SYNC = "repositories/zoo/importers/iso_importer/schedules/sync/"


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture(autouse=True)
def _zoo(engine: Engine) -> None:
    """A repository with an importer, and a task type that the server knows."""
    engine.repositories.create("zoo", importer_type_id="iso_importer")
    engine.registry.type_of(echo)


def test_a_schedule_of_a_task_is_answered_with_its_place(api: Any) -> None:
    body = {"schedule": "R2/" + FAR, "task": ECHO, "args": [{"a": None}], "kwargs": {"loud": True}, "overlap": "queue"}

    response = api.post("schedules/", body)

    document = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == "http://server.test" + document["_href"]
    assert document["_href"] == f"/pulp/api/v2/schedules/{document['_id']}/"
    assert {name: document[name] for name in body} == body
    assert (document["kind"], document["resource"], document["repo_id"], document["plugin_id"]) == ("task", None, None, None)
    assert (document["remaining_runs"], document["next_run"]) == (2, "2999-01-01T02:00:00Z")
    assert api.get(f"schedules/{document['_id']}/").json() == document


def test_schedules_of_syncs_are_here_and_at_their_own_place(api: Any) -> None:
    made = [api.post(SYNC, {"schedule": FAR}).json(), api.post("schedules/", {"schedule": FAR, "task": ECHO}).json()]
    here = f"schedules/{made[0]['_id']}/"

    assert api.get("schedules/").json() == made
    assert api.get(here).json() == made[0]
    assert api.put(here, {"enabled": False}).json() == api.get(f"{SYNC}{made[0]['_id']}/").json()
    assert (api.delete(here).status_code, api.get(SYNC).json()) == (200, [])
    problem(api.delete(here), 404, "PLP0009")


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        ({}, "PLP0016", ["task"]),
        ({"task": ECHO}, "PLP0015", ["schedule"]),
        ({"task": ECHO, "schedule": "PT0S", "enabled": 1}, "PLP0015", ["schedule", "enabled"]),
        ({"task": "no.such.type", "schedule": FAR}, "PLP0015", ["task"]),
        ({"task": 7, "schedule": FAR}, "PLP0015", ["task"]),
        ({"task": ECHO, "schedule": FAR, "args": {}}, "PLP0015", ["args"]),
        ({"task": ECHO, "schedule": FAR, "args": [1, 2, 3]}, "PLP0015", ["args", "kwargs"]),
        ({"task": ECHO, "schedule": FAR, "override_config": {}}, "PLP0017", ["override_config"]),
        ({"task": ECHO, "schedule": FAR, "foo": 1}, "PLP0017", ["foo"]),
    ],
)
def test_a_schedule_that_cannot_be_made_is_refused_by_name(api: Any, body: dict[str, Any], code: str, names: list[str]) -> None:
    document = problem(api.post("schedules/", body), 400, code)

    assert document["error"]["data"]["property_names"] == names
    assert api.get("schedules/").json() == []


def test_only_a_super_user_schedules_tasks_of_the_engine_itself(api: Any, engine: Engine) -> None:
    engine.access.create_user("jim", password="jim's password")
    engine.access.grant_to_user("jim", "/v2/schedules/", [Operation.CREATE])
    himself = api.as_("jim", "jim's password")

    for name, *_ in TASKS:
        problem(himself.post("schedules/", {"schedule": FAR, "task": name, "args": ["zoo"]}), 400, "PLP0000")
    assert himself.post("schedules/", {"schedule": FAR, "task": ECHO}).status_code == 201
    assert api.post("schedules/", {"schedule": FAR, "task": TASKS[0][0], "args": ["zoo"]}).status_code == 201


def test_a_schedule_runs_out_of_turn(api: Any, engine: Engine) -> None:
    place = f"schedules/{api.post('schedules/', {'schedule': FAR, 'task': ECHO, 'args': ['rung']}).json()['_id']}/"

    response = api.post(f"{place}actions/run_now/")

    drain(engine)
    (task,) = response.json()["spawned_tasks"]
    assert response.status_code == 202
    assert engine.tasks.get(task["task_id"]).result == ["rung", False]
    assert api.get(place).json()["next_run"] == "2999-01-01T02:00:00Z"


def test_the_list_is_narrowed_and_comes_in_the_order_of_runs(api: Any) -> None:
    late, task = api.post(SYNC, {"schedule": FAR}).json(), api.post("schedules/", {"schedule": "PT1H", "task": ECHO}).json()
    off = api.post(SYNC, {"schedule": "PT1H", "enabled": False}).json()

    assert api.get("schedules/?limit=50").json() == [task, late, off]
    assert api.get("schedules/?skip=1&limit=1").json() == [late]
    assert api.get("schedules/?repo_id=zoo&kind=sync&enabled=true").json() == [late]
    assert api.get("schedules/?enabled=false").json() == [off]
    assert api.get("schedules/?repo_id=bar").json() == []
    problem(api.get("schedules/?kind=bake"), 400, "PLP0015")
    problem(api.get("schedules/?enabled=perhaps"), 400, "PLP0015")


def test_the_runs_of_a_schedule_are_told_the_newest_first(api: Any, engine: Engine) -> None:
    place = f"schedules/{api.post('schedules/', {'schedule': 'PT1H', 'task': ECHO, 'args': ['rung']}).json()['_id']}/"
    engine.schedules.go_round()
    drain(engine)
    task_id = api.post(f"{place}actions/run_now/").json()["spawned_tasks"][0]["task_id"]

    by_hand, first = api.get(f"{place}runs/").json()

    assert (by_hand["task_id"], by_hand["number"], by_hand["due"], by_hand["state"]) == (task_id, None, None, "waiting")
    assert (first["number"], first["state"], first["error"]) == (1, "finished", None)
    assert api.get(f"{place}runs/?limit=1&before={by_hand['row_id']}").json() == [first]
    problem(api.get(f"{place}runs/?limit=0"), 400, "PLP0015")
    problem(api.get(f"{place}runs/?before=now"), 400, "PLP0015")


def test_a_preview_tells_the_next_runs_in_figures_and_in_words(api: Any) -> None:
    place = f"schedules/{api.post(SYNC, {'schedule': 'R2/' + FAR}).json()['_id']}/"
    runs = ["2999-01-01T02:00:00Z", "2999-01-02T02:00:00Z"]
    expected = {"schedule": "R2/" + FAR, "time_zone": None, "sentence": "every day at 02:00 UTC, 2 times", "runs": runs}

    assert api.get(f"{place}preview/").json() == expected
    assert api.get(f"{place}preview/?count=1").json() == expected | {"runs": runs[:1]}
    assert api.post("schedules/actions/preview/", {"schedule": "R2/" + FAR}).json() == expected
    assert api.post("schedules/actions/preview/", {"schedule": "2999-01-01T02:00:00Z/PT1.5S", "count": 2}).json()["runs"] == [
        "2999-01-01T02:00:00Z",
        "2999-01-01T02:00:01.500000Z",
    ]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, ["schedule"]),
        ({"schedule": "nonsense"}, ["schedule"]),
        ({"schedule": FAR, "time_zone": "Nowhere"}, ["time_zone"]),
        ({"schedule": FAR, "count": 101}, ["count"]),
        ({"schedule": FAR, "count": "5"}, ["count"]),
        ({"schedule": FAR, "enabled": True}, ["enabled"]),
    ],
)
def test_a_preview_that_cannot_be_made_is_refused_by_name(api: Any, body: dict[str, Any], names: list[str]) -> None:
    document = problem(api.post("schedules/actions/preview/", body), 400, "PLP0015")

    assert document["property_names"] == names


@pytest.mark.parametrize("count", ["0", "101", "-1", "x", "", "9" * 30])
def test_a_preview_of_no_possible_length_is_refused(api: Any, count: str) -> None:
    place = f"schedules/{api.post(SYNC, {'schedule': FAR}).json()['_id']}/"

    assert problem(api.get(f"{place}preview/?count={count}"), 400, "PLP0015")["property_names"] == ["count"]


@pytest.mark.parametrize("schedule_id", ["0" * 24, "nonsense", "%00"])
def test_a_schedule_that_is_not_there_is_not_found(api: Any, schedule_id: str) -> None:
    place = f"schedules/{schedule_id}/"

    for response in (
        api.get(place),
        api.put(place, {}),
        api.delete(place),
        api.post(f"{place}actions/run_now/"),
        api.get(f"{place}preview/"),
    ):
        assert problem(response, 404, "PLP0009")["resources"].keys() == {"schedule_id"}


def test_what_is_permitted_on_a_repository_is_permitted_on_its_schedules_here(api: Any, engine: Engine) -> None:
    engine.access.create_user("keeper", password="keeper's password")
    engine.access.grant_to_user("keeper", "/v2/repositories/zoo/", list(Operation))
    keeper = api.as_("keeper", "keeper's password")
    engine.repositories.create("farm", importer_type_id="iso_importer")
    others = [engine.schedules.create_sync("farm", "iso_importer", FAR), engine.schedule(FAR, echo)]
    here = f"schedules/{keeper.post(SYNC, {'schedule': FAR}).json()['_id']}/"

    assert keeper.get(here).status_code == 200
    assert keeper.put(here, {"enabled": False}).status_code == 200
    assert keeper.get(f"{here}preview/").status_code == 200
    assert keeper.post(f"{here}actions/run_now/").status_code == 202
    assert keeper.delete(here).status_code == 200
    problem(keeper.get("schedules/"), 401, "PLP0026")
    for other in (*(report.schedule_id for report in others), "0" * 24):
        problem(keeper.get(f"schedules/{other}/"), 401, "PLP0026")
        problem(keeper.delete(f"schedules/{other}/"), 401, "PLP0026")


@pytest.mark.parametrize("place_of_deletion", ["schedules/", SYNC])
def test_grants_on_a_schedule_go_with_it_wherever_it_is_deleted(api: Any, engine: Engine, place_of_deletion: str) -> None:
    schedule_id = api.post(SYNC, {"schedule": FAR}).json()["_id"]
    places = [f"/v2/schedules/{schedule_id}/", f"/v2/{SYNC}{schedule_id}/"]
    engine.access.create_user("jim", password="jim's password")
    for place in places:
        engine.access.grant_to_user("jim", place, [Operation.READ])
    assert api.as_("jim", "jim's password").get(f"schedules/{schedule_id}/").status_code == 200

    assert api.delete(f"{place_of_deletion}{schedule_id}/").status_code == 200

    assert [api.get("permissions/", params={"resource": place}).json() for place in places] == [[], []]


def test_who_makes_a_schedule_may_do_everything_to_it(api: Any, engine: Engine) -> None:
    engine.access.create_user("jim", password="jim's password")
    engine.access.grant_to_user("jim", "/v2/schedules/", [Operation.CREATE])
    himself = api.as_("jim", "jim's password")

    place = f"schedules/{himself.post('schedules/', {'schedule': FAR, 'task': ECHO}).json()['_id']}/"

    assert himself.get(place).status_code == 200
    assert himself.post(f"{place}actions/run_now/").status_code == 202
    assert himself.delete(place).status_code == 200
    assert api.get("permissions/", params={"resource": f"/v2/{place}"}).json() == []
