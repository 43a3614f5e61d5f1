"""The audit log by REST, an extension: each request that changes something has one entry, and no value is in it."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.engine import Engine
from entrepot.rest import ENDPOINTS

SECRET = "s3cret-value"


@pytest.fixture
def jim(api, engine: Engine):
    """The door, asked by jim, who may read everything."""
    engine.access.create_user("jim", password="jim's")
    engine.access.grant_to_user("jim", "/", [Operation.READ])
    return api.as_("jim", "jim's")


def entries(engine: Engine) -> list[tuple[str, ...]]:
    """Return action and resource of all that was done, the first first."""
    return [(entry.action, entry.resource) for entry in reversed(engine.access.list_audit(outcome="done"))]


def test_each_change_has_one_entry_however_many_transactions_it_takes(api, engine: Engine) -> None:
    feed = {"feed": f"http://{SECRET}.example.org/", "basic_auth_username": "u", "basic_auth_password": SECRET}
    created = api.post("repositories/", {"id": "zoo", "importer_type_id": "iso_importer", "importer_config": feed})
    assert created.status_code == 201
    answers = [
        api.put("repositories/zoo/", {"delta": {"display_name": SECRET}}),
        api.post("repositories/zoo/actions/sync/", {"override_config": {"proxy_password": SECRET}}),
        api.post("users/", {"login": "ann", "password": SECRET}),
        api.post("tokens/", {"name": "ci", "login": "ann"}),
        api.delete("repositories/zoo/"),
    ]
    assert [answer.status_code for answer in answers] == [200, 202, 201, 201, 202]

    assert entries(engine) == [
        ("create repository", "/v2/repositories/"),
        ("update repository", "/v2/repositories/zoo/"),
        ("sync repository", "/v2/repositories/zoo/actions/sync/"),
        ("create user", "/v2/users/"),
        ("create token", "/v2/tokens/"),
        ("delete repository", "/v2/repositories/zoo/"),
    ]
    first = engine.access.list_audit()[-1]
    assert (first.login, first.via, first.door, first.address) == ("admin", "password", "rest", "192.0.2.1")
    assert first.request_id == created.headers["x-request-id"]
    assert first.fields == ("id", "importer_type_id", "importer_config", *(f"importer_config.{name}" for name in feed))
    kept = repr(engine.database.rows("SELECT * FROM audit_entry"))
    assert SECRET not in kept
    assert answers[3].json()["token"] not in kept


def test_what_only_reads_fails_or_changes_nothing_has_none(api, engine: Engine) -> None:
    upload = engine.content.create_upload().upload_id
    for method, path, body in (
        ("GET", "repositories/", None),
        ("POST", "repositories/search/", {"criteria": {}}),
        ("POST", "actions/login/", None),
        ("POST", "repositories/", {"id": "no good"}),
        ("POST", "repositories/nowhere/actions/sync/", None),
        ("DELETE", f"content/uploads/{'0' * 32}/", None),
        ("PUT", f"content/uploads/{upload}/0/", "a piece"),
    ):
        api.ask(method, path, body)

    assert engine.access.list_audit() == []
    assert engine.content.get_upload(upload).size == len('"a piece"')


def test_who_came_by_a_token_is_named_with_it(api, engine: Engine) -> None:
    _, secret = engine.access.create_token("admin", "ci")
    api.as_(None).post("roles/", {"role_id": "readers"}, headers={"authorization": f"Bearer {secret}"})

    (entry,) = engine.access.list_audit()
    assert (entry.login, entry.via, entry.token_name) == ("admin", "token", "ci")


@pytest.mark.parametrize("body", [{"role_id": "readers"}, {"role_id": "x" * 100_000}])
def test_a_change_that_is_refused_has_an_entry_and_a_look_that_is_refused_has_none(
    api, jim, engine: Engine, body: dict[str, str]
) -> None:
    engine.access.revoke_from_user("jim", "/", [Operation.READ])
    assert jim.post("roles/", body).status_code == jim.get("roles/").status_code == 401
    assert jim.put("users/jim/", {"delta": {"roles": ["super-users"]}}).status_code == 401

    refused = [(entry.login, entry.action, entry.outcome) for entry in engine.access.list_audit()]
    assert refused == [("jim", "update user", "refused"), ("jim", "create role", "refused")]


def test_the_log_is_shown_as_it_is_asked_for(api, jim, engine: Engine) -> None:
    def ids(query: str) -> list[Any]:
        return [entry["id"] for entry in api.get(f"audit/{query}").json()]

    for name in ("a", "b"):
        api.post("roles/", {"role_id": name})
    api.delete("roles/a/")
    jim.delete("roles/b/")
    refused, deleted, second, first = ids("")

    assert ids("?limit=1") == ids("?login=jim") == ids("?outcome=refused") == [refused]
    assert ids("?resource=/v2/roles/a/") == [deleted]
    assert ids(f"?before_id={deleted}&door=rest") == [second, first]
    assert ids("?door=cli") == []
    (document,) = jim.get("audit/?limit=1").json()
    assert document == {
        "id": refused,
        "created": document["created"],
        "created_us": document["created_us"],
        "login": "jim",
        "via": "password",
        "token_name": None,
        "address": "192.0.2.1",
        "door": "rest",
        "action": "delete role",
        "resource": "/v2/roles/b/",
        "fields": [],
        "outcome": "refused",
        "request_id": document["request_id"],
    }


@pytest.mark.parametrize("query", ["limit=0", "limit=many", "before_id=-1", "outcome=maybe", "resource=roles"])
def test_what_cannot_be_asked_is_refused_by_name(api, query: str) -> None:
    response = api.get(f"audit/?{query}")

    assert response.status_code == 400
    assert response.json()["error"]["data"]["property_names"] == [query.partition("=")[0]]


def test_a_user_sees_and_ends_his_sessions(api, jim, engine: Engine) -> None:
    engine.access.revoke_from_user("jim", "/", [Operation.READ])
    secret, _ = engine.access.begin_session("jim", "jim's", address="192.0.2.7", agent="Browser/1")

    (document,) = jim.get("users/jim/sessions/").json()
    ended = jim.delete("users/jim/sessions/")

    assert (document["address"], document["agent"]) == ("192.0.2.7", "Browser/1")
    assert document.keys() == {"login", "created", "last_seen", "expires", "address", "agent"}
    assert secret not in repr(document)
    assert (ended.json(), ended.headers["x-entrepot-count"]) == (None, "1")
    assert jim.get("users/jim/sessions/").json() == []
    assert jim.get("users/admin/sessions/").status_code == jim.delete("users/admin/sessions/").status_code == 401
    assert api.get("users/nobody/sessions/").status_code == 404


def test_every_action_has_words() -> None:
    assert [endpoint.action for endpoint in ENDPOINTS if not endpoint.action.replace(" ", "").isalpha()] == []
