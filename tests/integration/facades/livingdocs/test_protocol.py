"""Who may ask, under which version, and what is said to everybody else (checks L20 to L31)."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot import clock
from entrepot.events import numbers
from entrepot.facades.limits import Buckets
from entrepot.facades.livingdocs import LivingdocsDoor
from entrepot.facades.livingdocs.filters import PARAMETERS

from .conftest import FEED, PROJECT, Client, Newsroom


def said(answer: httpx.Response) -> tuple[int, Any]:
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    return answer.status_code, answer.json()


def error(status: int, text: str, **details: str) -> tuple[int, Any]:
    return status, {"status": status, "error": text, "error_details": details}


def test_l20_a_missing_a_garbled_and_an_expired_token_are_told_apart(newsroom: Newsroom, client: Client) -> None:
    with newsroom.engine.database.transaction() as database:
        database.execute("UPDATE tenant_token SET expires_at = 1 WHERE name = 'poller'")

    expired = client.get()

    assert expired.text == (
        '{"status":401,"error":"Unauthorized","error_details":{"access_token":"The access token expired."}}'
    )
    assert said(client.get(Authorization="")) == error(401, "Unauthorized", access_token="The access token is missing.")
    for garbled in ("Bearer x", "Bearer", f"Basic {client.token}", client.token, "Bearer \xff\xfe"):
        answer = client.get(Authorization=garbled)
        assert said(answer) == error(401, "Unauthorized", access_token="The access token is invalid."), garbled
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_scheme_of_a_token_is_read_without_case(client: Client) -> None:
    assert client.get(Authorization=f"bearer  {client.token}").status_code == 200


def test_l21_a_token_without_the_scope_is_refused(newsroom: Newsroom, client: Client) -> None:
    with newsroom.engine.database.transaction() as database:
        database.execute("UPDATE tenant_token SET scopes = ?", (json.dumps([]),))

    assert client.get().text == (
        '{"status":403,"error":"Forbidden","error_details":{"access_token":"The request requires higher privileges"}}'
    )


def test_a_token_of_one_channel_is_good_for_no_other(newsroom: Newsroom, client: Client) -> None:
    tenants = newsroom.engine.tenants
    tenants.set_channel("livingdocs", PROJECT, "paper", sources=[("zoo", "print")])
    _, secret = tenants.issue_token("livingdocs", PROJECT, "printer", handle="paper")
    newsroom.publish("zoo", "web")
    newsroom.publish("zoo", "print")

    for path in (FEED, f"{FEED}/paper"):
        assert [event["id"] for event in client.get(path, token=secret).json()] == [2]
    assert client.get(f"{FEED}/web", token=secret).status_code == 404


@pytest.mark.parametrize(
    "path", ["/api/v1/foo", "/api/v1", "/api/", "/api/v1/publicationEvents/a/b", "/api/v9/publicationEvents"]
)
def test_l22_an_unknown_route_is_named(client: Client, path: str) -> None:
    assert said(client.get(f"{path}?limit=1")) == error(404, "Not Found", url=path)


def test_l23_what_breaks_here_is_told_without_details(
    client: Client, door: LivingdocsDoor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(door.engine.events), "list_publications", lambda *_: 1 / 0)

    assert said(client.get()) == (500, {"status": 500, "error": "Internal Server Error"})
    assert "ZeroDivisionError" in caplog.text


def test_l24_versions_differ_in_what_is_around_the_events(newsroom: Newsroom, client: Client) -> None:
    newsroom.publish()
    events = client.events()

    for version in ("v1", "beta", "2025-03", "2025-11"):
        assert client.get(f"/api/{version}/publicationEvents").json() == events
    for version in ("2026-01", "2026-05"):
        assert client.get(f"/api/{version}/publicationEvents/web").json() == {"results": events}


def test_l25_a_retired_version_is_gone(client: Client) -> None:
    assert said(client.get("/api/2025-01/publicationEvents")) == error(410, "Gone", url="/api/2025-01/publicationEvents")
    assert client.get("/api/2025-02/publicationEvents").status_code == 404  # there was none


def test_l29_the_clock_steps_back_an_hour_and_no_event_is_older_than_the_one_before(
    newsroom: Newsroom, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.publish()
    earlier = clock.now_us() - clock.us(timedelta(hours=1))
    monkeypatch.setattr(numbers.clock, "now_us", lambda: earlier)
    newsroom.publish()
    monkeypatch.undo()
    newsroom.publish()

    dates = [event["createdAt"] for event in client.events()]

    assert dates[0] == dates[1] <= dates[2]


def test_l31_a_poll_that_finds_nothing_new_costs_no_body(newsroom: Newsroom, client: Client) -> None:
    newsroom.publish()
    poll = f"{FEED}?id.gt=1&limit=1000"
    first = client.get(poll)
    tag = first.headers["etag"]

    same = client.get(poll, If_None_Match=f'"other", W/{tag}')
    other_query = client.get(f"{FEED}?id.gt=0", If_None_Match=tag)
    newsroom.publish()
    later = client.get(poll, If_None_Match=tag)

    assert (first.status_code, first.text, first.headers["cache-control"]) == (200, "[]", "private, no-cache")
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert same.headers["cache-control"] == "private, no-cache"
    assert (other_query.status_code, later.status_code) == (200, 200)
    assert [event["id"] for event in later.json()] == [2]


def test_the_tag_is_another_when_what_a_channel_shows_changes(newsroom: Newsroom, client: Client) -> None:
    newsroom.publish()
    tag = client.get().headers["etag"]

    assert client.get(f"{FEED}?limit=100&createdAt.gte=").status_code == 400
    assert client.get(f"{FEED}?limit=100", If_None_Match=tag).status_code == 304  # it asks for the same
    newsroom.engine.tenants.set_channel("livingdocs", PROJECT, "web", sources=[("zoo", "print")])
    assert client.get(If_None_Match=tag).json() == []


def test_events_that_are_no_longer_kept_leave_no_silent_gap(newsroom: Newsroom, client: Client) -> None:
    for number in (1, 2, 3):
        newsroom.publish()
        newsroom.date(number, f"2016-12-0{number}T00:00:00+00:00")
    newsroom.date(3, clock.now().isoformat())

    assert newsroom.engine.events.prune_publications(older_than=timedelta(days=1)) == 2

    gone = (410, {"message": "Events before id 3 were removed"})
    assert [said(client.get(f"{FEED}?{bound}")) for bound in ("id.gt=1", "id.gte=2", "after=1")] == [gone] * 3
    assert client.ids("id.gt=2") == client.ids("id.gte=3") == client.ids() == [3]


def test_a_token_that_asks_too_often_is_told_when_to_come_back(
    newsroom: Newsroom, client: Client, door: LivingdocsDoor
) -> None:
    _, other = newsroom.engine.tenants.issue_token("livingdocs", PROJECT, "other")
    door._limits = Buckets(0.4, 1, lambda: 0.0)

    first, second = client.get(), client.get()

    assert first.status_code == 200
    assert said(second) == error(429, "Too Many Requests", access_token="Too many requests, wait 3 s")
    assert second.headers["retry-after"] == "3"
    assert client.get(token=other).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_one_may_only_read(client: Client, method: str) -> None:
    answer = client.get(method=method)

    assert said(answer) == error(405, "Method Not Allowed", method=f"{method} is not allowed")
    assert answer.headers["allow"] == "GET, HEAD"


def test_a_head_has_the_headers_of_a_get_and_no_body(newsroom: Newsroom, client: Client) -> None:
    newsroom.publish()

    got, head = client.get(), client.get(method="HEAD")

    kept = ("etag", "cache-control", "content-type", "content-length")
    assert [head.headers[name] for name in kept] == [got.headers[name] for name in kept]
    assert (head.status_code, head.content) == (200, b"")


def test_an_unknown_parameter_is_left_alone_and_logged_once(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="entrepot.facades.livingdocs")

    for _ in range(2):
        assert client.events("apiVersion=2030-01&documentId=7") == []

    assert len([record for record in caplog.records if "'apiVersion'" in record.getMessage()]) == 1


def test_a_body_that_nobody_asked_for_is_refused(door: LivingdocsDoor, client: Client) -> None:
    answer = client.get(method="POST", Content_Length="70000")

    assert said(answer) == error(413, "Request Entity Too Large", body="must be smaller")


def test_the_description_names_each_version_and_parameter(client: Client) -> None:
    document = client.get("/api/v1/openapi.json", Authorization="").json()

    operation = document["paths"]["/api/{version}/publicationEvents/{channelHandle}"]["get"]
    names = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert {"limit", "reverse", "after", "id.gte", "createdAt.lt"} <= names.keys()
    assert names["version"]["schema"]["enum"] == [
        "v1", "beta", "2025-03", "2025-05", "2025-07", "2025-09", "2025-11", "2026-01", "2026-03", "2026-05",
    ]  # fmt: skip


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
values = st.one_of(
    texts,
    st.integers(-(2**70), 2**70).map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.sampled_from(["article", "page,", "true", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1000"]),
)
queries = st.lists(st.tuples(st.one_of(st.sampled_from(PARAMETERS), texts), values), max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries, handle=st.one_of(st.just(""), st.just("/web"), texts.map(lambda text: "/" + quote(text, safe=""))))
def test_whatever_is_asked_is_answered_in_json_and_breaks_nothing(
    client: Client, query: list[tuple[str, str]], handle: str
) -> None:
    answer = client.get(f"{FEED}{handle}?{urlencode(query)}")

    assert answer.status_code in (200, 400, 404), (query, answer.text)
    answer.json()
