"""How requests are sent: to which address, by whom, how often, and what comes of answers that are none."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrepot import Client
from entrepot.client import connection as module
from entrepot.client.connection import Connection
from entrepot.errors import DatabaseUnavailable, EntrepotError, InvalidValue, MissingResource, ServerUnavailable


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)


class Server:
    """Answers requests, one answer after the other, and keeps them."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def connection(self, url: str = "http://server.test", **options: Any) -> Connection:
        return Connection(url, transport=httpx.MockTransport(self), **options)


@pytest.mark.parametrize(
    "url", ["http://server.test/under", "http://server.test/under/", "http://server.test/under/pulp/api/v2/"]
)
def test_requests_go_below_the_address_of_the_server(url: str) -> None:
    server = Server(httpx.Response(200, json={"a": 1}))

    found = server.connection(url).get("repositories", "a/b?c", query=[("tag", "x&y"), ("tag", "z")])

    assert found == {"a": 1}
    assert str(server.requests[0].url) == "http://server.test/under/pulp/api/v2/repositories/a%2Fb%3Fc/?tag=x%26y&tag=z"


@pytest.mark.parametrize("name", ["", None])
def test_nothing_is_asked_for_without_a_name(name: Any) -> None:
    server = Server()

    with pytest.raises(MissingResource):
        server.connection().delete("repositories", name)

    assert server.requests == []


@pytest.mark.parametrize("name", [".", ".."])
def test_dots_stay_a_name(name: str) -> None:
    server = Server(httpx.Response(200, json=None))

    server.connection().delete("repositories", "zoo", "importers", name)

    assert server.requests[0].url.raw_path == f"/pulp/api/v2/repositories/zoo/importers/{'%2E' * len(name)}/".encode()


@pytest.mark.parametrize(
    "url", ["", "server.test", "ftp://server.test", "http://", "http://u:p@server.test", "http://server.test/?a=1", "http://[x"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue, match="url"):
        Client(url)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"auth": ("a", "b"), "token": "t"}, "token"),
        ({"token": "two words"}, "token"),
        ({"token": ""}, "token"),
        ({"cert": "/nowhere.pem"}, "cert"),
        ({"verify": "/nowhere.pem"}, "verify"),
    ],
)
def test_credentials_that_cannot_be_used_are_refused_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidValue, match=named):
        Client("https://server.test", **options)


def test_credentials_are_sent() -> None:
    server = Server(httpx.Response(200, json=1), httpx.Response(200, json=1))

    server.connection(token="t0k3n").get("status")
    server.connection(auth=("ann", "secret")).get("status")

    assert [request.headers["authorization"] for request in server.requests] == ["Bearer t0k3n", "Basic YW5uOnNlY3JldA=="]


def test_a_context_of_the_callers_is_used_as_it_is() -> None:
    Client("https://server.test", verify=ssl.create_default_context(), cert=None).close()


Ask = Callable[[Connection], Any]
SAFE: list[Ask] = [
    lambda connection: connection.get("repositories"),
    lambda connection: connection.search("tasks", "search", body={}),
    lambda connection: connection.post("tasks", body={}, is_safe=True),
]
UNSAFE: list[Ask] = [
    lambda connection: connection.post("repositories", body={}),
    lambda connection: connection.put("repositories", "zoo", body={}),
    lambda connection: connection.delete("repositories", "zoo"),
]


@pytest.mark.parametrize("ask", SAFE)
def test_what_may_be_asked_twice_is_asked_again_when_the_connection_fails(ask: Ask) -> None:
    server = Server(httpx.ConnectError("refused"), httpx.RemoteProtocolError("gone"), httpx.Response(200, json=[]))

    answer = ask(server.connection())

    assert (answer, len(server.requests)) == ([], 3)


@pytest.mark.parametrize("ask", UNSAFE)
def test_what_may_have_been_done_is_not_asked_again(ask: Ask) -> None:
    server = Server(httpx.RemoteProtocolError("gone"))

    with pytest.raises(ServerUnavailable, match="cannot be reached"):
        ask(server.connection())

    assert len(server.requests) == 1


def test_a_server_that_is_away_is_asked_three_times() -> None:
    server = Server(*[httpx.ConnectError("refused")] * 3)

    with pytest.raises(ServerUnavailable) as raised:
        server.connection().get("status")

    assert raised.value.data == {"url": "http://server.test"}


def test_a_slow_server_is_not_asked_again() -> None:
    server = Server(httpx.ReadTimeout("slow"))

    with pytest.raises(ServerUnavailable, match="within 30 s"):
        server.connection().get("status")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>Bad gateway</html>"),
        httpx.Response(503),
        httpx.Response(200, text="<html>Welcome</html>"),
        httpx.Response(404, text="no such page"),
        httpx.Response(404, json={"detail": "another API"}),
        httpx.Response(301, headers={"location": "https://elsewhere.test/"}),
    ],
)
def test_what_no_entrepot_answers_is_a_server_that_is_not_there(answer: httpx.Response) -> None:
    with pytest.raises(ServerUnavailable, match=str(answer.status_code)):
        Server(answer).connection().get("status")


def test_an_error_of_the_server_is_raised_and_not_asked_for_again() -> None:
    error = DatabaseUnavailable("The database is away.").document()
    server = Server(httpx.Response(503, json={"error": error}))

    with pytest.raises(DatabaseUnavailable, match="is away"):
        server.connection().get("status")

    assert len(server.requests) == 1


def test_a_code_that_nobody_knows_is_an_error_with_its_message() -> None:
    document = {"code": "PLP9999", "description": "Later versions say this.", "data": {"a": 1}, "sub_errors": []}

    with pytest.raises(EntrepotError) as raised:
        Server(httpx.Response(400, json={"error": document})).connection().get("status")

    assert (type(raised.value), raised.value.message, raised.value.data) == (
        EntrepotError,
        "Later versions say this.",
        {"a": 1},
    )


@pytest.mark.parametrize("value", [float("nan"), object(), "\ud800", {1, 2}, Path("x")])
def test_what_is_no_json_is_refused_by_name(value: Any) -> None:
    server = Server()

    with pytest.raises(InvalidValue, match="bad"):
        server.connection().post("repositories", body={"good": 1, "bad": [value]})

    assert server.requests == []


def test_bodies_are_json() -> None:
    server = Server(httpx.Response(200, json=None))

    server.connection().post("repositories", body={"id": "zoo", "notes": {"ü": [1]}})

    assert json.loads(server.requests[0].content) == {"id": "zoo", "notes": {"ü": [1]}}
    assert server.requests[0].headers["content-type"] == "application/json"


def test_bytes_are_sent_as_they_are_and_again_when_the_connection_fails() -> None:
    server = Server(httpx.ReadError("gone"), httpx.Response(200, json=None))

    found = server.connection().put("content", "uploads", "x", "0", body=b"\x00\xff", query=[("details", "true")], is_safe=True)

    assert found is None
    assert [request.content for request in server.requests] == [b"\x00\xff"] * 2
    assert {request.headers["content-type"] for request in server.requests} == {"application/octet-stream"}


def test_a_list_is_sent_as_json() -> None:
    server = Server(httpx.Response(200, json=None))

    server.connection().post("content", "actions", "delete_orphans", body=[{"unit_id": "x"}])

    assert json.loads(server.requests[0].content) == [{"unit_id": "x"}]
    with pytest.raises(InvalidValue):
        server.connection().post("content", body=[object()])
