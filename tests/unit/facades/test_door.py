"""What the facades' doors hear, and what they send."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest

from entrepot.errors import DatabaseUnavailable
from entrepot.facades.door import LARGEST_BODY_BYTES, MOST_PARAMETERS, Answer, Door, Heard, heard_in, json_bytes
from entrepot.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.engine import Engine
    from entrepot.readers import Readers


class Spoken:
    """Stands for an engine, of which a door reads the settings, and for its readers."""

    def __init__(self, **settings: object) -> None:
        self.settings = Settings(**settings)  # type: ignore[arg-type]  # keywords are checked by pydantic

    async def run(self, function: Callable[[], Answer]) -> Answer:
        return function()


class Parrot(Door):
    """Answers with what it heard, or breaks where it is told to."""

    banner = "parrot/1"

    def __init__(self, spoken: Spoken) -> None:
        super().__init__(cast("Engine", spoken), cast("Readers", spoken))

    def answer(self, heard: Heard) -> Answer:
        if heard.path == "/broken":
            raise ValueError("of its own")
        if heard.path == "/away":
            raise DatabaseUnavailable("the database is away")
        if heard.path == "/same":
            return Answer(304, b"", "", (("ETag", '"1"'), ("Cache-Control", "private")))
        return Answer(200, heard.method.encode() + b" " + heard.body, "text/plain")

    def broken(self, heard: Heard) -> Answer:
        return Answer(500, b"broken", "text/plain")

    def too_large(self, heard: Heard) -> Answer:
        return Answer(413, b"too large", "text/plain")


def scope_of(path: str = "/", query: str = "", *, method: str = "GET", headers: list[tuple[str, str]] | None = None) -> Any:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers or []]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": raw,
    }


def exchange(door: Door, scope: Any, *parts: bytes, is_gone: bool = False) -> tuple[int, dict[str, str], bytes] | None:
    """Return status, headers and body of an answer; None if there was none."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.disconnect"} if is_gone else {"type": "http.request", "body": b""})
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(door(scope, receive, send))
    if not sent:
        return None
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


def answered(door: Door, scope: Any, *parts: bytes) -> tuple[int, dict[str, str], bytes]:
    answer = exchange(door, scope, *parts)
    assert answer is not None
    return answer


@pytest.fixture
def door() -> Parrot:
    return Parrot(Spoken())


def test_a_path_is_heard_as_it_was_sent_and_decoded() -> None:
    heard = heard_in(scope_of("/a%2Fb/caf%C3%A9/%FF/"))

    assert heard.raw_path == "/a%2Fb/caf%C3%A9/%FF/"
    assert heard.path == "/a/b/café/\ufffd/"
    assert heard.segments == ("a/b", "café", "\ufffd", "")


def test_a_query_keeps_its_order_its_repetitions_and_its_empty_values() -> None:
    heard = heard_in(scope_of(query="b=2&reverse&a=%FF&b=1&id.gt%3D=4&c="))

    assert heard.query == (("b", "2"), ("reverse", ""), ("a", "\ufffd"), ("b", "1"), ("id.gt=", "4"), ("c", ""))


@pytest.mark.parametrize(
    ("sent", "host"),
    [
        ("Weekly.Admin.example.org:8443", "weekly.admin.example.org"),
        ("a.example.", "a.example"),
        ("[::1]:80", "[::1]"),
        ("", ""),
    ],
)
def test_a_host_is_heard_in_lower_case_without_its_port(sent: str, host: str) -> None:
    assert heard_in(scope_of(headers=[("Host", sent)])).host == host


def test_headers_have_names_in_lower_case_and_repeated_ones_are_joined() -> None:
    heard = heard_in(scope_of(headers=[("Authorization", "TOK:a"), ("authorization", "TOK:b")]))

    assert heard.headers == {"authorization": "TOK:a, TOK:b"}


def test_nothing_that_lets_somebody_in_is_shown_in_a_log() -> None:
    heard = heard_in(scope_of("/a%0Ab", "apiKey=canary&format=json&APIKEY=canary", headers=[("Authorization", "TOK:canary")]))

    assert heard.shown == "/a%0Ab?apiKey=*****&format=json&APIKEY=*****"
    assert "TOK" not in repr(heard)


def test_a_head_is_answered_as_a_get_without_its_body(door: Parrot) -> None:
    get, head = answered(door, scope_of()), answered(door, scope_of(method="HEAD"))

    assert get[2] == b"GET "
    assert head[2] == b""
    assert {**head[1], "x-request-id": ""} == {**get[1], "x-request-id": ""}
    assert get[1]["content-length"] == "4"
    assert get[1]["cache-control"] == "no-store"


def test_an_answer_without_a_body_has_neither_type_nor_length(door: Parrot) -> None:
    status, headers, body = answered(door, scope_of("/same"))

    assert (status, body) == (304, b"")
    assert set(headers) == {"etag", "cache-control", "x-content-type-options", "x-request-id"}
    assert headers["cache-control"] == "private"


def test_a_body_that_comes_in_parts_is_heard_as_a_whole(door: Parrot) -> None:
    assert answered(door, scope_of(method="POST"), b"in ", b"parts")[2] == b"POST in parts"


def test_a_body_that_is_too_large_is_refused_announced_or_not(door: Parrot) -> None:
    largest = b"x" * LARGEST_BODY_BYTES
    announced = scope_of(method="POST", headers=[("Content-Length", str(LARGEST_BODY_BYTES + 1))])

    assert answered(door, scope_of(method="POST"), largest)[0] == 200
    assert answered(door, scope_of(method="POST"), largest, b"x")[0] == 413
    assert answered(door, announced)[0] == 413


def test_a_query_of_too_many_parameters_is_not_read(door: Parrot) -> None:
    few, many = (scope_of("/", "&".join(["a"] * number)) for number in (MOST_PARAMETERS, MOST_PARAMETERS + 1))

    assert (len(heard_in(few).query), heard_in(many).query) == (MOST_PARAMETERS, ())
    assert [answered(door, scope)[0] for scope in (few, many)] == [200, 413]


def test_a_client_that_leaves_before_the_end_of_its_body_gets_nothing(door: Parrot) -> None:
    assert exchange(door, scope_of(method="POST"), b"half", is_gone=True) is None


@pytest.mark.parametrize("path", ["/broken", "/away"])
def test_what_goes_wrong_is_logged_with_the_request_id_and_answered_in_the_facades_shape(
    path: str, door: Parrot, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        status, headers, body = answered(door, scope_of(path, "apiKey=canary"))

    assert (status, body) == (500, b"broken")
    assert headers["x-request-id"] in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("is_on", [True, False])
def test_the_version_is_told_only_where_the_setting_says_so(*, is_on: bool) -> None:
    headers = answered(Parrot(Spoken(facade_version_header=is_on)), scope_of())[1]

    assert headers.get("x-facade") == ("parrot/1" if is_on else None)


def test_json_is_compact_and_as_people_write_it() -> None:
    document = {"Status": "New", "é": "a/b <c>", "p": [1 / 19 * 100, 10.0, 0]}

    assert json_bytes(document).decode() == '{"Status":"New","é":"a/b <c>","p":[5.263157894736842,10.0,0]}'  # type: ignore[arg-type]  # lists are invariant
    assert json_bytes("\udc80") == b'"\\udc80"'
