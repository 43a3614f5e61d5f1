"""What a door gets that no careful client sends: odd paths, odd methods, odd bodies, odd queries; never a traceback."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from entrepot.engine import Engine
from entrepot.rest import ENDPOINTS
from entrepot.rest.endpoint import Endpoint


@pytest.fixture
def database_kind() -> str:
    """The stricter one; the other has `repositories/test_hostile_values.py`."""
    return "postgresql"


KEYS = {"_href", "http_request_method", "http_status", "error_message", "exception", "traceback", "error"}
WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.body is not None and endpoint.body.kind == "object"]
WITH_LIST = [endpoint for endpoint in ENDPOINTS if endpoint.body is not None and endpoint.body.kind == "list"]
#: What stands for the variable parts of a path where it does not matter whether that is there.
NAMES = {
    "repository_id": "zoo",
    "importer_id": "iso_importer",
    "distributor_id": "files",
    "schedule_id": "0" * 24,
    "pop_id": "1",
    "server_id": "1",
    "deploy_id": "1",
    "facade": "pugpig",
    "name": "acme",
    "handle": "weekly",
    "token": "app",
    "token_id": "0" * 24,
    "login": "jim",
    "role_id": "readers",
    "unit_type_id": "iso",
    "content_type_id": "iso",
    "offset": "0",
}


@pytest.fixture(autouse=True)
def zoo(engine: Engine) -> None:
    """A repository with an importer and a distributor, a user and a role."""
    repository = engine.repositories.create("zoo", importer_type_id="iso_importer")
    repository.add_distributor("iso_distributor", None, distributor_id="files")
    engine.access.create_user("jim")
    engine.access.create_role("readers")


def problem(response: Any, status: int, code: str) -> Any:
    """Return the document of a refusal after a look at what all of them have."""
    document = response.json()
    assert (response.status_code, document["http_status"], document["error"]["code"]) == (status, status, code), document
    assert document.keys() >= KEYS
    assert document["error"].keys() == {"code", "description", "data", "sub_errors"}
    assert "Traceback" not in response.text
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["x-request-id"]
    assert "location" not in response.headers
    return document


def place(endpoint: Endpoint) -> str:
    names = {name: NAMES.get(name, "x") for name in endpoint.names}
    return endpoint.path.removeprefix("/v2/").format_map(names)


def label(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


# Paths and methods


@pytest.mark.parametrize(
    "path",
    ["users/jim", "users/jim/", "users//jim//", "users/j%69m/", "users/jim/?", "users/jim/?verbose=1"],
)
def test_slashes_may_be_left_out_or_doubled(api, path: str) -> None:
    assert api.get(path).json()["login"] == "jim"


def test_a_post_without_its_last_slash_is_a_post(api) -> None:
    assert api.post("users", {"login": "joe"}).status_code == 201


def test_histories_are_found_as_pulp_admin_asks_for_them(api) -> None:
    assert api.get("repositories/zoo/history//sync/").json() == []
    assert api.get("repositories/zoo/history//publish/files/").json() == []


@pytest.mark.parametrize(
    "path",
    ["nothing/", "users/jim/nothing/", "jobs/", "importers/search/", "../v2/", "users/a%2Fb/c/", "%FF/", "%00/", "a/" * 3000],
)
def test_an_unknown_address_is_answered_with_a_document(api, path: str) -> None:
    document = problem(api.get(path), 404, "PLP0009")

    assert document["resources"].keys() == {"resource"}
    assert problem(api.as_(None).post(path, {}), 404, "PLP0009")


def test_the_address_of_a_refusal_is_shown_with_its_query(api) -> None:
    document = problem(api.delete("users/nobody/?a=b&a=%20"), 404, "PLP0009")

    assert document["_href"] == "/pulp/api/v2/users/nobody/?a=b&a=%20"
    assert (document["http_request_method"], document["exception"], document["traceback"]) == ("DELETE", None, None)


@pytest.mark.parametrize("method", ["PATCH", "POST", "TRACE", "PROPFIND"])
def test_a_method_that_is_not_there_is_answered_with_those_that_are(api, method: str) -> None:
    response = api.ask(method, "users/jim/")

    assert (response.status_code, response.text) == (405, "")
    assert response.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    assert response.headers["content-type"].startswith("text/html")


def test_options_tells_the_methods_to_anybody(api) -> None:
    response = api.as_(None).ask("OPTIONS", "users/")

    assert (response.status_code, response.headers["allow"]) == (200, "GET, HEAD, OPTIONS, POST")


@pytest.mark.parametrize("path", ["users/", "users/jim/"])
def test_head_has_the_headers_of_get_and_no_body(api, path: str) -> None:
    got, head = api.get(path), api.ask("HEAD", path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    refused = api.ask("HEAD", "users/nobody/")
    assert (refused.status_code, refused.content) == (404, b"")


@pytest.mark.parametrize(
    "name",
    ["%00", "%ED%A0%80", "%FF%FE", "%0A", "..", "%2e%2e", "%2F", "a%2Fb", "%F0%9F%98%80", "%27%3B--", "x" * 8000, "%25", "%5C"],
)
def test_any_name_in_a_path_is_found_or_not_and_never_a_failure(api, name: str) -> None:
    for endpoint in (each for each in ENDPOINTS if each.method == "GET"):
        for odd in endpoint.names:
            names = {each: NAMES.get(each, "x") for each in endpoint.names} | {odd: name}
            response = api.get(endpoint.path.removeprefix("/v2/").format_map(names))
            assert response.status_code in (200, 400, 404), (endpoint.path, response.text)
            assert "Traceback" not in response.text


# Bodies


NO_JSON = [b"{", b"nonsense", b"{}{}", b'{"a": NaN}', b'{"a": 1,}', b"\xff{}", b'{"a": "\xff"}', b'{"a": "\\ud800"}', b"\x00"]
NO_OBJECT = [b"[]", b'"text"', b"5", b"null", b"true", b"[" + b"{}," * 9999 + b"{}]"]


def test_what_is_no_json_is_refused_by_every_endpoint_with_a_body(api) -> None:
    for endpoint in WITH_BODY:
        for content in NO_JSON:
            problem(api.ask(endpoint.method, place(endpoint), content=content), 400, "PLP1009")


@pytest.mark.parametrize("endpoint", WITH_LIST, ids=label)
def test_a_list_is_read_where_one_is_wanted_and_nothing_else(api, endpoint: Endpoint) -> None:
    for content in NO_JSON:
        problem(api.ask(endpoint.method, place(endpoint), content=content), 400, "PLP1009")
    for content in (b"{}", b'"text"', b"null"):
        assert problem(api.ask(endpoint.method, place(endpoint), content=content), 400, "PLP1015")["data_type"] == "list"
    for item in ODD:
        response = api.ask(endpoint.method, place(endpoint), [item])
        assert response.status_code == 400, (item, response.text)
    too_deep = b"[" * 100_000 + b"]" * 100_000
    assert api.ask(endpoint.method, place(endpoint), content=too_deep).status_code in (400, 413)


def test_what_is_no_object_is_refused_by_every_endpoint_with_a_body(api) -> None:
    for endpoint in WITH_BODY:
        for content in NO_OBJECT:
            document = problem(api.ask(endpoint.method, place(endpoint), content=content), 400, "PLP1015")
            assert document["data_type"] == "dict"
            assert document["error"]["data"] == {"data_type": "dict"}


@pytest.mark.parametrize("content", [b"", b" \r\n\t"])
def test_nothing_is_an_object_where_the_body_is_optional_and_no_json_elsewhere(api, content: bytes) -> None:
    for endpoint in WITH_BODY:
        response = api.ask(endpoint.method, place(endpoint), content=content)
        if OPTIONAL_BODIES.fullmatch(f"{endpoint.method} {endpoint.path}"):
            assert response.status_code in (200, 201, 202, 404), (endpoint.path, response.text)
        else:
            problem(response, 400, "PLP1009")


#: Contract, 1.2: calls where an empty body counts as `{}`.
OPTIONAL_BODIES = re.compile(
    r"PUT /v2/repositories/\{\w+\}/"
    r"|POST /v2/repositories/\{\w+\}/actions/(sync|download|unassociate)/"
    r"|POST /v2/content/uploads/"
    r"|PUT .*/schedules/(sync/|publish/)?\{\w+\}/"
    r"|POST /v2/edge/deploys/\{\w+\}/actions/push_again/"
)


def test_who_may_not_is_told_so_before_the_body_is_read(api) -> None:
    for endpoint in WITH_BODY:
        problem(api.as_(None).ask(endpoint.method, place(endpoint), content=b"nonsense"), 401, "PLP0025")


#: Values that fields do not expect; each endpoint gets each in each of its fields.
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**63,
    10**400,
    1e308,
    -0.0,
    "",
    "x" * 10_000,
    "\u0000",
    "\u0000\u001f\ufffe\U0010ffff",
    "'; DROP TABLE task; --",
    "../../etc/passwd",
    [],
    [None],
    [[[]]],
    [{"a": {}}],
    {},
    {"": ""},
    {"a": None, "\u0000": [1]},
    {"$where": "1"},
    {"$oid": "x"},
    {"$date": "never"},
    {"filters": {"$and": [{}]}, "sort": [[]], "limit": "1e3", "skip": -1, "fields": [5]},
]


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=label)
def test_any_value_in_any_field_is_taken_or_refused(api, endpoint: Endpoint) -> None:
    assert endpoint.body is not None
    schema: Any = endpoint.body.schema
    usual = {name: USUAL[name] for name in schema["required"]}
    fields = [*schema["properties"], "unknown"]

    for name in fields:
        for value in ODD:
            response = api.ask(endpoint.method, place(endpoint), usual | {name: value})
            assert response.status_code < 500, (name, value, response.text)
            assert "Traceback" not in response.text
            inside = schema["properties"].get(name, {}).get("properties", {})
            for key in inside if value == {} else ():
                for inner in ODD:
                    response = api.ask(endpoint.method, place(endpoint), usual | {name: {key: inner}})
                    assert response.status_code < 500, (name, key, inner, response.text)


#: Good values of the fields that must be there.
USUAL: dict[str, Any] = {
    "id": "files",
    "criteria": {},
    "importer_type_id": "iso_importer",
    "importer_config": {},
    "distributor_type_id": "iso_distributor",
    "distributor_id": "files",
    "revision": 1,
    "task_type": "no.such.type",
    "login": "jim",
    "resource": "/v2/nothing/",
    "operations": ["READ"],
    "role_id": "readers",
    "delta": {},
    "schedule": "2999-01-01T00:00:00Z/P1D",
    "name": "ci",
    "task": "no.such.type",
    "pop_id": 1,
    "url": "https://example.org/edge",
    "repository_id": "zoo",
    "settings": {},
    "handle": "weekly",
    "source_repo_id": "zoo",
    "upload_id": "x",
    "unit_type_id": "iso",
    "unit_key": {},
}


def test_a_body_of_ten_thousand_keys_is_refused_or_taken_in_no_time(api) -> None:
    many = {f"key {number}": number for number in range(10_000)}

    document = problem(api.post("users/", many | {"login": "joe"}), 400, "PLP0015")

    assert len(document["property_names"]) == 10_000
    assert api.put("repositories/zoo/", {"delta": {"notes": many}}).status_code == 200
    assert api.get("repositories/zoo/").json()["notes"] == many


def test_a_body_that_is_too_large_is_refused(api, engine: Engine) -> None:
    content = b'{"login": "' + b"x" * engine.settings.max_body_bytes + b'"}'

    document = problem(api.post("users/", content=content), 413, "PLP2061")

    assert document["limit"] == engine.settings.max_body_bytes


def test_a_body_that_is_too_large_and_does_not_say_so_is_refused(api, engine: Engine) -> None:
    async def pieces():
        for _ in range(engine.settings.max_body_bytes // 100_000 + 1):
            yield b" " * 100_000

    problem(api.post("users/", content=pieces()), 413, "PLP2061")


@pytest.mark.parametrize("depth", [65, 1_000, 100_000])
def test_a_body_that_is_too_deep_is_refused(api, depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        content = b'{"delta": ' + opening * depth + b"1" + closing * depth + b"}"
        problem(api.put("users/jim/", content=content), 413, "PLP2061")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data; boundary=x"])
def test_what_a_body_is_called_does_not_matter(api, kind: str) -> None:
    response = api.post("users/", content=b'{"login": "joe"}', headers={"content-type": kind})

    assert response.status_code == 201


def test_of_a_key_that_comes_twice_the_last_counts(api) -> None:
    assert api.post("users/", content=b'{"login": "one", "login": "two"}').json()["login"] == "two"


# Queries and headers


@pytest.mark.parametrize("query", ["%FF", "a=%FF", "%C3%28=1", "a=%ED%A0%80"])
def test_a_query_that_is_no_text_is_refused(api, query: str) -> None:
    assert "value" in problem(api.get(f"users/?{query}"), 400, "PLP0019")


def test_a_query_of_too_many_parameters_is_refused(api) -> None:
    assert api.get("users/?" + "&".join(["a"] * 20_000)).status_code in (400, 413)


@pytest.mark.parametrize("value", ["%00", "%F0%9F%98%80", "", "'", "9" * 5000, "-1", "[", "{}", '{"$where":1}', "x" * 20_000])
def test_any_value_of_a_parameter_is_taken_or_refused(api, value: str) -> None:
    for endpoint in ENDPOINTS:
        for parameter in endpoint.query:
            response = api.ask(endpoint.method, f"{place(endpoint)}?{parameter.name}={value}")
            assert response.status_code < 500, (endpoint.path, parameter.name, response.text)
            assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"Basic", "PLP0030"),
        (b"Basic !!!", "PLP0030"),
        (b"Basic /////w==", "PLP0030"),
        (b"Basic bm9jb2xvbg==", "PLP0030"),
        (b"Basic OnA=", "PLP0030"),
        (b"Basic AAA6AA==", "PLP0030"),
        (b"Digest x", "PLP0025"),
        (b"", "PLP0025"),
        (b"\xff\xfe", "PLP0025"),
        (b"Bearer " + b"x" * 60_000, "PLP0030"),
    ],
)
def test_credentials_that_are_none_are_refused(api, header: bytes, code: str) -> None:
    problem(api.as_(None).get("users/", headers={"authorization": header}), 401, code)


def test_no_refusal_asks_a_browser_for_a_password(api) -> None:
    assert "www-authenticate" not in api.as_(None).get("users/").headers


@pytest.mark.parametrize("host", ["evil.test/path", "a b", 'x"y', "", "x@y"])
def test_a_host_that_is_none_is_repeated_nowhere(api, host: str) -> None:
    response = api.post("users/", {"login": "joe"}, headers={"host": host})

    assert response.headers["location"] == "/pulp/api/v2/users/joe/"


# What nobody foresaw


def test_an_error_that_nobody_foresaw_tells_its_request_and_nothing_else(
    api, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(engine.access, "list_users", fail)

    response = api.get("users/")

    document = problem(response, 500, "PLP0001")
    request_id = response.headers["x-request-id"]
    assert document["request_id"] == request_id
    assert request_id in document["error_message"]
    assert (document["exception"], document["traceback"]) == ([document["error_message"]], [])
    assert "secret" not in response.text
    assert any(request_id in record.message and record.exc_info for record in caplog.records)
    assert json.loads(response.text)
