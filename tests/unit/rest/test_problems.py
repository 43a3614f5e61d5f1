"""What an error document holds. Source of the samples: the Pulp 2 REST contract, 1.4."""

from __future__ import annotations

import pytest

from entrepot.errors import (
    DatabaseUnavailable,
    DuplicateResource,
    EntrepotError,
    InvalidValue,
    MissingResource,
    MissingValue,
    PermissionDenied,
    SearchTooSlow,
    StorageFull,
    TooManyAttempts,
    ValueNotKept,
)
from entrepot.rest.problems import failed, refused
from entrepot.settings import Settings


def document(error: EntrepotError, settings: Settings | None = None) -> dict[str, object]:
    answer = refused(error, href="/x/?a=b", method="GET", settings=settings or Settings())
    assert isinstance(answer.document, dict)
    assert answer.document["http_status"] == answer.status
    return answer.document


def test_a_missing_resource_is_told_as_pulp_tells_it() -> None:
    assert document(MissingResource(repository="nope")) == {
        "_href": "/x/?a=b",
        "http_request_method": "GET",
        "http_status": 404,
        "error_message": "Missing resource(s): repository=nope",
        "exception": None,
        "traceback": None,
        "error": {
            "code": "PLP0009",
            "description": "Missing resource(s): repository=nope",
            "data": {"resources": {"repository": "nope"}},
            "sub_errors": [],
        },
        "resources": {"repository": "nope"},
    }


@pytest.mark.parametrize(
    ("error", "name"),
    [(InvalidValue("repo_id"), "property_names"), (MissingValue("repo_id"), "missing_property_names")],
)
def test_refused_properties_are_named_as_a_list_and_as_text(error: EntrepotError, name: str) -> None:
    found = document(error)

    assert found[name] == ["repo_id"]
    assert found["error"]["data"] == {name: ["repo_id"], "properties": "['repo_id']", "property_names": ["repo_id"]}  # type: ignore[index]


def test_a_taken_id_stands_at_the_top() -> None:
    assert document(DuplicateResource("zoo"))["resource_id"] == "zoo"


def test_what_the_database_says_is_for_the_log() -> None:
    answer = refused(DatabaseUnavailable("no route to secret.example"), href="/", method="GET", settings=Settings())

    assert (answer.status, answer.headers) == (503, {"retry-after": "5"})
    assert "secret.example" not in str(answer.document)


@pytest.mark.parametrize("kind", [ValueNotKept, SearchTooSlow])
def test_a_refusal_of_the_database_does_not_say_where_it_is(kind: type[EntrepotError]) -> None:
    told = document(kind("The database postgresql://db.example/entrepot cannot do it: value too long."))

    assert told["http_status"] == 400
    assert "db.example" not in str(told)


def test_a_lacking_permission_is_401_or_as_the_settings_say() -> None:
    error = PermissionDenied("eve", "READ", "/v2/tasks/")

    assert document(error)["http_status"] == 401
    assert document(error)["auth_error_code"] == "permission_denied"
    assert document(error, Settings(permission_denied_status=403))["http_status"] == 403


def test_who_failed_too_often_is_told_when_to_come_back() -> None:
    answer = refused(TooManyAttempts(30), href="/", method="GET", settings=Settings())

    assert (answer.status, answer.headers) == (429, {"retry-after": "30"})


def test_what_nobody_foresaw_is_told_without_its_traceback() -> None:
    answer = failed("abc", href="/x/", method="POST")

    assert answer.status == 500
    assert isinstance(answer.document, dict)
    assert answer.document["error"]["code"] == "PLP0001"
    assert answer.document["request_id"] == "abc"
    assert answer.document["traceback"] == []


def test_a_failure_of_the_store_does_not_say_where_it_is() -> None:
    told = document(StorageFull("No space is left in /srv/secret.", path="/srv/secret"))

    assert told["http_status"] == 507
    assert "/srv/secret" not in str(told)
