"""What the log says of a request."""

from __future__ import annotations

import asyncio
import logging

import pytest
from starlette.types import Message, Receive, Scope, Send

from entrepot.web.request_log import line, logged

_SCOPE: Scope = {
    "type": "http",
    "method": "GET",
    "raw_path": b"/pulp/api/v2/tasks/%0Ax/",
    "query_string": b"token=secret",
    "headers": [(b"authorization", b"Basic c2VjcmV0")],
    "client": ("192.0.2.1", 4711),
    "state": {"user": "ann"},
}
_START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"abc")]}


def test_a_line_has_method_path_status_time_user_address_and_request_id() -> None:
    expected = "GET /pulp/api/v2/tasks/%0Ax/ 200 12.5 ms user=ann from=192.0.2.1 request=abc"

    assert line(_SCOPE, _START, 0.0125) == expected


def test_neither_query_nor_headers_of_the_client_are_written() -> None:
    written = line(_SCOPE, _START, 1)

    assert "secret" not in written
    assert "Basic" not in written


def test_what_is_not_known_is_a_dash() -> None:
    scope = {"type": "http", "method": "GET", "raw_path": b"/\xff", "headers": []}

    assert line(scope, None, 0) == "GET /\\xff - 0.0 ms user=- from=- request=-"


def test_a_request_whose_app_fails_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(_START)
        raise RuntimeError

    async def nothing(*_: object) -> Message:
        return {}

    caplog.set_level(logging.INFO, "entrepot.requests")
    with pytest.raises(RuntimeError):
        asyncio.run(logged(app)(_SCOPE, nothing, nothing))

    assert [record.message.split(" ")[:3] for record in caplog.records] == [["GET", "/pulp/api/v2/tasks/%0Ax/", "200"]]
