"""Deploys, POPs and servers through the REST door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.engine import Engine
from entrepot.testing import drain

POPS, SERVERS, DEPLOYS = "edge/pops/", "edge/servers/", "edge/deploys/"
ASKED = {"repository_id": "zoo", "distributor_id": "edge"}


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture
def berlin(engine: Engine, tmp_path: Path) -> int:
    """A POP with two servers, folders, of which one is not there, and a repository that is deployed to it."""
    repository = engine.repositories.create("zoo")
    repository.add_distributor("iso_distributor", None, distributor_id="web")
    repository.add_distributor("edge_distributor", {"source": "web", "retries": 0}, distributor_id="edge")
    repository.publish("web")
    drain(engine)
    pop_id = engine.edges.add_pop("Europe : Berlin (BER)").pop_id
    (tmp_path / "up").mkdir()
    engine.edges.add_servers(pop_id, [str(tmp_path / "up"), str(tmp_path / "down")])
    return pop_id


def test_a_pop_and_its_servers_are_answered_with_their_places(api) -> None:
    made = api.post(POPS, {"name": "Europe : Berlin (BER)", "network": "press", "max_pushes": 2})
    pop = made.json()
    server = api.post(SERVERS, {"pop_id": pop["pop_id"], "url": "sftp://a@b/c", "options": {"password": "secret"}})
    several = api.post(SERVERS, {"pop_id": pop["pop_id"], "urls": ["/srv/a", "/srv/b"]})

    assert (made.status_code, server.status_code, several.status_code) == (201, 201, 201)
    assert made.headers["location"] == "http://server.test" + pop["_href"]
    assert pop == {
        "_href": f"/pulp/api/v2/edge/pops/{pop['pop_id']}/",
        "pop_id": pop["pop_id"],
        "network": "press",
        "name": "Europe : Berlin (BER)",
        "region": "Europe",
        "location": "Berlin",
        "code": "BER",
        "max_pushes": 2,
        "servers": 0,
    }
    assert server.json()["options"] == {"password": "*****"}
    assert api.get(SERVERS + f"?pop_id={pop['pop_id']}").json() == [server.json(), *several.json()]
    assert several.headers["location"].endswith(f"/edge/servers/?pop_id={pop['pop_id']}")
    assert api.get(f"{SERVERS}{server.json()['server_id']}/").json() == server.json()
    assert api.get(POPS + "?network=press").json() == [pop | {"servers": 3}] == [api.get(f"{POPS}{pop['pop_id']}/").json()]
    assert api.get(POPS + "?network=default").json() == []
    assert api.delete(f"{SERVERS}{server.json()['server_id']}/").json() is None
    assert api.delete(f"{POPS}{pop['pop_id']}/").status_code == 200
    assert api.get(SERVERS).json() == []


def test_a_deploy_is_asked_for_and_tells_which_server_failed(api, engine: Engine, berlin: int, tmp_path: Path) -> None:
    asked = api.post(DEPLOYS, ASKED | {"message": "spring"})
    document = asked.json()
    here = f"{DEPLOYS}{document['deploy_id']}/"
    drain(engine)

    assert (asked.status_code, asked.headers["location"]) == (201, "http://server.test" + document["_href"])
    assert (document["state"], document["requested_by"], document["message"], document["pops"]) == (
        "new",
        "admin",
        "spring",
        [],
    )
    ended = api.get(here).json()
    assert (ended["state"], ended["revision"], ended["servers"], ended["done"], ended["failed"]) == ("failed", 1, 2, 1, 1)
    assert ended["pops"] == [{"pop_id": berlin, "name": "Europe : Berlin (BER)", "servers": 2, "done": 1, "failed": 1}]
    pushes = {push["url"]: push for push in api.get(here + "pushes/", params={"pop_id": berlin}).json()}
    down = pushes[str(tmp_path / "down")]
    assert (down["state"], down["attempts"], down["acked"]) == ("failed", 1, None)
    assert "down" in down["error"]
    assert pushes[str(tmp_path / "up")]["state"] == "done"
    assert api.get(here + "pushes/?pop_id=77").json() == []

    (tmp_path / "down").mkdir()
    again = api.post(here + "actions/push_again/", {"pop_id": berlin})
    assert (again.status_code, again.json()["state"]) == (200, "propagating")
    drain(engine)
    assert api.get(here).json()["state"] == "propagated"


def test_a_list_is_narrowed_and_paged(api, engine: Engine, berlin: int) -> None:
    first = api.post(DEPLOYS, ASKED).json()
    api.post(f"{DEPLOYS}{first['deploy_id']}/actions/cancel/")
    second = api.post(DEPLOYS, ASKED).json()

    def ids(query: str) -> list[int]:
        return [one["deploy_id"] for one in api.get(DEPLOYS + query).json()]

    newest, oldest = second["deploy_id"], first["deploy_id"]
    assert ids("") == [newest, oldest]
    assert ids("?limit=1") == ids("?state=new") == [newest]
    assert ids(f"?before={newest}") == ids("?state=canceled&state=failed") == [oldest]
    assert ids("?repository_id=zoo&repository_id=farm&distributor_id=edge&environment=production") == [newest, oldest]
    assert ids("?repository_id=farm") == ids("?environment=staging") == ids("?distributor_id=web") == []


def test_a_deploy_belongs_to_those_who_may_its_repository(api, engine: Engine, berlin: int) -> None:
    for login, operations in (("reader", [Operation.READ]), ("editor", [Operation.EXECUTE]), ("nobody", [])):
        engine.access.create_user(login, password=login)
        if operations:
            engine.access.grant_to_user(login, "/v2/repositories/zoo/", operations)
    reader, editor, nobody = (api.as_(login, login) for login in ("reader", "editor", "nobody"))

    asked = editor.post(DEPLOYS, ASKED)
    here = f"{DEPLOYS}{asked.json()['deploy_id']}/"

    assert (asked.status_code, asked.json()["requested_by"]) == (201, "editor")
    assert [one["_href"] for one in reader.get(DEPLOYS).json()] == [asked.json()["_href"]]
    assert reader.get(DEPLOYS + "?repository_id=zoo").json() == reader.get(DEPLOYS).json()
    assert reader.get(here).json() == asked.json()
    assert nobody.get(DEPLOYS).json() == nobody.get(DEPLOYS + "?repository_id=zoo").json() == editor.get(DEPLOYS).json() == []
    refused = [nobody.get(here), reader.post(here + "actions/cancel/"), reader.post(DEPLOYS, ASKED), editor.get(POPS)]
    assert [answer.status_code for answer in refused] == [401] * 4
    assert nobody.post(DEPLOYS, ASKED | {"repository_id": "none"}).status_code == 401
    assert editor.post(here + "actions/cancel/").json()["state"] == "canceled"


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        (POPS, {}, 400, "name"),
        (POPS, {"name": "Berlin"}, 400, "name"),
        (POPS, {"name": "Europe : Berlin (BER)"}, 409, "Berlin"),
        (POPS, {"name": "Asia : Tokyo", "max_pushes": "4"}, 400, "max_pushes"),
        (POPS, {"name": "Asia : Tokyo", "max_pushes": 101}, 400, "max_pushes"),
        (POPS, {"name": "Asia : Tokyo", "network": "a b"}, 400, "network"),
        (POPS, {"name": "Asia : Tokyo", "color": 1}, 400, "color"),
        (SERVERS, {"url": "/srv"}, 400, "pop_id"),
        (SERVERS, {"pop_id": 1}, 400, "url"),
        (SERVERS, {"pop_id": 77, "url": "/srv"}, 404, "77"),
        (SERVERS, {"pop_id": 1 << 63, "url": "/srv"}, 400, "pop_id"),
        (SERVERS, {"pop_id": 1, "url": "gopher://x"}, 400, "url"),
        (SERVERS, {"pop_id": 1, "url": "/srv", "options": {"port": 1}}, 400, "port"),
        (SERVERS, {"pop_id": 1, "urls": []}, 400, "urls"),
        (SERVERS, {"pop_id": 1, "urls": ["/a"], "url": "/b"}, 400, "urls"),
        (SERVERS, {"pop_id": 1, "urls": ["/a", "/a"]}, 409, "/a"),
        (DEPLOYS, {"repository_id": "zoo"}, 400, "distributor_id"),
        (DEPLOYS, ASKED | {"repository_id": "farm"}, 404, "farm"),
        (DEPLOYS, ASKED | {"distributor_id": "web"}, 400, "distributor_id"),
        (DEPLOYS, ASKED | {"revision": 9}, 404, "9"),
        (DEPLOYS, ASKED | {"revision": True}, 400, "revision"),
        (DEPLOYS, ASKED | {"message": 7}, 400, "message"),
        (DEPLOYS + "77/actions/cancel/", {}, 404, "77"),
        (DEPLOYS + "x/actions/push_again/", {}, 404, "x"),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_what_is_refused_is_named(api, path: str, body: Any, status: int, named: str) -> None:
    answer = api.post(path, body)

    assert (answer.status_code, named in answer.json()["error"]["description"]) == (status, True), answer.text


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "before=-1", "state=gone", "environment=mars"])
def test_a_list_that_cannot_be_is_refused(api, query: str) -> None:
    answer = api.get(f"{DEPLOYS}?{query}")

    assert (answer.status_code, query.partition("=")[0] in answer.json()["error"]["description"]) == (400, True), answer.text


def test_a_second_deploy_of_a_distributor_and_the_push_task_itself_are_refused(api, engine: Engine, berlin: int) -> None:
    engine.access.create_user("jim", password="jim")
    engine.access.grant_to_user("jim", "/v2/tasks/", [Operation.CREATE])
    api.post(DEPLOYS, ASKED)

    task = {"task_type": "entrepot.propagation.push", "args": [1, 1, 1, 1], "kwargs": {"retries": 0}}
    assert api.post(DEPLOYS, ASKED).status_code == 409
    refused = api.as_("jim", "jim").post("tasks/", task)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "PLP0000")


def test_only_super_users_name_a_command_or_a_folder_of_the_machine(api, engine: Engine, berlin: int) -> None:
    engine.access.create_user("jim", password="jim")
    engine.access.grant_to_user("jim", "/v2/edge/", [Operation.CREATE])
    server = {"pop_id": berlin, "url": "rsync+ssh://web@example.org/srv"}
    jim = api.as_("jim", "jim")

    assert jim.post(SERVERS, server).status_code == 201
    refused = jim.post(SERVERS, server | {"url": "rsync+ssh://web@example.org/www", "options": {"rsh": "ssh -v"}})
    assert (refused.status_code, "super users" in refused.json()["error"]["description"]) == (400, True)
    for url in ("/srv/edge", "FILE:///srv/edge", " file:///srv/edge"):
        assert jim.post(SERVERS, server | {"url": url}).status_code == 400
        assert jim.post(SERVERS, {"pop_id": berlin, "urls": ["https://example.org/a", url]}).status_code == 400
    assert [one["url"] for one in api.get(SERVERS).json() if "example.org" in one["url"]] == [server["url"]]
