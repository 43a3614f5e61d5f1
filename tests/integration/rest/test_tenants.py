"""Facades and their tenants through the REST door."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.engine import Engine

P = "facades/pugpig/tenants/"
ACME = P + "acme/"


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture(autouse=True)
def _acme(engine: Engine) -> None:
    engine.repositories.create("zoo")
    engine.tenants.add("pugpig", "acme")


def test_a_new_account_is_answered_with_its_place(api) -> None:
    response = api.post("facades/edgecast/tenants/", {"name": "0001"})

    document = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == "http://server.test" + document["_href"]
    assert document["_href"] == "/pulp/api/v2/facades/edgecast/tenants/0001/"
    assert [one["handle"] for one in document["channels"]] == [""]
    assert api.get("facades/edgecast/tenants/").json() == [document]
    assert api.get("facades/edgecast/tenants/0001/").json() == document


def test_a_channel_is_made_changed_and_removed(api) -> None:
    body = {"handle": "weekly", "settings": {"endpoint_prefix": "prod"}, "sources": [{"repository_id": "zoo"}]}

    (made,) = api.post(ACME + "channels/", body).json()["channels"]
    assert made["sources"] == [{"repository_id": "zoo", "distributor_id": "*"}]
    assert (made["is_default"], made["settings"]) == (True, {"endpoint_prefix": "prod"})

    source = {"repository_id": "zoo", "handle": "weekly"}
    assert api.post(ACME + "actions/remove_source/", source).json()["channels"][0]["sources"] == []
    assert api.post(ACME + "actions/add_source/", source).json()["channels"] == [made]
    assert api.delete(ACME + "channels/weekly/").json()["channels"] == []


def test_a_secret_is_shown_once(api, engine: Engine) -> None:
    api.post(ACME + "channels/", {"handle": "weekly"})

    answer = api.post(
        ACME + "tokens/", {"name": "app", "handle": "weekly", "scopes": ["act"], "expires": "2999-01-01T00:00:00Z"}
    )

    document = answer.json()
    found = engine.tenants.authenticate("pugpig", document["token"])
    assert (answer.status_code, found and found.scopes) == (201, ("act",))
    assert document["expires"] == "2999-01-01T00:00:00Z"
    assert document["token"] not in api.get(ACME).text
    assert api.delete(ACME + "tokens/app/").status_code == 200
    assert engine.tenants.authenticate("pugpig", document["token"]) is None


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("facades/akamai/tenants/", {"name": "x"}, 404, "facade"),
        (P, {}, 400, "name"),
        (P, {"name": "A"}, 400, "name"),
        (P, {"name": "acme"}, 409, "acme"),
        (P, {"name": "b", "color": 1}, 400, "color"),
        (ACME + "channels/", {"handle": "weekly", "sources": [{"repository_id": "farm"}]}, 404, "farm"),
        (ACME + "channels/", {"handle": "weekly", "sources": ["zoo"]}, 400, "sources"),
        (ACME + "channels/", {"handle": "weekly", "is_default": 1}, 400, "is_default"),
        (ACME + "channels/", {"handle": "weekly", "settings": {"color": 1}}, 400, "color"),
        (ACME + "tokens/", {"name": "app"}, 400, "handle"),
        (ACME + "tokens/", {"name": "app", "handle": "daily"}, 404, "daily"),
        (ACME + "tokens/", {"name": "app", "handle": "x", "expires": "soon"}, 400, "expires"),
        (ACME + "actions/add_source/", {"repository_id": "zoo", "handle": "daily"}, 404, "daily"),
    ],
)
def test_what_is_refused_is_named(api, path: str, body: Any, status: int, named: str) -> None:
    answer = api.post(path, body)

    assert (answer.status_code, named in answer.json()["error"]["description"]) == (status, True), answer.text


def test_the_facades_tell_whether_and_where_they_are_served(api) -> None:
    documents = {one["facade"]: one for one in api.get("facades/").json()}

    assert list(documents) == ["edgecast", "livingdocs", "pugpig"]
    assert documents["edgecast"] == {
        "_href": "/pulp/api/v2/facades/edgecast/tenants/",
        "facade": "edgecast",
        "is_served": True,
        "hosts": [],
        "scopes": ["status", "deploy"],
    }
