"""API tokens through the REST door, an extension: each user has his own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from entrepot import clock
from entrepot.access import Operation
from entrepot.engine import Engine

TOKEN_KEYS = {"_href", "_id", "_ns", "id", "login", "name", "created", "expires", "last_used"}


@pytest.fixture
def himself(api, engine: Engine):
    """The door, asked by jim, who has no grants but for those that everybody has."""
    engine.access.create_user("jim", password="jim's password")
    return api.as_("jim", "jim's password")


def problem(response: Any, status: int, code: str) -> Any:
    """Return the document of a refusal after a look at what all of them have."""
    document = response.json()
    assert (response.status_code, document["http_status"], document["error"]["code"]) == (status, status, code), document
    assert "location" not in response.headers
    return document


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def test_a_token_stands_for_its_user_and_is_shown_once(api, himself) -> None:
    response = himself.post("tokens/", {"name": "ci"})

    document = response.json()
    secret = document.pop("token")
    assert response.status_code == 201
    assert response.headers["location"] == "http://server.test" + document["_href"]
    assert document.keys() == TOKEN_KEYS
    assert document["_href"] == f"/pulp/api/v2/tokens/{document['id']}/"
    assert document["_id"] == {"$oid": document["id"]}
    assert (document["login"], document["name"], document["expires"], document["last_used"]) == ("jim", "ci", None, None)

    assert api.as_(None).get("users/jim/", headers=bearer(secret)).status_code == 200
    listed = himself.get("tokens/")
    assert secret not in listed.text
    assert [each | {"last_used": None} for each in listed.json()] == [document]
    assert listed.json()[0]["last_used"] is not None
    assert himself.get(f"tokens/{document['id']}/").json() == listed.json()[0]


def test_a_token_may_expire(himself) -> None:
    document = himself.post("tokens/", {"name": "ci", "expires": "2999-01-31T13:00:00+01:00"}).json()

    assert document["expires"] == "2999-01-31T12:00:00Z"


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        ({}, "PLP0016", ["name"]),
        ({"name": 5}, "PLP0015", ["name"]),
        ({"name": ""}, "PLP0015", ["name"]),
        ({"name": "ci", "expires": "2001-01-01T00:00:00Z"}, "PLP0015", ["expires"]),
        ({"name": "ci", "expires": "tomorrow"}, "PLP0015", ["expires"]),
        ({"name": "ci", "expires": 5}, "PLP0015", ["expires"]),
        ({"name": "ci", "token": "x"}, "PLP0015", ["token"]),
    ],
)
def test_a_token_that_cannot_be_made_is_refused_by_name(himself, body: dict[str, Any], code: str, names: list[str]) -> None:
    document = problem(himself.post("tokens/", body), 400, code)

    assert document["error"]["data"]["property_names"] == names
    assert himself.get("tokens/").json() == []


def test_the_name_of_a_token_is_given_once(himself) -> None:
    assert himself.post("tokens/", {"name": "ci"}).status_code == 201

    problem(himself.post("tokens/", {"name": "ci"}), 409, "PLP0018")


def test_a_revoked_token_counts_for_nothing(api, himself) -> None:
    document = himself.post("tokens/", {"name": "ci"}).json()

    response = himself.delete(f"tokens/{document['id']}/")

    assert (response.status_code, response.json()) == (200, None)
    problem(api.as_(None).get("users/jim/", headers=bearer(document["token"])), 401, "PLP0030")
    assert problem(himself.delete(f"tokens/{document['id']}/"), 404, "PLP0009")["resources"] == {"token_id": document["id"]}


@pytest.mark.parametrize("token_id", ["0" * 24, "f" * 24, "ci", "%00", "-1", "9" * 500])
def test_a_token_that_is_not_there_is_not_found(himself, token_id: str) -> None:
    problem(himself.get(f"tokens/{token_id}/"), 404, "PLP0009")
    problem(himself.delete(f"tokens/{token_id}/"), 404, "PLP0009")


def test_the_tokens_of_others_are_for_those_who_may_read_and_update_them(api, engine: Engine, himself) -> None:
    theirs = api.post("tokens/", {"name": "theirs"}).json()

    problem(himself.get("tokens/", params={"login": "admin"}), 401, "PLP0026")
    problem(himself.post("tokens/", {"name": "x", "login": "admin"}), 401, "PLP0026")
    problem(himself.get(f"tokens/{theirs['id']}/"), 404, "PLP0009")
    problem(himself.delete(f"tokens/{theirs['id']}/"), 404, "PLP0009")

    engine.access.grant_to_user("jim", "/v2/users/admin/", [Operation.READ])
    assert [each["name"] for each in himself.get("tokens/", params={"login": "admin"}).json()] == ["theirs"]
    assert himself.get(f"tokens/{theirs['id']}/").status_code == 200
    problem(himself.delete(f"tokens/{theirs['id']}/"), 404, "PLP0009")
    assert himself.get("tokens/").json() == []


def test_an_administrator_makes_and_revokes_tokens_of_others(api, himself) -> None:
    made = api.post("tokens/", {"name": "robot", "login": "jim"}).json()

    assert made["login"] == "jim"
    assert [each["id"] for each in himself.get("tokens/").json()] == [made["id"]]
    assert api.delete(f"tokens/{made['id']}/").status_code == 200
    problem(api.post("tokens/", {"name": "robot", "login": "nobody"}), 404, "PLP0009")
    problem(api.get("tokens/", params={"login": "nobody"}), 404, "PLP0009")


def test_a_token_makes_no_tokens_and_changes_no_password(api, himself) -> None:
    secret = himself.post("tokens/", {"name": "ci"}).json()["token"]
    token = api.as_(None)

    problem(token.post("tokens/", {"name": "more"}, headers=bearer(secret)), 400, "PLP0000")
    change = {"delta": {"password": "taken over"}}
    problem(token.put("users/jim/", change, headers=bearer(secret)), 400, "PLP0000")
    assert token.put("users/jim/", {"delta": {"name": "J"}}, headers=bearer(secret)).status_code == 200


@pytest.mark.parametrize("text", ["Bearer", "Bearer ", "Bearer nonsense", "bearer ept_nonsense", "Bearer \u00fc"])
def test_what_is_no_token_is_refused(api, text: str) -> None:
    response = api.as_(None).get("users/", headers={"authorization": text.encode()})

    assert problem(response, 401, "PLP0030")["auth_error_code"] == "invalid_username_or_password"


def test_an_expired_token_is_refused(api, engine: Engine, himself, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = engine.access.create_token("jim", "ci", expires=clock.now() + timedelta(seconds=60))
    later = clock.now_us() + 61_000_000

    monkeypatch.setattr(clock, "now_us", lambda: later)

    problem(api.as_(None).get("users/jim/", headers=bearer(secret)), 401, "PLP0030")
