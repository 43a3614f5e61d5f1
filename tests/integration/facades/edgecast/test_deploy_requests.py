"""Deploy requests: submit, get, latest and cancel, for whom a token lets, of what the account sees."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.engine import Engine
from entrepot.facades.edgecast import EdgecastDoor
from entrepot.facades.limits import Buckets
from entrepot.testing import drain

from .conftest import ACCOUNT, REQUESTS, STATUS, Client, add_deploy


def submitted(client: Client, policy: object = "zoo", environment: object = "production", **more: Any) -> tuple[int, Any]:
    """Return status and document of the answer to a deploy request."""
    body = {"policy_id": policy, "environment": environment, **more}
    answer = client.get(REQUESTS, method="POST", json=body, authorization=f"Bearer {client.token}")
    return answer.status_code, answer.json()


def ids(client: Client, query: str = "") -> list[int]:
    """Return the ids of the latest deploy requests."""
    answer = client.get(f"{REQUESTS}/latest?{query}")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["total_items"] == len(document["items"])
    return [int(item["id"]) for item in document["items"]]


def test_a_deploy_that_is_asked_for_is_told_as_the_vendors_client_reads_it(engine: Engine, client: Client) -> None:
    status, document = submitted(client, message="Fresh <hay> für alle")

    created = document.pop("created_at")
    assert (status, document.pop("updated_at")) == (200, created)
    assert created.endswith("Z")
    assert document == {
        "@id": f"{REQUESTS}/1",
        "@type": "DeployRequest",
        "@links": [],
        "id": "1",
        "state": "submitted",
        "environment": "production",
        "message": "Fresh <hay> für alle",
        "customer_id": "0001",
        "is_visible": True,
        "policies": {"@type": "Policy", "id": "zoo:edge", "name": "zoo/edge"},
        "history": [{"state": "submitted", "created_at": created, "message": "Fresh <hay> für alle"}],
        "user": {"id": "edgecast:0001:primary"},
    }
    assert client.get(f"{REQUESTS}/1").json()["message"] == "Fresh <hay> für alle"
    assert engine.edges.get_deploy(1).state == "new"


def test_a_deploy_is_approved_and_deployed_and_an_earlier_one_can_be_deployed_again(engine: Engine, client: Client) -> None:
    engine.repositories.get("zoo").publish("web")
    drain(engine)
    submitted(client, "zoo:edge")
    drain(engine)

    deployed = client.get(f"{REQUESTS}/1").json()
    status, again = submitted(client, deployed["policies"]["id"])

    assert (deployed["state"], deployed["policies"]["id"]) == ("deployed", "zoo:edge:1")
    assert [step["state"] for step in deployed["history"]] == ["submitted", "approved", "deployed"]
    assert (status, again["id"], again["policies"]["id"]) == (200, "2", "zoo:edge:1")
    assert submitted(client, "zoo:edge")[0] == 409


def test_what_a_token_has_changed_is_in_the_audit_log(engine: Engine, client: Client) -> None:
    submitted(client)
    submitted(client)  # is refused: the first has not ended
    client.get(f"{REQUESTS}/latest")
    client.get(f"{REQUESTS}/1", method="DELETE")

    entries = engine.access.list_audit(door="edgecast")
    assert [(entry.action, entry.via, entry.outcome) for entry in entries] == [
        ("cancel deploy", "token", "done"),
        ("request deploy", "token", "done"),
    ]
    assert entries[0].resource.endswith("/deploy-requests/1")
    assert entries[0].login.startswith("edgecast:")


def test_a_second_request_waits_for_the_end_of_the_first(client: Client) -> None:
    submitted(client)

    status, document = submitted(client)
    canceled = client.get(f"{REQUESTS}/1", method="DELETE")
    again = client.get(f"{REQUESTS}/1", method="DELETE")

    assert (status, list(document)) == (409, ["Message"])
    assert "Deploy 1 " in document["Message"]
    assert (canceled.status_code, canceled.json()["state"]) == (200, "canceled")
    assert canceled.json()["history"][-1]["message"] == "It was canceled."
    assert again.status_code == 409
    assert submitted(client)[0] == 200


@pytest.mark.parametrize(
    ("policy", "environment", "why"),
    [
        ("farm", "production", "Policy not found"),
        ("zoo:web", "production", "Policy not found"),
        ("zoo:edge:9", "production", "Policy not found"),
        ("zoo", "staging", "The policy is not deployed to staging"),
        ("zoo", "moon", "environment must be production or staging"),
        ("zoo:edge:x", "production", "policy_id must be repository, repository:distributor or repository:distributor:revision"),
        (None, "production", "policy_id must be repository, repository:distributor or repository:distributor:revision"),
        (7, "production", "Policy not found"),
    ],
)
def test_what_cannot_be_deployed_so_is_refused(
    engine: Engine, client: Client, policy: object, environment: str, why: str
) -> None:
    engine.repositories.create("farm")  # which the account does not see

    assert submitted(client, policy, environment) == (400, {"Message": why})
    assert engine.edges.list_deploys() == []


def test_a_body_that_is_no_request_is_refused(client: Client) -> None:
    assert client.said(REQUESTS, method="POST") == (400, "The request body must be JSON")
    assert client.said(REQUESTS, method="POST", json=[])[0] == 400
    assert submitted(client, message="x" * 3000)[0] == submitted(client, message=7)[0] == 400
    assert client.said(REQUESTS, method="POST", json={"message": "x" * 70_000}) == (413, "Request Entity Too Large")


def test_several_distributors_that_fit_must_be_told_apart(engine: Engine, client: Client) -> None:
    config = {"source": "web", "environment": "staging"}
    zoo = engine.repositories.get("zoo")
    zoo.add_distributor("edge_distributor", config, distributor_id="try")
    zoo.add_distributor("edge_distributor", {"source": "web"}, distributor_id="edge2")

    ambiguous = "The policy has several distributors: name one, as repository:distributor"
    assert submitted(client) == (400, {"Message": ambiguous})
    assert submitted(client, environment="staging")[1]["policies"]["id"] == "zoo:try"
    assert submitted(client, "zoo:edge2")[0] == 200


def test_the_latest_requests_are_narrowed_and_only_those_that_the_account_sees(engine: Engine, client: Client) -> None:
    add_deploy(engine, id=1, state="propagated", message="Fresh hay")
    add_deploy(engine, id=2, state="failed", environment="staging", distributor_id="try", revision=4)
    add_deploy(engine, id=3, state="superseded")
    add_deploy(engine, id=4, repository_id="farm")
    add_deploy(engine, id=5, state="propagating")

    assert ids(client) == [5, 3, 2, 1]
    assert ids(client, "environment=staging") == ids(client, "state=rejected") == ids(client, "policy.id=zoo:try:4") == [2]
    assert ids(client, "state=canceled&platform_id=http_large") == [3]
    assert ids(client, "search=fresh+HAY&state=") == [1]
    assert ids(client, "policy.id=zoo:edge,zoo:try&state=approved") == [5]
    assert ids(client, "state=escalated") == ids(client, "policy.id=farm") == []
    for wrong in ("state=done", "environment=moon", "platform_id=x", "policy.id=a:b:c:d"):
        assert client.said(f"{REQUESTS}/latest?{wrong}")[0] == 400, wrong


def test_more_than_a_page_of_others_does_not_hide_ones_own(engine: Engine, client: Client) -> None:
    engine.tenants.remove_source("edgecast", ACCOUNT, "zoo")
    engine.tenants.add_source("edgecast", ACCOUNT, "zoo", "edge")
    for number in range(1, 62):
        add_deploy(engine, id=number, state="propagated", distributor_id="edge" if number == 3 else "other")

    assert ids(client) == [3]


def test_one_must_be_allowed_to_deploy(engine: Engine, client: Client) -> None:
    add_deploy(engine, id=1)
    _, reader = engine.tenants.issue_token("edgecast", ACCOUNT, "backup", scopes=["status"])

    for path in (f"{REQUESTS}/1", f"{REQUESTS}/latest"):
        assert client.get(path, authorization=f"bearer {client.token}").status_code == 200
        assert client.said(path, authorization=f"Bearer {reader}") == (403, "Access Denied")
        assert client.said(path, authorization="") == (403, "Access Denied")


def test_who_acts_for_another_account_is_refused(engine: Engine, client: Client) -> None:
    add_deploy(engine, id=1)

    assert client.get(f"{REQUESTS}/1", Portals_CustomerId="1").status_code == 200  # 0001 as the vendor's client writes it
    assert client.said(f"{REQUESTS}/1", Portals_CustomerId="16") == (403, "Access Denied")


def test_a_request_that_is_not_there_or_not_the_accounts_is_not_found(engine: Engine, client: Client) -> None:
    add_deploy(engine, id=4, repository_id="farm")

    for method in ("GET", "DELETE"):
        for unknown in (4, 7):
            assert client.said(f"{REQUESTS}/{unknown}", method=method) == (404, "Deploy request not found")
    assert client.said(f"{REQUESTS}/x") == (400, "The deploy request ID must be a number")
    assert engine.edges.get_deploy(4).state == "propagating"


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [("", "GET", "POST"), ("/latest", "POST", "GET, HEAD"), ("/1", "PUT", "GET, HEAD, DELETE")],
)
def test_a_method_that_is_not_there_is_answered_by_those_that_are(client: Client, path: str, method: str, allowed: str) -> None:
    answer = client.get(f"{REQUESTS}{path}", method=method)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_a_token_that_asks_too_often_is_told_when_to_come_back(client: Client, door: EdgecastDoor) -> None:
    door._limits = Buckets(0.4, 1, lambda: 0.0)

    answers = [client.get(f"{REQUESTS}/latest"), client.get(f"{REQUESTS}/latest")]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["retry-after"] == "3"


def test_what_breaks_here_is_told_without_details(
    client: Client, door: EdgecastDoor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(door.engine.edges), "get_deploy", lambda *_: 1 / 0)

    assert client.said() == (500, "Operation Error. Contact Administrator")
    assert "ZeroDivisionError" in caplog.text


def test_the_description_names_each_endpoint(client: Client) -> None:
    document = client.get("/rules-engine/v1.1/openapi.json", authorization="").json()

    assert client.get("/v2/mcc/openapi.json", authorization="").json() == document
    assert {path: sorted(methods) for path, methods in document["paths"].items()} == {
        STATUS.replace("0001", "{AccountNumber}").replace("123456", "{DeployRequestID}"): ["get"],
        REQUESTS: ["post"],
        f"{REQUESTS}/latest": ["get"],
        f"{REQUESTS}/{{DeployRequestID}}": ["delete", "get"],
    }
