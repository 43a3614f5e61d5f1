"""Answers become bytes: one value, a list that is read as it is written, a page, nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from entrepot.rest.endpoint import NOTHING, Answer
from entrepot.rest.sending import seal
from entrepot.streaming import Event, event_text

SCOPE: dict[str, Any] = {"scheme": "https", "headers": [(b"host", b"server.test:8443")]}


@pytest.mark.parametrize("items", [[], [1], [{"a": "\u20ac"}, None, [True]]])
def test_an_iterator_is_sent_as_the_list_that_it_gives(items: list[Any]) -> None:
    sealed = seal(Answer(iter(items)), SCOPE)

    assert sealed.body == seal(Answer(items), SCOPE).body
    assert json.loads(sealed.body) == items


def test_json_is_compact_and_says_its_encoding() -> None:
    sealed = seal(Answer({"a": [1, None]}), SCOPE)

    assert sealed.body == b'{"a":[1,null]}'
    assert sealed.headers == [(b"content-type", b"application/json; charset=utf-8")]


def test_a_page_is_sent_as_it_is() -> None:
    sealed = seal(Answer("<p>\u20ac</p>", media_type="text/html; charset=utf-8"), SCOPE)

    assert sealed.body == "<p>\u20ac</p>".encode()


def test_nothing_has_neither_body_nor_type() -> None:
    assert seal(Answer(NOTHING, 204), SCOPE) == (204, [], b"")


@pytest.mark.parametrize(
    ("host", "location"),
    [
        (b"server.test:8443", b"https://server.test:8443/pulp/api/v2/x/"),
        (b"[::1]:80", b"https://[::1]:80/pulp/api/v2/x/"),
        (b"evil.test/x?", b"/pulp/api/v2/x/"),
        (b"", b"/pulp/api/v2/x/"),
    ],
)
def test_a_location_names_the_host_that_the_client_named_if_that_is_one(host: bytes, location: bytes) -> None:
    sealed = seal(Answer({}, 201, location="/pulp/api/v2/x/"), SCOPE | {"headers": [(b"host", host)]})

    assert dict(sealed.headers)[b"location"] == location


def test_an_event_is_told_as_three_lines_whatever_its_id_is() -> None:
    assert event_text(Event("task", {"a": "b\n"}, "x\n\rdata: y")) == 'id: xdata: y\nevent: task\ndata: {"a":"b\\n"}\n\n'
