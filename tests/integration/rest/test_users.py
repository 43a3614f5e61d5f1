"""Users through the REST door. Source: the Pulp 2 REST contract, 1.5, 1.6 and 5.7."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.engine import Engine

USER_KEYS = {"_href", "_id", "_ns", "login", "name", "roles"}
EVERYTHING = [operation.name for operation in Operation]


@pytest.fixture
def jim(engine: Engine) -> str:
    """A user without grants, but for those that everybody has."""
    engine.access.create_user("jim", password="jim's password")
    return "jim"


def problem(response: Any, status: int, code: str) -> Any:
    """Return the document of a refusal after a look at what all of them have."""
    document = response.json()
    assert (response.status_code, document["http_status"], document["error"]["code"]) == (status, status, code), document
    assert {"_href", "http_request_method", "error_message", "exception", "traceback", "error"} <= document.keys()
    assert "location" not in response.headers
    return document


def test_a_new_user_is_answered_with_its_place_and_an_id(api) -> None:
    response = api.post("users/", {"login": "jim@example.org", "password": "secret", "name": "Jim"})

    document = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == "http://server.test" + document["_href"]
    assert document["_href"] == "/pulp/api/v2/users/jim%40example.org/"
    assert document.keys() == USER_KEYS | {"id"}
    assert document["_id"] == {"$oid": document["id"]}
    assert (document["_ns"], document["login"], document["name"], document["roles"]) == ("users", "jim@example.org", "Jim", [])
    assert "secret" not in response.text
    assert api.get("users/jim%40example.org/").json() == {key: document[key] for key in USER_KEYS}


def test_a_user_is_called_by_his_login_if_no_name_is_given(api) -> None:
    assert api.post("users/", {"login": "jim", "name": None}).json()["name"] == "jim"


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        ({}, "PLP0016", ["login"]),
        ({"login": None}, "PLP0016", ["login"]),
        ({"login": ""}, "PLP0015", ["login"]),
        ({"login": "a b"}, "PLP0015", ["login"]),
        ({"login": "a/b"}, "PLP0015", ["login"]),
        ({"login": "jim\n"}, "PLP0015", ["login"]),
        ({"login": 5}, "PLP0015", ["login"]),
        ({"login": ["jim"]}, "PLP0015", ["login"]),
        ({"login": "jim", "name": 5}, "PLP0015", ["name"]),
        ({"login": "jim", "name": "\u0000"}, "PLP0015", ["name"]),
        ({"login": "jim", "password": 5}, "PLP0015", ["password"]),
        ({"login": "jim", "roles": ["super-users"]}, "PLP0015", ["roles"]),
        ({"login": "jim", "color": 1, "size": 2}, "PLP0015", ["color", "size"]),
    ],
)
def test_a_user_that_cannot_be_made_is_refused_by_name(api, body: dict[str, Any], code: str, names: list[str]) -> None:
    document = problem(api.post("users/", body), 400, code)

    assert document["missing_property_names" if code == "PLP0016" else "property_names"] == names
    assert document["error"]["data"]["property_names"] == names
    assert document["error"]["data"]["properties"] == str(names)
    assert [user["login"] for user in api.get("users/").json()] == ["admin"]


def test_a_login_is_given_once(api, jim: str) -> None:
    document = problem(api.post("users/", {"login": jim, "name": "another"}), 409, "PLP0018")

    assert document["resource_id"] == jim


def test_all_users_are_listed_with_nothing_of_their_passwords(api, jim: str) -> None:
    documents = api.get("users/").json()

    assert [(each["login"], each["roles"]) for each in documents] == [("admin", ["super-users"]), ("jim", [])]
    assert all(each.keys() == USER_KEYS for each in documents)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_user_who_is_not_there_is_not_found(api, method: str) -> None:
    response = api.ask(method, "users/nobody/", {"delta": {}} if method == "PUT" else None)

    assert problem(response, 404, "PLP0009")["resources"] == {"login": "nobody"}


def test_name_and_roles_of_a_user_are_changed(api, jim: str) -> None:
    response = api.put(f"users/{jim}/", {"delta": {"name": "James", "roles": ["super-users"]}})

    assert response.status_code == 200
    assert response.json().keys() == USER_KEYS
    assert (response.json()["name"], response.json()["roles"]) == ("James", ["super-users"])
    assert api.as_(jim, "jim's password").get("users/").status_code == 200


def test_a_changed_password_counts_at_once(api, jim: str) -> None:
    himself = api.as_(jim, "jim's password")
    assert himself.get(f"users/{jim}/").status_code == 200

    assert himself.put(f"users/{jim}/", {"delta": {"password": "another"}}).status_code == 200

    assert problem(himself.get(f"users/{jim}/"), 401, "PLP0030")["auth_error_code"] == "invalid_username_or_password"
    assert api.as_(jim, "another").get(f"users/{jim}/").status_code == 200


def test_nulls_in_a_change_change_nothing(api, jim: str) -> None:
    response = api.put(f"users/{jim}/", {"delta": {"name": None, "password": None, "roles": None}})

    assert (response.status_code, response.json()["name"]) == (200, "jim")
    assert api.as_(jim, "jim's password").get(f"users/{jim}/").status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        ({}, "PLP0016", ["delta"]),
        ({"delta": None}, "PLP0016", ["delta"]),
        ({"delta": "name"}, "PLP0015", ["delta"]),
        ({"delta": {"login": "jack"}}, "PLP0015", ["login"]),
        ({"delta": {"name": 5}}, "PLP0015", ["name"]),
        ({"delta": {"password": 5}}, "PLP0015", ["password"]),
        ({"delta": {"roles": "super-users"}}, "PLP0015", ["roles"]),
        ({"delta": {"roles": [5]}}, "PLP0015", ["roles"]),
        ({"delta": {"roles": ["nothing"]}}, "PLP0015", ["roles"]),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_by_name(
    api, jim: str, body: dict[str, Any], code: str, names: list[str]
) -> None:
    document = problem(api.put(f"users/{jim}/", body), 400, code)

    assert document["error"]["data"]["property_names"] == names


def test_nobody_gives_himself_a_role(api, jim: str) -> None:
    himself = api.as_(jim, "jim's password")

    document = problem(himself.put(f"users/{jim}/", {"delta": {"roles": ["super-users"]}}), 401, "PLP0026")

    assert document["auth_error_code"] == "permission_denied"
    assert api.get(f"users/{jim}/").json()["roles"] == []


def test_a_user_is_deleted_once(api, jim: str) -> None:
    response = api.delete(f"users/{jim}/")

    assert (response.status_code, response.json()) == (200, None)
    problem(api.delete(f"users/{jim}/"), 404, "PLP0009")
    problem(api.as_(jim, "jim's password").get(f"users/{jim}/"), 401, "PLP0030")


def test_the_last_super_user_stays(api) -> None:
    for response in (
        api.delete("users/admin/"),
        api.put("users/admin/", {"delta": {"roles": []}}),
        api.delete("roles/super-users/users/admin/"),
    ):
        document = problem(response, 400, "PLP0000")
        assert document["args"] == [document["error_message"]]


def test_a_user_reads_and_changes_himself_and_nobody_else(api, jim: str) -> None:
    himself = api.as_(jim, "jim's password")

    assert himself.get(f"users/{jim}/").status_code == 200
    assert himself.put(f"users/{jim}/", {"delta": {"name": "J"}}).status_code == 200
    for response in (himself.delete(f"users/{jim}/"), himself.get("users/admin/"), himself.get("users/")):
        assert problem(response, 401, "PLP0026")["auth_error_code"] == "permission_denied"


def test_who_makes_a_user_may_do_everything_to_him(api, engine: Engine, jim: str) -> None:
    engine.access.grant_to_user(jim, "/v2/users/", [Operation.CREATE])
    himself = api.as_(jim, "jim's password")

    assert himself.post("users/", {"login": "joe"}).status_code == 201

    assert api.get("permissions/", params={"resource": "/v2/users/joe/"}).json()[0]["users"] == {
        "jim": EVERYTHING,
        "joe": ["READ", "UPDATE"],
    }
    assert himself.delete("users/joe/").status_code == 200
    assert himself.get("users/").status_code == 401


def test_login_answers_with_a_key_and_a_certificate(api, jim: str) -> None:
    response = api.as_(jim, "jim's password").post("actions/login/")

    assert response.status_code == 200
    assert response.json().keys() == {"key", "certificate"}
    assert "PRIVATE KEY-----" in response.json()["key"]
    assert response.json()["certificate"].startswith("-----BEGIN CERTIFICATE-----")


def test_the_certificate_of_a_login_stands_for_its_user(api, engine: Engine, jim: str) -> None:
    certificate = api.as_(jim, "jim's password").post("actions/login/").json()["certificate"]

    assert engine.access.authenticate_certificate(certificate).login == jim


def test_a_token_is_no_password_to_log_in_with(api, engine: Engine, jim: str) -> None:
    _, secret = engine.access.create_token(jim, "ci")

    response = api.as_(None).post("actions/login/", headers={"authorization": f"Bearer {secret}"})

    problem(response, 400, "PLP0000")


@pytest.fixture
def people(engine: Engine) -> None:
    """Three more users; ann may do everything, bob has a role, cid has none."""
    engine.access.create_role("readers")
    engine.access.create_user("ann", name="Ann Smith", roles=["super-users", "readers"])
    engine.access.create_user("bob", name="Bob Smith", roles=["readers"])
    engine.access.create_user("cid", name="Cid Jones")


@pytest.mark.parametrize(
    ("criteria", "logins"),
    [
        ({}, ["admin", "ann", "bob", "cid"]),
        ({"filters": {"login": "bob"}}, ["bob"]),
        ({"filters": {"login": {"$in": ["cid", "ann"]}}}, ["ann", "cid"]),
        ({"filters": {"name": {"$regex": "smith$", "$options": "i"}}}, ["ann", "bob"]),
        ({"filters": {"roles": "readers"}}, ["ann", "bob"]),
        ({"filters": {"roles": {"$all": ["readers", "super-users"]}}}, ["ann"]),
        ({"filters": {"roles": []}}, ["cid"]),
        ({"filters": {"roles": {"$size": 1}}}, ["admin", "bob"]),
        ({"filters": {"password": {"$exists": True}}}, []),
        ({"filters": {"password_hash": {"$regex": "^"}}}, []),
        ({"sort": [["name", "descending"]], "limit": 2, "skip": 1}, ["cid", "bob"]),
    ],
)
def test_users_are_searched(api, people, criteria: dict[str, Any], logins: list[str]) -> None:
    response = api.post("users/search/", {"criteria": criteria})

    assert response.status_code == 200
    assert [document["login"] for document in response.json()] == logins
    assert all(document.keys() == USER_KEYS for document in response.json())


def test_a_user_is_found_by_his_id(api, people) -> None:
    document = api.get("users/bob/").json()

    for wanted in (document["_id"], document["_id"]["$oid"], {"$in": [document["_id"]["$oid"]]}):
        assert api.post("users/search/", {"criteria": {"filters": {"_id": wanted}}}).json() == [document]


def test_a_search_by_get_is_the_same(api, people) -> None:
    response = api.get("users/search/", params={"filters": '{"roles": "readers"}', "limit": "1", "field": "name"})

    (document,) = response.json()
    assert document.keys() == {"_href", "_id", "login", "name"}
    assert document["login"] == "ann"


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        ({}, "PLP0016", ["criteria"]),
        ({"criteria": 5}, "PLP0015", ["criteria"]),
        ({"criteria": {"limit": 0}}, "PLP0015", ["limit"]),
        ({"criteria": {"filters": {"login": {"$where": "1"}}}}, "PLP0015", ["criteria"]),
        ({"criteria": {"filters": {"login": "\u0000"}}}, "PLP0015", ["criteria"]),
        ({"criteria": {"color": 1}}, "PLP0015", ["color"]),
    ],
)
def test_a_search_that_cannot_be_made_is_refused(api, body: dict[str, Any], code: str, names: list[str]) -> None:
    document = problem(api.post("users/search/", body), 400, code)

    assert document["error"]["data"]["property_names"] == names


def test_who_owns_what_is_called_search_may_not_search_what_others_own(api, engine: Engine) -> None:
    engine.repositories.create("secret")
    for login in ("eve", "search"):
        engine.access.create_user(login, password="long enough", creator="eve")
    for resource in ("/v2/repositories/", "/v2/users/"):
        engine.access.grant_to_user("eve", resource, [Operation.CREATE])
    eve = api.as_("eve", "long enough")

    assert eve.post("repositories/", {"id": "search"}).status_code == 201
    problem(eve.get("repositories/search/"), 401, "PLP0026")
    problem(eve.get("users/search/"), 401, "PLP0026")
    problem(api.as_("search", "long enough").get("users/search/"), 401, "PLP0026")
