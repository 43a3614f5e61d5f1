"""Who may ask for which address, and what is said to everybody else (checks P1 to P4, P21 to P25, P27)."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.events import record_activity
from entrepot.facades.pugpig import PugpigDoor

from .conftest import ACTIVITY, BASE, COMPLETED, PROGRESS, SPECIFICATION, UPDATE, Client, Seconds, note

ENDPOINTS = (PROGRESS, COMPLETED, ACTIVITY, SPECIFICATION)


@pytest.mark.parametrize(
    "path",
    [
        "/publication/weekly/addon/main.weekly.other/progress.json",
        "/publication/weekly/addon/main.daily.acme/progress.json",
        "/publication/daily/addon/main.weekly.acme/progress.json",
        "/publication/weekly/addon/main.weekly/progress.json",
        "/publication/weekly/addon/.weekly.acme/progress.json",
        "/publication/weekly/addon/main.weekly.acme.acme/progress.json",
        "/publication/weekly/extra/main.weekly.acme/progress.json",
        "/publication/weekly/addon/main.weekly.acme/progress",
        "/publication/weekly/addon/main.weekly.acme/progress.json/",
        "/publication/weekly/addon/main.weekly.acme/action/update_content/",
        "/pugpig/acme",
        "/pugpig",
        "/publication",
        "/pugpig/other/publication/weekly/addon/main.weekly.acme/progress.json",
    ],
)
def test_p01_an_address_whose_parts_do_not_match_is_not_found_whoever_asks(client: Client, path: str) -> None:
    assert client.said(path) == client.said(path, key="") == (404, "not found")


def test_p01_the_account_is_that_of_the_host_or_of_the_path(engine: Engine, client: Client) -> None:
    host = {"Host": "beta.admin.example.org"}

    assert client.said(**host) == (404, "not found")
    for path in ENDPOINTS:
        assert client.get(f"/pugpig/acme{path}", **host).status_code == 200
    engine.tenants.set_channel("pugpig", "acme", "weekly", settings={"endpoint_prefix": "prod"})
    assert client.said() == (404, "not found")
    assert client.get("/publication/weekly/addon/prod.weekly.acme/progress.json").json()["endpoint"] == "prod"


def test_p02_a_key_is_read_from_the_address_and_from_the_header_alike(engine: Engine, client: Client) -> None:
    by_header, by_address = client.get(), client.get(f"{PROGRESS}?apiKey={client.key}", key="")

    assert by_header.status_code == by_address.status_code == 200
    assert by_header.content == by_address.content
    for wrong in ({"key": ""}, {"key": "epf_x"}, {"key": "", "Authorization": f"Basic {client.key}"}):
        answer = client.get(**wrong)
        assert (answer.status_code, answer.content) == (401, b'{"error":"invalid api key"}')
        assert answer.headers["www-authenticate"] == "Bearer"
    for query in ("apiKey=", "apiKey=wrong", f"apikey={client.key}"):
        assert client.said(f"{PROGRESS}?{query}", key="") == (401, "invalid api key"), query
    with engine.database.transaction() as database:
        database.execute("UPDATE tenant_token SET expires_at = 1")
    assert client.said() == (401, "invalid api key")


def test_p03_a_key_of_one_publication_opens_no_other(engine: Engine, client: Client) -> None:
    for account, code in (("acme", "daily"), ("beta", "weekly")):
        if account != "acme":
            engine.tenants.add("pugpig", account)
        engine.tenants.set_channel("pugpig", account, code, sources=[("zoo", "web")])

        assert client.said(f"/pugpig/{account}/publication/{code}/addon/main.{code}.{account}/progress.json") == (
            404,
            "not found",
        )
    assert client.said("/publication/nothing/addon/main.nothing.acme/progress.json") == (404, "not found")


def test_p04_a_key_stands_in_no_log_and_is_not_handed_on_by_a_browser(
    client: Client, door: PugpigDoor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="entrepot")
    keyed = f"?apiKey={client.key}"
    for path in (*ENDPOINTS, UPDATE, "/publication/x"):
        answer = client.get(path + keyed, key="")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert client.key not in answer.text + str(answer.headers)
    monkeypatch.setattr(door.monitor, "state", lambda _: 1 / 0)

    assert client.said(PROGRESS + keyed, key="") == (500, "internal server error")

    assert "ZeroDivisionError" in caplog.text
    assert client.key not in caplog.text


def test_a_key_is_good_for_what_it_was_made_for(engine: Engine, client: Client, other_key: str) -> None:
    _, actor = engine.tenants.issue_token("pugpig", "acme", "actor", handle="weekly", scopes=["act"])

    assert client.said(UPDATE, method="POST", key=other_key) == (403, "the api key has not the scope act")
    assert client.said(key=actor) == (403, "the api key has not the scope monitor")


def test_p21_the_activity_is_json_for_programs_and_lines_for_people(engine: Engine, client: Client) -> None:
    note(engine, "one\n  line", "two é")

    text, by_accept = client.get(ACTIVITY), client.get(ACTIVITY, Accept="text/html, Application/JSON;q=0.9")

    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert [line.split("\t")[1:] for line in text.text.splitlines()] == [
        ["notice", "-", "two é"],
        ["notice", "-", "one line"],
    ]
    assert by_accept.headers["content-type"] == "application/json; charset=utf-8"
    assert client.get(f"{ACTIVITY}?format=json").content == by_accept.content
    assert client.get(f"{ACTIVITY}?format=text", Accept="application/json").text == text.text
    assert text.headers["vary"] == by_accept.headers["vary"] == "Accept"
    document = by_accept.json()
    assert list(document) == ["version", "publication", "account", "endpoint", "entries"]
    assert [list(entry) for entry in document["entries"]] == [["id", "at", "level", "action_id", "message"]] * 2
    assert [entry["id"] for entry in document["entries"]] == [2, 1]


def test_p22_pages_of_the_activity_have_neither_gaps_nor_repeats_while_entries_arrive(engine: Engine, client: Client) -> None:
    note(engine, *(f"early {number}" for number in range(7)))
    told: list[dict[str, Any]] = []
    page = client.get(f"{ACTIVITY}?format=json&limit=2").json()["entries"]
    while page:
        told += page
        note(engine, "late")
        page = client.get(f"{ACTIVITY}?format=json&limit=2&before={page[-1]['id']}").json()["entries"]

    assert [entry["message"] for entry in told] == [f"early {number}" for number in reversed(range(7))]


def test_the_activity_shows_what_concerns_the_distributor_or_all_of_the_repository(engine: Engine, client: Client) -> None:
    note(engine, "elsewhere", repository_id="farm")
    for distributor_id in ("web", "print", None):
        with engine.database.transaction() as database:
            record_activity(database, "error", "zoo", f"of {distributor_id}", distributor_id=distributor_id)

    entries = client.get(f"{ACTIVITY}?format=json").json()["entries"]

    assert [(entry["level"], entry["message"]) for entry in entries] == [("error", "of None"), ("error", "of web")]


def test_p23_markup_in_a_name_is_harmless_wherever_it_is_told(engine: Engine, client: Client) -> None:
    evil = "<script>alert(1)</script>"
    note(engine, f"{evil} was refused.")

    as_json, as_text = client.get(f"{ACTIVITY}?format=json"), client.get(ACTIVITY)
    page = client.get(f"/pugpig/acme{SPECIFICATION}", Host=f"x{evil}")

    for answer, kind in ((as_json, "application/json"), (as_text, "text/plain")):
        assert evil in answer.text.replace("\\/", "/")
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_specification_sums_the_values_up_without_the_key(client: Client) -> None:
    document = client.get(f"{SPECIFICATION}?format=json").json()
    page = client.get(SPECIFICATION).text

    base = f"http://acme.admin.example.org:8080{BASE}"
    assert document == {
        "version": 1,
        "publication": "weekly",
        "account": "acme",
        "endpoint": "main",
        "api_key": "*****",
        "urls": {
            "activity": f"{base}/activity",
            "progress": f"{base}/progress.json",
            "completed": f"{base}/completed.json",
            "update_content": f"{base}/action/update_content",
        },
        "polling": {"in_process_seconds": 60, "idle_seconds": 300},
    }
    for value in ("acme", "weekly", "main", "*****", *document["urls"].values()):
        assert f"<td>{value}</td>" in page


@pytest.mark.parametrize("path", ENDPOINTS)
def test_p24_a_head_has_the_headers_of_a_get_and_no_body(client: Client, path: str) -> None:
    got, head = client.get(path), client.get(path, method="HEAD")

    kept = ("etag", "cache-control", "retry-after", "content-type", "content-length")
    assert [head.headers[name] for name in kept] == [got.headers[name] for name in kept]
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_p24_one_may_only_read_what_is_monitored(client: Client, method: str) -> None:
    for path in ENDPOINTS:
        answer = client.get(path, method=method)
        assert (answer.status_code, answer.json(), answer.headers["allow"]) == (
            405,
            {"error": "method not allowed"},
            "GET, HEAD",
        )


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_p25_an_update_is_asked_for_by_post_only(engine: Engine, client: Client, method: str) -> None:
    answer = client.get(UPDATE, method=method)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert engine.tasks.list() == []


def test_p25_a_get_updates_where_the_settings_let_it_and_a_head_never(engine: Engine, client: Client) -> None:
    engine.settings = engine.settings.model_copy(update={"pugpig_legacy_get": True})

    head = client.get(UPDATE, method="HEAD")
    assert (head.status_code, engine.tasks.list()) == (405, [])
    got = client.get(f"{UPDATE}?apiKey={client.key}", key="")

    assert (got.status_code, got.headers["location"]) == (303, PROGRESS)
    assert [task.title for task in engine.tasks.list()] == ["publish zoo"]


@pytest.mark.parametrize(
    ("sent", "edition"),
    [("a%2Fb", "a/b"), ("%C3%A9dition%20%E2%84%9612", "édition №12"), ("urn:x:12%3Fq", "urn:x:12?q"), ("%2e%2e", "..")],
)
def test_p27_the_id_of_an_edition_is_decoded_once(mirror: None, client: Client, sent: str, edition: str) -> None:
    answer = client.get(f"/pugpig/acme{UPDATE}/{sent}", method="POST")

    assert (answer.status_code, answer.json()["target"]) == (202, edition)
    assert answer.headers["location"] == f"/pugpig/acme{PROGRESS}"
    assert {action["target"] for action in client.actions() if action["action"] == "update_content"} == {edition}
    assert repr(edition) in client.get(ACTIVITY).text


def test_an_edition_that_no_id_can_be_is_refused(client: Client) -> None:
    for wrong in ("x" * 201, "a%00b"):
        assert client.said(f"{UPDATE}/{wrong}", method="POST")[0] == 400


@pytest.mark.parametrize(("path", "most"), [(COMPLETED, 200), (ACTIVITY, 1000)], ids=["completed", "activity"])
def test_p17_a_limit_has_bounds(client: Client, path: str, most: int) -> None:
    for good in (1, most):
        assert client.get(f"{path}?limit={good}").status_code == 200
    for bad in ("0", str(most + 1), "-1", "x", "", "1.5", "9" * 40, "\u0661"):
        assert client.said(f"{path}?limit={bad}") == (400, f"limit must be a whole number from 1 to {most}")


def test_values_that_cannot_be_are_named(client: Client) -> None:
    for bad in ("yesterday", "2026-02-01", "2026-02-01T12:00:00", "2026-13-01T12:00:00Z", ""):
        assert client.said(f"{COMPLETED}?since={bad}")[0] == 400, bad
    for bad in ("x", "-1", "9" * 19):
        assert client.said(f"{ACTIVITY}?before={bad}") == (400, "before must be the id of an entry")


def test_since_leaves_out_what_ended_before(engine: Engine, client: Client, seconds: Seconds) -> None:
    early, late = (engine.repositories.get("zoo").publish("web") for _ in range(2))
    for handle, moment in ((early, datetime(2026, 2, 1, 12, tzinfo=UTC)), (late, datetime(2026, 2, 1, 13, tzinfo=UTC))):
        engine.tasks.cancel(handle.task_id)
        with engine.database.transaction() as database:
            database.execute("UPDATE task SET finished_at = ? WHERE task_id = ?", (clock.to_us(moment), handle.task_id))

    for since, expected in (
        ("2026-02-01T12:00:00Z", [late, early]),
        ("2026-02-01T12:00:00.000001Z", [late]),
        ("2026-02-01T14:00:00+01:00", [late]),  # an offset's `+` arrives as a blank
        ("2026-02-01T13:00:01Z", []),
    ):
        told = [action["id"] for action in client.actions(f"{COMPLETED}?since={since}")]
        assert told == [handle.task_id for handle in expected], since
        seconds.pass_by(timedelta(minutes=5).total_seconds())


def test_a_body_that_nobody_asked_for_is_refused(client: Client) -> None:
    assert client.said(UPDATE, method="POST", Content_Length="70000") == (413, "request entity too large")


def test_the_description_names_each_endpoint(client: Client) -> None:
    document = client.get("/pugpig/openapi.json", key="").json()

    assert client.get("/publication/openapi.json", key="").json() == document
    assert {path.rpartition("}/")[2] if "edition" not in path else "edition" for path in document["paths"]} == {
        "progress.json", "completed.json", "activity", "specification", "action/update_content", "edition",
    }  # fmt: skip
