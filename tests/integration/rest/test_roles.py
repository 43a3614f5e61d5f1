"""Roles and permissions through the REST door. Source: the Pulp 2 REST contract, 1.6 and 5.7."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.engine import Engine

ROLE_KEYS = {"_href", "_id", "_ns", "id", "display_name", "description", "permissions"}
EVERYTHING = [operation.name for operation in Operation]


@pytest.fixture
def readers(engine: Engine) -> str:
    """A role that lets its members read repositories, and jim, who does not have it."""
    engine.access.create_role("readers", "Readers", "May look.")
    engine.access.grant_to_role("readers", "/v2/repositories/", [Operation.READ])
    engine.access.create_user("jim", password="jim's password")
    return "readers"


def problem(response: Any, status: int, code: str) -> Any:
    """Return the document of a refusal after a look at what all of them have."""
    document = response.json()
    assert (response.status_code, document["http_status"], document["error"]["code"]) == (status, status, code), document
    assert "location" not in response.headers
    return document


def test_a_new_role_is_answered_with_its_place(api) -> None:
    response = api.post("roles/", {"role_id": "readers", "description": "May look."})

    document = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == "http://server.test/pulp/api/v2/roles/readers/"
    assert document.keys() == ROLE_KEYS
    assert document["_href"] == "/pulp/api/v2/roles/readers/"
    assert document["_ns"] == "roles"
    assert document["_id"].keys() == {"$oid"}
    assert (document["id"], document["display_name"], document["description"]) == ("readers", "readers", "May look.")
    assert document["permissions"] == {}


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        ({}, "PLP0016", ["role_id"]),
        ({"role_id": None}, "PLP0016", ["role_id"]),
        ({"role_id": "a b"}, "PLP0015", ["role_id"]),
        ({"role_id": 5}, "PLP0015", ["role_id"]),
        ({"role_id": "readers", "display_name": []}, "PLP0015", ["display_name"]),
        ({"role_id": "readers", "description": 5}, "PLP0015", ["description"]),
        ({"role_id": "readers", "permissions": {}}, "PLP0015", ["permissions"]),
    ],
)
def test_a_role_that_cannot_be_made_is_refused_by_name(api, body: dict[str, Any], code: str, names: list[str]) -> None:
    document = problem(api.post("roles/", body), 400, code)

    assert document["error"]["data"]["property_names"] == names
    assert [role["id"] for role in api.get("roles/").json()] == ["super-users"]


def test_a_role_id_is_given_once(api, readers: str) -> None:
    assert problem(api.post("roles/", {"role_id": readers}), 409, "PLP0018")["resource_id"] == readers


def test_a_role_shows_what_it_grants_and_who_has_it(api, engine: Engine, readers: str) -> None:
    engine.access.add_user_to_role(readers, "jim")

    document = api.get(f"roles/{readers}/").json()

    assert document.keys() == ROLE_KEYS | {"users"}
    assert document["permissions"] == {"/v2/repositories/": ["READ"]}
    assert document["users"] == ["jim"]


def test_all_roles_are_listed_and_the_super_users_may_do_everything(api, readers: str) -> None:
    documents = api.get("roles/").json()

    assert [(each["id"], each["users"]) for each in documents] == [("readers", []), ("super-users", ["admin"])]
    assert documents[1]["permissions"] == {"/": EVERYTHING}


def test_the_words_of_a_role_are_changed(api, readers: str) -> None:
    response = api.put(f"roles/{readers}/", {"delta": {"display_name": "Lesende", "description": None}})

    assert response.status_code == 200
    assert response.json().keys() == ROLE_KEYS
    assert (response.json()["display_name"], response.json()["description"]) == ("Lesende", "May look.")
    assert response.json()["permissions"] == {"/v2/repositories/": ["READ"]}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "PLP0016"),
        ({"delta": 5}, "PLP0015"),
        ({"delta": {"display_name": 5}}, "PLP0015"),
        ({"delta": {"permissions": {}}}, "PLP0000"),
    ],
)
def test_a_change_of_a_role_that_cannot_be_made_is_refused(api, readers: str, body: dict[str, Any], code: str) -> None:
    problem(api.put(f"roles/{readers}/", body), 400, code)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "roles/nothing/", None),
        ("PUT", "roles/nothing/", {"delta": {}}),
        ("DELETE", "roles/nothing/", None),
        ("GET", "roles/nothing/users/", None),
        ("POST", "roles/nothing/users/", {"login": "admin"}),
        ("DELETE", "roles/nothing/users/admin/", None),
    ],
)
def test_a_role_that_is_not_there_is_not_found(api, method: str, path: str, body: Any) -> None:
    assert problem(api.ask(method, path, body), 404, "PLP0009")["resources"] == {"resource_id": "nothing"}


def test_the_super_users_are_not_changed_or_deleted(api) -> None:
    problem(api.put("roles/super-users/", {"delta": {"description": "x"}}), 400, "PLP0000")
    problem(api.delete("roles/super-users/"), 400, "PLP0000")
    grant = {"role_id": "super-users", "resource": "/", "operations": ["READ"]}
    problem(api.post("permissions/actions/revoke_from_role/", grant), 400, "PLP0000")


def test_a_role_is_deleted_once_and_its_grants_with_it(api, engine: Engine, readers: str) -> None:
    engine.access.add_user_to_role(readers, "jim")
    himself = api.as_("jim", "jim's password")
    assert himself.get("permissions/").status_code == 401

    response = api.delete(f"roles/{readers}/")

    assert (response.status_code, response.json()) == (200, None)
    problem(api.delete(f"roles/{readers}/"), 404, "PLP0009")
    assert api.get("permissions/", params={"resource": "/v2/repositories/"}).json() == []


def test_a_role_is_given_and_taken(api, readers: str) -> None:
    for _ in range(2):
        response = api.post(f"roles/{readers}/users/", {"login": "jim"})
        assert (response.status_code, response.json()) == (200, None)
    assert [user["login"] for user in api.get(f"roles/{readers}/users/").json()] == ["jim"]
    assert api.get("users/jim/").json()["roles"] == [readers]

    response = api.delete(f"roles/{readers}/users/jim/")

    assert (response.status_code, response.json()) == (200, None)
    assert api.get(f"roles/{readers}/users/").json() == []


@pytest.mark.parametrize("body", [{}, {"login": None}, {"login": "nobody"}, {"login": 5}, {"login": ["jim"]}])
def test_a_role_is_given_to_users_only(api, readers: str, body: dict[str, Any]) -> None:
    document = problem(api.post(f"roles/{readers}/users/", body), 400, "PLP0015")

    assert document["property_names"] == ["login"]


def test_who_makes_a_role_may_do_everything_to_it(api, engine: Engine, readers: str) -> None:
    engine.access.grant_to_user("jim", "/v2/roles/", [Operation.CREATE])
    himself = api.as_("jim", "jim's password")

    assert himself.post("roles/", {"role_id": "his"}).status_code == 201

    assert himself.get("roles/his/").status_code == 200
    assert himself.post("roles/his/users/", {"login": "jim"}).status_code == 200
    assert himself.get(f"roles/{readers}/").status_code == 401


@pytest.mark.parametrize(("kind", "who"), [("user", {"login": "jim"}), ("role", {"role_id": "readers"})])
def test_what_is_granted_is_shown_and_counts_until_it_is_revoked(
    api, engine: Engine, readers: str, kind: str, who: dict[str, str]
) -> None:
    engine.access.add_user_to_role(readers, "jim")
    himself = api.as_("jim", "jim's password")
    body = who | {"resource": "/v2/users/", "operations": ["READ", "CREATE"]}

    granted = api.post(f"permissions/actions/grant_to_{kind}/", body)

    assert (granted.status_code, granted.json()) == (200, None)
    (document,) = api.get("permissions/", params={"resource": "/v2/users/"}).json()
    assert document.keys() == {"_id", "_ns", "id", "resource", "users"}
    assert document["_id"] == {"$oid": document["id"]}
    assert (document["_ns"], document["resource"]) == ("permissions", "/v2/users/")
    assert document["users"] == {"jim": ["CREATE", "READ"]}
    assert himself.get("users/").status_code == 200

    revoked = api.post(f"permissions/actions/revoke_from_{kind}/", body | {"operations": ["READ"]})

    assert (revoked.status_code, revoked.json()) == (200, None)
    assert himself.get("users/").status_code == 401
    assert api.get("permissions/", params={"resource": "/v2/users/"}).json()[0]["users"] == {"jim": ["CREATE"]}


def test_all_permissions_are_listed_by_resource(api, readers: str) -> None:
    resources = [each["resource"] for each in api.get("permissions/").json()]

    assert resources == [
        "/",
        "/v2/actions/login/",
        "/v2/actions/logout/",
        "/v2/repositories/",
        "/v2/users/admin/",
        "/v2/users/jim/",
    ]


GRANT = {"login": "jim", "role_id": "readers", "resource": "/v2/users/", "operations": ["READ"]}


@pytest.mark.parametrize(
    ("change", "code", "names"),
    [
        ({"login": None, "role_id": None}, "PLP0016", ["WHO"]),
        ({"resource": None}, "PLP0016", ["resource"]),
        ({"operations": None}, "PLP0016", ["operation_names"]),
        ({"login": None, "role_id": None, "resource": None, "operations": None}, "PLP0016", None),
        ({"operations": []}, "PLP0016", ["operation_names"]),
        ({"operations": ["FLY"]}, "PLP0015", ["operation_name"]),
        ({"operations": [1]}, "PLP0015", ["operation_name"]),
        ({"operations": {"READ": [{}]}, "resource": "nowhere"}, "PLP0015", ["resource"]),
        ({"login": "nobody", "role_id": "nothing"}, "PLP0015", ["WHO"]),
        ({"login": 5, "role_id": 5}, "PLP0015", ["WHO"]),
        ({"resource": 5}, "PLP0015", ["resource"]),
        ({"resource": "/\u0000/"}, "PLP0015", ["resource"]),
    ],
)
def test_a_grant_that_cannot_be_made_is_refused_by_name(
    api, readers: str, change: dict[str, Any], code: str, names: list[str] | None
) -> None:
    expected = ["WHO", "resource", "operation_names"] if names is None else names

    for action in ("grant_to_user", "revoke_from_user", "grant_to_role", "revoke_from_role"):
        who = "login" if action.endswith("user") else "role_id"
        document = problem(api.post(f"permissions/actions/{action}/", GRANT | change), 400, code)
        assert document["error"]["data"]["property_names"] == [who if name == "WHO" else name for name in expected]


def test_to_grant_is_not_for_everybody(api, readers: str) -> None:
    himself = api.as_("jim", "jim's password")

    problem(himself.post("permissions/actions/grant_to_user/", GRANT), 401, "PLP0026")
    problem(himself.get("permissions/"), 401, "PLP0026")
