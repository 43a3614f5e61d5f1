"""The feed of publication events: its shape, its order, its limits and what narrows it (checks L1 to L18)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from entrepot import clock
from entrepot.engine import Engine

from .conftest import FEED, PROJECT, Client, Newsroom

GOLDEN = Path(__file__).parent / "golden"


def compact(name: str) -> str:
    """Return a sample without the white space that is there for readers."""
    return json.dumps(json.loads((GOLDEN / name).read_text(encoding="utf-8")), separators=(",", ":"))


@pytest.fixture
def sample(newsroom: Newsroom) -> None:
    """The events of the documented sample, with their ids."""
    engine, events = newsroom.engine, json.loads((GOLDEN / "events.json").read_text(encoding="utf-8"))
    with engine.database.transaction() as database:
        database.execute("DELETE FROM tenant_source")
        database.execute("UPDATE tenant_channel SET id = 53")
        database.execute("UPDATE counter SET last = 1011 WHERE name = 'publication_event'")
        for document in sorted({event["documentId"] for event in events}):
            database.execute("INSERT INTO document (id, kind, name) VALUES (?, 'unit', ?)", (document, f"{document}"))
        for event in events:
            created = clock.to_us(datetime.fromisoformat(event["createdAt"]))
            database.execute(
                "INSERT INTO publication_event (id, created_at, event_type, document, repository_id, distributor_id, "
                "publication_id) VALUES (?, ?, ?, ?, 'zoo', 'web', ?)",
                (event["id"], created, event["eventType"], event["documentId"], event["publicationId"]),
            )
    engine.tenants.add_source("livingdocs", PROJECT, "zoo", handle="web")


@pytest.mark.usefixtures("sample")
def test_l01_the_documented_sample_is_told_byte_for_byte(client: Client) -> None:
    assert client.get().text == compact("events.json")


@pytest.mark.usefixtures("sample")
def test_l02_the_documented_sample_of_the_newest_two_is_told_byte_for_byte(client: Client) -> None:
    assert client.get(f"{FEED}?reverse&limit=2").text == compact("newest_two.json")


def test_l03_a_hundred_events_are_told_unless_more_are_asked_for(newsroom: Newsroom, client: Client) -> None:
    for _ in range(101):
        newsroom.publish()

    assert client.ids() == list(range(1, 101))
    assert client.ids("limit=1000") == list(range(1, 102))  # L4


def test_l04_more_than_a_thousand_are_refused(client: Client) -> None:
    assert client.refused("limit=1001") == {"limit": "must be an integer between 1 and 1000"}


@pytest.mark.parametrize("limit", ["0", "-1", "abc", "1.5", "", "%D9%A1", "1e2", "99999999999999999999"])
def test_l05_what_is_no_limit_is_refused(client: Client, limit: str) -> None:
    assert client.refused(f"limit={limit}") == {"limit": "must be an integer between 1 and 1000"}


def test_l06_l07_l08_ranges_of_ids_exclude_and_include_their_bounds(newsroom: Newsroom, client: Client) -> None:
    for _ in range(5):
        newsroom.publish()

    assert client.ids("id.gt=3") == [4, 5]
    assert client.ids("id.gte=3") == [3, 4, 5]
    assert client.ids("id.lt=3") == [1, 2]
    assert client.ids("id.lte=3") == [1, 2, 3]
    assert client.ids("id.gte=2&id.lte=4") == [2, 3, 4]
    assert client.ids("id%2Egt=1&id%2elt=3") == [2]
    assert client.ids("id.gt=1&id.gte=4") == [4, 5]
    assert client.ids("id.gt=4&id.lt=2") == []
    assert client.ids("id.gt=9223372036854775807") == []
    assert client.ids("id.gt=1&reverse&limit=2") == [5, 4]
    assert [client.ids(f"{bound}&limit=1") for bound in ("id.gt=0", "id.gte=0", "id.gt=-9", "after=0")] == [[1]] * 4
    assert client.refused("id.gt=9223372036854775808").keys() == {"id.gt"}
    assert client.refused("id.lt=1&id.lt=2") == {"id.lt": "must be given once"}


def test_l09_l10_ranges_of_dates_are_exact_to_the_millisecond(newsroom: Newsroom, client: Client) -> None:
    for number, moment in enumerate(["09:19:00.927999", "09:19:00.928000", "09:19:00.928999", "09:19:00.929000"], start=1):
        newsroom.publish()
        newsroom.date(number, f"2016-12-27T{moment}+00:00")

    assert [event["createdAt"][17:] for event in client.events()] == ["00.927Z", "00.928Z", "00.928Z", "00.929Z"]
    assert client.ids("createdAt.gte=2016-12-27T09:19:00.928Z") == [2, 3, 4]
    assert client.ids("createdAt.gt=2016-12-27T09:19:00.928Z") == [4]
    assert client.ids("createdAt.lte=2016-12-27T09:19:00.928Z") == [1, 2, 3]
    assert client.ids("createdAt.lt=2016-12-27T09:19:00.928Z") == [1]
    assert client.ids("createdAt.gte=2016-12-27T11:19:00.928%2B02:00") == [2, 3, 4]
    assert client.ids("createdAt.gt=2016-12-27T11:19:00.928+02:00") == [4]  # its `+` arrives as a blank
    assert client.ids("createdAt.gte=2016-12-27&createdAt.lt=2016-12-28") == [1, 2, 3, 4]
    assert client.ids("createdAt.gt=9999-12-31T23:59:59.999Z") == []


@pytest.mark.parametrize("date", ["yesterday", "2016-13-01", "2016-12-27T09:19:00", "2016-12-27T25:00:00Z", "1482830340", ""])
def test_l11_what_is_no_date_is_refused(client: Client, date: str) -> None:
    rule = "must be an ISO 8601 date, or a date and a time with Z or an offset"
    assert client.refused(f"createdAt.gte={date}&limit=0") == {
        "createdAt.gte": rule,
        "limit": "must be an integer between 1 and 1000",
    }


def test_l12_after_tells_the_event_of_that_id_as_well(newsroom: Newsroom, client: Client) -> None:
    for _ in range(3):
        newsroom.publish()

    assert client.ids("after=2") == [2, 3]


def test_l13_after_does_not_stand_beside_what_took_its_place(client: Client) -> None:
    for name in ("id.gte", "id.gt"):
        assert client.refused(f"after=1&{name}=1").keys() == {"after"}


def test_l14_reverse_may_be_said_and_denied(newsroom: Newsroom, client: Client) -> None:
    newsroom.publish()
    newsroom.publish()

    assert [client.ids(f"reverse{value}") for value in ("", "=", "=true", "=1")] == [[2, 1]] * 4
    assert [client.ids(f"reverse={value}") for value in ("false", "0")] == [[1, 2]] * 2
    assert client.refused("reverse=yes") == {"reverse": "must be true or false"}


@pytest.fixture
def kinds(newsroom: Newsroom) -> None:
    """Events 1 to 4: an iso article, a debian page, a record of an unknown type, and an article of nothing."""
    types = {"deb": "page", "record": "data-record"}
    newsroom.engine.tenants.update("livingdocs", PROJECT, {"document_types": types})
    for importer, unit_types in (("iso_importer", ("iso",)), ("deb_importer", ("deb",)), ("x", ("record",)), (None, ())):
        newsroom.publish(content_type=importer, unit_types=unit_types)


@pytest.mark.usefixtures("kinds")
def test_l15_content_types_are_alternatives(client: Client) -> None:
    assert client.ids("contentTypes=iso_importer,deb_importer") == [1, 2]
    assert client.ids("contentTypes=nobody") == []
    assert client.refused("contentTypes=").keys() == {"contentTypes"}
    assert "contentType" not in client.events()[0]


@pytest.mark.usefixtures("kinds")
def test_l16_document_types_narrow_beside_content_types(client: Client) -> None:
    assert [event["documentType"] for event in client.events()] == ["article", "page", "data-record", "article"]
    assert client.ids("documentTypes=article") == [1, 4]
    assert client.ids("documentTypes=page,data-record") == [2, 3]
    assert client.ids("documentTypes=data-record%2Carticle") == [1, 3, 4]
    assert client.ids("documentTypes=article&contentTypes=iso_importer,deb_importer") == [1]


def test_l17_an_unknown_document_type_is_refused(client: Client) -> None:
    rule = "must be a comma separated list of article, page, data-record"
    assert client.refused("documentTypes=article,video") == {"documentTypes": rule}
    assert client.refused("documentTypes=") == {"documentTypes": rule}


def test_l18_a_channel_tells_of_its_sources_only(newsroom: Newsroom, client: Client) -> None:
    newsroom.engine.tenants.set_channel("livingdocs", PROJECT, "paper", sources=[("zoo", "print")])
    newsroom.publish("zoo", "web")
    newsroom.publish("zoo", "print")

    assert client.ids() == client.ids(path=f"{FEED}/web") == [1, 2]
    assert client.ids(path=f"{FEED}/paper") == [2]
    ids = {channel.handle: channel.channel_id for channel in newsroom.engine.tenants.get("livingdocs", PROJECT).channels}
    assert [event["channelId"] for event in client.events() + client.events(path=f"{FEED}/paper")] == [
        ids["web"],
        ids["web"],
        ids["paper"],
    ]
    missing = client.get(f"{FEED}/radio")
    assert (missing.status_code, missing.text) == (404, '{"name":"NotFound","message":"Channel Not Found"}')


def test_l19_events_of_other_projects_never_appear(newsroom: Newsroom, client: Client) -> None:
    newsroom.add_repository("farm")
    newsroom.engine.tenants.add("livingdocs", "31")
    newsroom.engine.tenants.set_channel("livingdocs", "31", "web", sources=[("farm", "*")])
    _, other = newsroom.engine.tenants.issue_token("livingdocs", "31", "poller")
    newsroom.publish("zoo")
    newsroom.publish("farm")

    assert client.ids() == [1]
    assert [(event["id"], event["projectId"]) for event in client.get(token=other).json()] == [(2, 31)]


def test_l26_l27_dates_have_three_digits_and_ids_are_integers(newsroom: Newsroom, client: Client) -> None:
    newsroom.publish()

    (event,) = client.events()

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("createdAt"))
    assert {name: type(value) for name, value in event.items() if name.lower().endswith("id")} == dict.fromkeys(
        ("id", "projectId", "channelId", "documentId", "publicationId"), int
    )


def test_l30_publishing_unpublishing_and_publishing_again_are_three_publications(newsroom: Newsroom, client: Client) -> None:
    newsroom.publish()
    newsroom.unpublish()
    newsroom.publish()

    events = client.events()
    publications: list[Any] = [event["publicationId"] for event in events]

    assert [event["eventType"] for event in events] == ["publish", "unpublish", "publish"]
    assert len({event["documentId"] for event in events}) == 1
    assert publications == sorted(set(publications))


@pytest.mark.parametrize("newer", [{"livingdocs_limit_overflow": "clamp", "livingdocs_after": "exclusive"}])
def test_settings_clamp_a_limit_and_take_after_for_exclusive(newsroom: Newsroom, client: Client, newer: dict[str, str]) -> None:
    newsroom.publish()
    newsroom.publish()
    newsroom.engine.settings = newsroom.engine.settings.model_copy(update=newer)

    assert client.ids("limit=5000") == [1, 2]
    assert client.ids("after=1") == [2]
    assert client.refused("limit=0").keys() == {"limit"}


def test_an_empty_feed_is_an_empty_list(engine: Engine, client: Client) -> None:
    engine.tenants.set_channel("livingdocs", PROJECT, "empty", sources=[])

    assert client.events() == []
    assert client.events(path=f"{FEED}/empty") == []
