"""How often one may ask, and what that costs (checks P5 to P12 and P28)."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from entrepot.engine import Engine
from entrepot.facades.pugpig import PugpigDoor, monitor

from .conftest import ACTIVITY, COMPLETED, PROGRESS, Client, Seconds, let_run, note


def test_p05_a_publication_where_nothing_goes_on_is_idle(client: Client) -> None:
    for path in (PROGRESS, COMPLETED):
        answer = client.get(path)

        document = answer.json()
        assert list(document) == ["version", "publication", "account", "endpoint", "generated_at", "poll_interval", "actions"]
        assert (answer.status_code, document["actions"], document["poll_interval"]) == (200, [], 300)
        assert (answer.headers["cache-control"], answer.headers["retry-after"]) == ("private, max-age=300", "300")


def test_p06_a_publication_where_something_goes_on_is_asked_each_minute(engine: Engine, client: Client) -> None:
    let_run(engine, engine.repositories.get("zoo").publish("web"))

    for path in (PROGRESS, COMPLETED, ACTIVITY):
        answer = client.get(path)
        assert (answer.headers["cache-control"], answer.headers["retry-after"]) == ("private, max-age=60", "60")
    assert client.get(PROGRESS).json()["poll_interval"] == 60


@pytest.mark.parametrize("path", [PROGRESS, COMPLETED, ACTIVITY])
def test_p07_the_tag_is_the_same_while_nothing_changes_although_time_passes(
    engine: Engine, client: Client, seconds: Seconds, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    let_run(engine, engine.repositories.get("zoo").publish("web"))
    first = client.get(path)
    seconds.pass_by(60)
    now = monitor.clock.now
    monkeypatch.setattr(monitor.clock, "now", lambda: now().replace(year=2050))

    later = client.get(path)

    assert first.headers["etag"] == later.headers["etag"]
    assert first.headers["etag"].startswith('"')
    if path != ACTIVITY:
        assert first.json()["generated_at"] != later.json()["generated_at"]
    engine.tasks.cancel(engine.repositories.get("zoo").publish("web").task_id)
    engine.repositories.get("zoo").publish("web")
    with engine.database.transaction() as database:
        database.execute(
            "INSERT INTO activity (id, created_at, level, repository_id, message) VALUES (9, 0, 'error', 'zoo', '')"
        )
    seconds.pass_by(60)
    assert client.get(path).headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("path", [PROGRESS, COMPLETED, ACTIVITY])
def test_p08_a_poll_that_finds_nothing_new_costs_no_body(client: Client, path: str) -> None:
    first = client.get(path)
    tag = first.headers["etag"]

    same = client.get(path, If_None_Match=f'"other", W/{tag}')

    assert (same.status_code, same.content) == (304, b"")
    for name in ("etag", "cache-control", "retry-after"):
        assert same.headers[name] == first.headers[name]
    assert client.get(path, If_None_Match='"other"').status_code == 200


@pytest.mark.parametrize("is_running", [True, False])
def test_p09_who_polls_each_minute_is_never_turned_away(
    engine: Engine, client: Client, seconds: Seconds, *, is_running: bool
) -> None:
    if is_running:
        let_run(engine, engine.repositories.get("zoo").publish("web"))

    statuses = []
    for _ in range(60):
        statuses.append(client.get().status_code)
        seconds.pass_by(60)

    assert statuses == [200] * 60


@pytest.mark.parametrize(("is_running", "interval"), [(True, 60), (False, 300)])
def test_p10_p11_who_polls_each_second_gets_new_answers_then_kept_ones_then_none_until_he_has_waited(
    engine: Engine, client: Client, seconds: Seconds, *, is_running: bool, interval: int
) -> None:
    publish = engine.repositories.get("zoo").publish
    if is_running:
        let_run(engine, publish("web"))
    answers = []
    for number in range(26):
        answers.append(client.get(COMPLETED))
        engine.tasks.cancel(publish("web").task_id)  # something new each second, seen each five
        seconds.pass_by(1 if number < 5 else 0.5)

    statuses = [answer.status_code for answer in answers]
    assert statuses == [200] * 25 + [429]
    told = [len(answer.json()["actions"]) for answer in answers[:25]]
    assert told == [0] * 25  # those of the first five seconds are one reading, and that is kept
    wait = answers[-1].headers["retry-after"]
    assert wait.isdigit()
    assert 1 <= int(wait) <= interval
    assert answers[-1].json() == {"error": f"too many requests, wait {wait} s"}
    seconds.pass_by(int(wait) - 1)
    assert client.get(COMPLETED).status_code == 429
    seconds.pass_by(1)
    after = client.get(COMPLETED)
    assert (after.status_code, len(after.json()["actions"])) == (200, 26)


def test_p12_each_key_has_limits_of_its_own_and_each_endpoint(client: Client, other_key: str) -> None:
    assert [client.get().status_code for _ in range(26)][-1] == 429

    assert client.get(key=other_key).status_code == 200
    assert client.get(COMPLETED).status_code == client.get(ACTIVITY).status_code == 200


def test_when_something_begins_one_may_ask_at_once(engine: Engine, client: Client, seconds: Seconds) -> None:
    for _ in range(6):
        client.get()
    seconds.pass_by(60)
    assert client.get().headers["retry-after"] == "240"  # a kept answer
    let_run(engine, engine.repositories.get("zoo").publish("web"))
    seconds.pass_by(60)

    answer = client.get()

    assert [action["state"] for action in answer.json()["actions"]] == ["running"]
    assert answer.headers["retry-after"] == "60"


def test_p28_two_hundred_pollers_at_once_cost_one_reading_in_five_seconds(
    engine: Engine, client: Client, door: PugpigDoor, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long they wait is measured by tests/benchmarks/bench_facades.py."""
    readings = []
    read_actions = monitor.read_actions
    monkeypatch.setattr(monitor, "read_actions", lambda *given: readings.append(seconds.now) or read_actions(*given))
    keys = [engine.tenants.issue_token("pugpig", "acme", f"k{number}", handle="weekly")[1] for number in range(20)]

    async def poll(count: int) -> set[int]:
        ask = partial(client.client.get, PROGRESS)
        asked = (ask(headers={"Authorization": f"Bearer {keys[number % 20]}"}) for number in range(count))
        return {answer.status_code for answer in await asyncio.gather(*asked)}

    for count, pause in ((200, 4.9), (20, 0.1), (200, 0)):
        assert client.portal.call(poll, count) == {200}
        seconds.pass_by(pause)

    assert readings == [1000.0, 1005.0]


def test_the_pages_of_a_long_log_can_all_be_read_at_once(engine: Engine, client: Client) -> None:
    note(engine, *(f"line {number}" for number in range(10)))
    told, before = [], 11
    while before > 1:
        (entry,) = client.get(f"{ACTIVITY}?format=json&limit=1&before={before}").json()["entries"]
        told.append(entry["message"])
        before = entry["id"]

    assert told == [f"line {number}" for number in reversed(range(10))]
