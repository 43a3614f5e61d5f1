"""The status of a deploy request: who may ask, and what is said of which deploy (checks E1 to E30 that need a door)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.facades.edgecast import EdgecastDoor
from entrepot.facades.limits import Buckets
from entrepot.models import DeployServer, EdgeServer, Pop
from entrepot.propagation.progress import PushKey, end

from .conftest import ACCOUNT, DEPLOY, STATUS, Client, add_deploy

GOLDEN = Path(__file__).parent / "golden"
#: The figures of the documented sample: of four POPs, and of all together. The names, and the fifth POP that makes up the
#: total of 61 of 2288 servers, are ours.
SAMPLE = {
    "Asia : Osaka (OSA)": (1, 19),
    "Asia : Tokyo (NRT)": (1, 10),
    "Europe : Berlin": (1, 25),
    "Europe : Zürich & Genève": (1, 27),
    "North America : Ashburn": (57, 2207),
}


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes().rstrip(b"\n")


def path(deploy_id: object, account: str = ACCOUNT) -> str:
    return f"/v2/mcc/customers/{account}/rulesv4/{deploy_id}/status"


def test_e01_the_path_is_matched_as_it_is_and_not_with_a_slash_behind_it(engine: Engine, client: Client) -> None:
    add_deploy(engine)

    assert client.get().status_code == 200
    for wrong in (f"{STATUS}/", STATUS.upper(), "/v2/mcc/", "/v2/mcc/customers", path(DEPLOY).replace("status", "state")):
        assert client.said(wrong) == (404, "Not Found"), wrong


def test_e02_tokens_are_read_without_case_with_a_blank_or_without(engine: Engine, client: Client) -> None:
    add_deploy(engine)
    token = client.token

    for good in (f"TOK:{token}", f"TOK: {token}", f"tok:{token}", f"Tok:{token} "):
        assert client.get(authorization=good).status_code == 200, good
    for bad in (f"Bearer {token}", f"TOK{token}", token, "TOK:", ""):
        assert client.said(authorization=bad) == (403, "Access Denied"), bad


def test_e03_zeros_of_an_account_number_count_and_its_case_does_not(engine: Engine, client: Client) -> None:
    add_deploy(engine)
    engine.tenants.add("edgecast", "DFA6E")
    engine.tenants.add_source("edgecast", "DFA6E", "zoo", "edge")
    _, other = engine.tenants.issue_token("edgecast", "dfa6e", "primary")

    assert client.said(path(DEPLOY, "1")) == (400, "Invalid account number")
    for number in ("DFA6E", "dfa6e"):
        assert client.get(path(DEPLOY, number), authorization=f"TOK:{other}").status_code == 200
    assert client.said(path(DEPLOY, "DFA6E")) == client.said(path(DEPLOY, "FFFF")) == (400, "Invalid account number")


def test_e04_e05_e10_the_documented_figures_are_told_byte_for_byte(engine: Engine, client: Client) -> None:
    add_deploy(engine, SAMPLE)

    assert client.get().content == golden("propagating")


def test_e06_a_new_deploy_is_told_byte_for_byte(engine: Engine, client: Client) -> None:
    engine.edges.request_deploy("zoo", "edge")

    assert client.get(path(1)).content == golden("new")


def test_e12_percentages_never_fall_whatever_becomes_of_the_servers(engine: Engine, client: Client) -> None:
    add_deploy(engine, {"Asia : Osaka": (0, 3), "Europe : Berlin": (0, 2)})
    with engine.database.transaction() as database:
        for pop, name in ((1, "Osaka"), (2, "Berlin")):
            place = {"network": "default", "name": name, "region": "", "location": "", "max_pushes": 4}
            Pop.insert(id=pop, created_at=clock.now(), **place).execute(database.peewee)
        for server, pop in ((1, 1), (2, 1), (3, 1), (4, 2), (5, 2)):
            EdgeServer.insert(id=server, pop=pop, url=f"/{server}", options={}, created_at=clock.now()).execute(database.peewee)
            push = {"deploy": DEPLOY, "server": server, "pop": pop, "url": f"/{server}", "state": "pushing", "task_id": "t"}
            DeployServer.insert(**push).execute(database.peewee)
    told: list[dict[str, Any]] = []

    def look() -> None:
        told.append(client.get().json())

    look()
    for server, removed in ((1, None), (4, 2), (5, 4), (3, 5)):
        with engine.database.transaction() as database:
            assert end(database, PushKey(DEPLOY, server, "t"), "done")
        look()
        if removed is not None:
            engine.edges.remove_server(removed)
            look()

    totals = [one["Percent_propagated"] for one in told]
    osaka = [one["Pops"][0]["percentage_propagated"] for one in told]
    assert totals == [0.0, 20.0, 40.0, 50.0, 75.0, 75.0, 100.0, 100.0]
    assert osaka == sorted(osaka)
    assert [one["Status"] for one in told] == ["propagating"] * 6 + ["propagated"] * 2


def test_e13_a_deploy_that_is_done_is_told_byte_for_byte(engine: Engine, client: Client) -> None:
    add_deploy(engine, {"Europe : Berlin": (2, 2), "Asia : Osaka (OSA)": (3, 3)}, state="propagated")

    assert client.get().content == golden("propagated")


def test_e16_the_status_of_a_deploy_to_staging_is_an_error_of_the_server(engine: Engine, client: Client) -> None:
    add_deploy(engine, environment="staging")

    answer = client.get()

    assert (answer.status_code, answer.content) == (500, golden("staging"))


def test_e17_e29_an_id_that_is_unknown_or_no_number_is_refused(client: Client) -> None:
    for unknown in (7, 0, "9" * 18, "9" * 40):
        assert client.said(path(unknown)) == (400, "Deploy request not found"), unknown
    for garbled in ("abc", "-1", "1.5", "", "%D9%A1", "1e2", "0x1"):
        assert client.said(path(garbled)) == (400, "The deploy request ID must be a number"), garbled


def test_e18_a_deploy_of_somebody_else_is_told_as_one_that_is_not_there(engine: Engine, client: Client) -> None:
    engine.tenants.remove_source("edgecast", ACCOUNT, "zoo")
    engine.tenants.add_source("edgecast", ACCOUNT, "zoo", "web")
    add_deploy(engine)

    assert client.said() == client.said(path(7)) == (400, "Deploy request not found")


def test_e19_a_token_that_is_nobodys_or_has_expired_is_refused(engine: Engine, client: Client) -> None:
    add_deploy(engine)

    unknown = client.get(authorization="TOK:12345678-1234-1234-1234-1234567890ab")
    with engine.database.transaction() as database:
        database.execute("UPDATE tenant_token SET expires_at = 1")

    assert (unknown.status_code, unknown.content) == (403, golden("access_denied"))
    assert client.get().content == golden("access_denied")


def test_e20_a_token_that_may_not_read_the_status_is_refused(engine: Engine, client: Client) -> None:
    add_deploy(engine)
    _, deployer = engine.tenants.issue_token("edgecast", ACCOUNT, "backup", scopes=["deploy"])

    assert client.said(authorization=f"TOK:{deployer}") == (403, "Access Denied")


def test_e21_the_status_is_told_for_seven_days(engine: Engine, client: Client) -> None:
    add_deploy(engine, id=1, age=timedelta(days=6, hours=23))
    add_deploy(engine, id=2, age=timedelta(days=7, minutes=1))

    assert client.get(path(1)).status_code == 200
    answer = client.get(path(2))
    assert (answer.status_code, answer.content) == (400, golden("too_old"))


def test_e22_e23_headers_are_those_of_the_sample_and_a_head_has_them_too(engine: Engine, client: Client) -> None:
    add_deploy(engine, SAMPLE)

    got, head = client.get(), client.get(method="HEAD")

    assert got.headers["content-type"] == "application/json; charset=utf-8"
    assert got.headers["cache-control"] == "private"
    assert got.headers["content-length"] == str(len(got.content))
    kept = ("content-type", "cache-control", "content-length")
    assert (head.status_code, head.content, [head.headers[name] for name in kept]) == (
        200,
        b"",
        [got.headers[name] for name in kept],
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_e23_one_may_only_read_the_status(client: Client, method: str) -> None:
    answer: httpx.Response = client.get(method=method)

    assert (answer.status_code, answer.json()) == (405, {"Message": "Method Not Allowed"})
    assert answer.headers["allow"] == "GET, HEAD"


def test_e24_what_a_client_accepts_is_read_without_case(engine: Engine, client: Client) -> None:
    add_deploy(engine)

    assert client.get(Accept="Application/JSON").headers["content-type"] == "application/json; charset=utf-8"


def test_e25_the_token_before_is_good_until_the_next_but_one(engine: Engine, client: Client) -> None:
    add_deploy(engine)
    first = f"TOK:{client.token}"

    _, second = engine.tenants.issue_token("edgecast", ACCOUNT, "primary")
    assert client.get(authorization=first).status_code == client.get(authorization=f"TOK:{second}").status_code == 200
    engine.tenants.issue_token("edgecast", ACCOUNT, "primary")

    assert client.get(authorization=f"TOK:{second}").status_code == 200
    assert client.said(authorization=first) == (403, "Access Denied")


def test_e26_who_asks_too_often_for_one_deploy_is_told_when_to_come_back(
    engine: Engine, client: Client, door: EdgecastDoor
) -> None:
    add_deploy(engine)
    door._limits = Buckets(0.4, 2, lambda: 0.0)

    answers = [client.get(), client.get(path(f"00{DEPLOY}")), client.get()]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert (answers[2].headers["retry-after"], answers[2].json()) == ("3", {"Message": "Too many requests, wait 3 s"})
    assert client.said(path(7)) == (400, "Deploy request not found")


@pytest.mark.parametrize("state", ["failed", "canceled", "superseded"])
def test_a_deploy_that_did_not_get_through_is_told_as_failed(engine: Engine, client: Client, state: str) -> None:
    add_deploy(engine, {"Asia : Osaka": (1, 2)}, state=state)

    assert client.said() == (400, "Deploy request failed")


def test_e30_two_thousand_pops_cost_as_many_statements_as_one(
    engine: Engine, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long it takes is measured by tests/benchmarks/bench_facades.py."""
    add_deploy(engine, {"Asia : Osaka": (1, 20)}, id=1)
    add_deploy(engine, {f"Asia : Osaka {number:04}": (1, 20) for number in range(2000)}, id=2)
    client.get(path(1))  # the use of the token is noted
    ran: list[str] = []
    execute = engine.database.execute

    def counted(sql: str, *arguments: Any) -> Any:
        ran.append(sql)
        return execute(sql, *arguments)

    monkeypatch.setattr(engine.database, "execute", counted)

    counts = []
    for deploy_id in (1, 2):
        ran.clear()
        answer = client.get(path(deploy_id))
        counts.append((len(ran), len([sql for sql in ran if "deploy" in sql])))

    assert len(answer.json()["Pops"]) == 2000
    assert answer.headers["content-length"] == str(len(answer.content))
    assert counts == [(8, 2), (8, 2)]
