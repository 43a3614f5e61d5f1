"""What is told of actions that go on and that have ended (checks P13 to P20 and P26)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.facades.pugpig import PugpigDoor
from entrepot.facades.pugpig.description import description
from entrepot.models import Deploy, DeployPop
from entrepot.testing import drain

from .conftest import ACTIVITY, COMPLETED, PROGRESS, UPDATE, Client, Seconds, let_end, let_run, note

GOLDEN = Path(__file__).parent / "golden"


def step(total: int, done: int, failed: int = 0, *, state: str = "IN_PROGRESS") -> dict[str, Any]:
    """Return a step as a sync reports it."""
    return {
        "state": state,
        "items_total": total,
        "num_processed": done,
        "num_success": done - failed,
        "num_failures": failed,
    }


def conforms(document: dict[str, Any], name: str) -> bool:
    """Say whether a document is as the description says."""
    schemas = description()["components"]
    jsonschema_rs.validate({"$ref": f"#/components/schemas/{name}", "components": schemas}, document)
    return True


def ids(client: Client, path: str) -> list[str]:
    return [action["id"] for action in client.actions(path)]


def test_what_is_told_has_the_documented_shape_byte_for_byte(
    engine: Engine, mirror: None, client: Client, seconds: Seconds
) -> None:
    """What differs from run to run, ids and moments, is replaced by what the documentation shows."""
    zoo = engine.repositories.get("zoo")
    handle = zoo.sync()
    let_run(engine, handle, steps=[step(0, 300, state="FINISHED"), step(240, 96, 1)])

    def told(path: str) -> str:
        text = client.get(path).text
        document = json.loads(text)
        action = document["actions"][0]
        shown = {
            action["id"]: "7744e2df-39b9-46f0-bb10-feffa2f7014b",
            document["generated_at"]: "2026-02-01T12:00:00Z",
            action["started_at"]: "2026-02-01T11:58:10Z",
        }
        if "finished_at" in action:
            shown[action["finished_at"]] = "2026-02-01T12:00:00Z"
            shown[f'"duration_seconds":{action["duration_seconds"]}'] = '"duration_seconds":109.5'
        for name, value in shown.items():
            text = text.replace(name, value)
        return text

    progress = told(PROGRESS)
    result = {"added_count": 7, "updated_count": 2, "removed_count": 1, "summary": {"units_offered": 240}}
    let_end(engine, handle, "finished", result=result)
    seconds.pass_by(5)

    assert progress == (GOLDEN / "progress.json").read_text().rstrip("\n")
    assert told(COMPLETED) == (GOLDEN / "completed.json").read_text().rstrip("\n")
    assert conforms(client.get(PROGRESS).json(), "Progress")
    assert conforms(client.get(COMPLETED).json(), "Completed")
    assert conforms(client.get(f"{ACTIVITY}?format=json").json(), "Activity")


def test_p13_a_task_that_waits_is_queued(engine: Engine, client: Client) -> None:
    handle = engine.repositories.get("zoo").publish("web")

    (action,) = client.actions()

    assert (action["id"], action["action"], action["state"], action["target"]) == (handle.task_id, "publish", "queued", "web")
    assert (action["started_at"], action["progress"]["total"], action["progress"]["percent"]) == (None, None, None)


def test_p14_the_percentage_never_falls_is_at_most_100_and_unknown_before_the_total_is(
    engine: Engine, mirror: None, client: Client, seconds: Seconds
) -> None:
    handle = engine.repositories.get("zoo").sync()
    read = step(0, 9, state="FINISHED")
    percents, totals = [], []
    for steps in (
        None,
        [step(0, 5), step(5, 3)],  # the feed is still being read: there will be more to download
        [read, step(9, 3)],
        [read, step(9, 8, 1)],
        None,  # the worker was lost: another begins anew
        [step(0, 1), step(1, 1)],
        [read, step(9, 1)],
        [read, step(9, 9)],
        [read, step(9, 11)],
    ):
        let_run(engine, handle, steps=steps)
        (action,) = client.actions()
        percents.append(action["progress"]["percent"])
        totals.append(action["progress"]["total"])
        seconds.pass_by(60)

    assert percents == [None, None, 33.3, 88.8, 88.8, 88.8, 88.8, 100.0, 100.0]
    assert totals == [None, None, 9, 9, None, None, 9, 9, 9]


def test_p15_an_action_is_in_progress_or_completed_and_never_in_both_or_neither(
    engine: Engine, client: Client, seconds: Seconds
) -> None:
    publish = engine.repositories.get("zoo").publish
    handles = [publish("web") for _ in range(3)]
    everything = {handle.task_id for handle in handles}

    for handle in [None, *handles]:
        if handle is not None:
            let_run(engine, handle)
            let_end(engine, handle, "finished")
        going_on, ended = set(ids(client, PROGRESS)), set(ids(client, COMPLETED))
        assert going_on | ended == everything
        assert not going_on & ended
        seconds.pass_by(300)  # otherwise what is told would be kept, and the same
    assert ended == everything


def test_p15_progress_and_completed_are_told_of_one_moment(engine: Engine, client: Client, seconds: Seconds) -> None:
    handle = engine.repositories.get("zoo").publish("web")
    assert ids(client, PROGRESS) == [handle.task_id]
    let_end(engine, handle, "finished")  # between the two requests

    assert ids(client, COMPLETED) == []
    seconds.pass_by(5)
    assert (ids(client, PROGRESS), ids(client, COMPLETED)) == ([], [handle.task_id])


def test_p15_what_is_canceled_while_it_runs_goes_on_until_it_has_stopped(
    engine: Engine, client: Client, seconds: Seconds
) -> None:
    handle = engine.repositories.get("zoo").publish("web")
    let_run(engine, handle)
    engine.tasks.cancel(handle.task_id)

    assert [action["state"] for action in client.actions()] == ["running"]
    let_end(engine, handle, "canceled")
    seconds.pass_by(5)
    assert client.actions() == []
    assert [action["state"] for action in client.actions(COMPLETED)] == ["cancelled"]


def test_p16_the_newest_come_first(engine: Engine, client: Client, seconds: Seconds) -> None:
    handles = [engine.repositories.get("zoo").publish("web") for _ in range(4)]
    newest_first = [handle.task_id for handle in reversed(handles)]

    assert ids(client, PROGRESS) == newest_first
    for age, handle in enumerate(handles):  # the first to begin is the last to end
        let_end(engine, handle, "finished", finished_at=clock.now_us() - age * 1_000_000)
    seconds.pass_by(60)
    assert ids(client, COMPLETED) == list(reversed(newest_first))
    assert ids(client, f"{COMPLETED}?limit=2") == list(reversed(newest_first))[:2]


def test_p18_what_ended_well_but_for_single_items_is_a_warning(
    engine: Engine, mirror: None, client: Client, seconds: Seconds
) -> None:
    handle = engine.repositories.get("zoo").sync()
    let_run(engine, handle, steps=[step(0, 5, state="FINISHED"), step(5, 5, 2)])

    assert [(action["warnings"], action["errors"]) for action in client.actions()] == [(2, 0)]
    let_end(engine, handle, "finished", result={"added_count": 3})
    seconds.pass_by(5)
    (action,) = client.actions(COMPLETED)
    assert (action["state"], action["counts"]["failed"]) == ("warning", 2)
    assert action["message"] == "The update brought in 3 units, replaced 0 and removed 0. 2 failed."


@pytest.mark.parametrize("state", ["canceled", "skipped"])
def test_p19_what_was_canceled_or_skipped_is_cancelled(engine: Engine, client: Client, state: str) -> None:
    let_end(engine, engine.repositories.get("zoo").publish("web"), state)

    (action,) = client.actions(COMPLETED)

    assert (action["state"], action["started_at"], action["duration_seconds"]) == ("cancelled", None, None)
    assert action["message"] == "The publish was cancelled."


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("http://joe:CANARY@feed.test/a cannot be fetched: no.", "http://*****@feed.test/a cannot be fetched: no."),
        ("GET https://feed.test/?x=1&apiKey=CANARY&y=2 failed", "GET https://feed.test/?x=1&apiKey=*****&y=2 failed"),
        ("no: {'password': 'CANARY', 'x': 1}", "no: {'password': '*****', 'x': 1}"),
        ("sent Authorization: Bearer CANARY, got 401", "sent Authorization: Bearer *****, got 401"),
        ("X-Amz-Signature=CANARY; secret_access_key: CANARY", "X-Amz-Signature=*****; secret_access_key: *****"),
    ],
)
def test_p20_no_message_tells_a_secret(engine: Engine, client: Client, said: str, shown: str) -> None:
    let_end(engine, engine.repositories.get("zoo").publish("web"), "error", error={"description": said})
    note(engine, said)

    (action,) = client.actions(COMPLETED)

    assert (action["state"], action["message"]) == ("failed", f"The publish failed: {shown}")
    assert client.get(f"{ACTIVITY}?format=json").json()["entries"][0]["message"] == shown
    assert "CANARY" not in client.get(ACTIVITY).text


def test_p20_of_an_error_that_nobody_foresaw_no_text_is_told(engine: Engine, client: Client) -> None:
    handle = engine.repositories.get("zoo").publish("web")
    let_end(engine, handle, "error", error={"description": "CANARY"}, traceback="CANARY")

    answer = client.get(COMPLETED)

    assert "CANARY" not in answer.text
    assert answer.json()["actions"][0]["message"].startswith("The publish failed by an error that was not foreseen")


def test_p23_markup_in_a_failure_is_told_as_json(engine: Engine, client: Client) -> None:
    evil = "<script>alert(1)</script>.iso"
    let_end(engine, engine.repositories.get("zoo").publish("web"), "error", error={"description": evil})

    answer = client.get(COMPLETED)

    assert answer.json()["actions"][0]["message"] == f"The publish failed: {evil}"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_update_that_was_asked_for_is_in_the_audit_log(engine: Engine, client: Client, mirror: None) -> None:
    client.get()
    client.get(UPDATE, method="POST")

    (entry,) = engine.access.list_audit(door="pugpig")
    assert (entry.login, entry.action, entry.via, entry.outcome) == ("pugpig:acme", "update content", "token", "done")


def test_p26_an_update_is_seen_in_progress_at_once_however_often_one_has_asked(
    engine: Engine, mirror: None, client: Client
) -> None:
    for _ in range(7):
        assert client.actions() == []

    answer = client.get(UPDATE, method="POST")

    assert (answer.status_code, answer.headers["location"]) == (202, PROGRESS)
    document = answer.json()
    sync, publish = engine.tasks.get(document["id"]), engine.tasks.list(tags=["pulp:action:publish"])[0]
    assert document == {
        "id": sync.task_id,
        "action": "update_content",
        "target": None,
        "state": "queued",
        "tasks": [f"/pulp/api/v2/tasks/{one.task_id}/" for one in (sync, publish)],
    }
    assert conforms(document, "Update")
    assert [(one["id"], one["action"], one["triggered_by"]) for one in client.actions()] == [
        (publish.task_id, "publish", "api"),
        (sync.task_id, "update_content", "api"),
    ]
    (entry,) = client.get(f"{ACTIVITY}?format=json").json()["entries"]
    assert (entry["action_id"], entry["message"]) == (sync.task_id, "An update was asked for by the key 'dashboard'.")


def test_p26_a_distributor_that_publishes_by_itself_is_not_asked_to(engine: Engine, mirror: None, client: Client) -> None:
    engine.repositories.get("zoo").request_update_distributor("web", auto_publish=True)
    drain(engine)

    client.get(UPDATE, method="POST")

    assert [one["action"] for one in client.actions()] == ["update_content"]


def test_an_update_of_what_is_not_there_is_refused(engine: Engine, client: Client) -> None:
    engine.repositories.get("zoo").request_remove_distributor("web")
    drain(engine)
    assert client.said(UPDATE, method="POST") == (409, "what the publication shows is not there")
    engine.tenants.set_channel("pugpig", "acme", "weekly", sources=[])

    assert client.said(UPDATE, method="POST") == (409, "the publication has no source: there is nothing to update")
    assert client.actions() == client.actions(COMPLETED) == []
    assert client.get(ACTIVITY).text == ""


def test_updates_have_a_limit_of_their_own(client: Client, door: PugpigDoor, seconds: Seconds) -> None:
    door._updates = type(door._updates)(0.1, 1, seconds)

    answers = [client.get(UPDATE, method="POST") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 429]
    assert answers[1].headers["retry-after"] == "10"


def test_a_publication_shows_no_other_distributor_and_any_if_it_says_so(
    engine: Engine, mirror: None, client: Client, seconds: Seconds
) -> None:
    zoo = engine.repositories.get("zoo")
    shown = [zoo.sync().task_id, zoo.publish("web").task_id]
    other = zoo.publish("print").task_id
    engine.repositories.create("zoo2").request_set_importer("iso_importer")

    assert ids(client, PROGRESS) == shown[::-1]
    engine.tenants.set_channel("pugpig", "acme", "weekly", sources=[("zoo", "*")])
    assert ids(client, PROGRESS) == [other, *shown[::-1]]


def test_who_asked_is_told(engine: Engine, mirror: None, client: Client) -> None:
    zoo = engine.repositories.get("zoo")
    zoo.schedule_sync("PT1H")
    engine.schedules.go_round()
    zoo.sync()

    assert {one["triggered_by"] for one in client.actions()} == {"manual", "schedule"}


def test_a_deploy_goes_on_until_its_servers_have_all_of_it(engine: Engine, client: Client, seconds: Seconds) -> None:
    with engine.database.transaction() as database:
        row = {"repository_id": "zoo", "environment": "production", "network": "default", "created_at": clock.now()}
        for number, (distributor_id, state) in enumerate([("web", "propagating"), ("web", "new"), ("print", "propagating")], 1):
            started = clock.now() if state != "new" else None
            values = {"id": number, "distributor_id": distributor_id, "state": state, "started_at": started, "revision": 4}
            Deploy.insert(**row, **values).execute(database.peewee)
            counts = {"server_count": 8, "done_count": 3, "failed_count": 1}
            DeployPop.insert(deploy=number, pop=1, name="Asia : Osaka", **counts).execute(database.peewee)

    (action,) = client.actions()
    assert (action["id"], action["action"], action["state"], action["target"]) == ("deploy-1", "deploy", "running", "web")
    assert action["progress"] == {
        "stage": "edition_distributed",
        "total": 8,
        "done": 4,
        "failed": 1,
        "percent": 50.0,
    }
    with engine.database.transaction() as database:
        values = ("failed", clock.now_us(), "1 server was not reached: ftp://a:CANARY@b.", 1)
        database.execute("UPDATE deploy SET state = ?, finished_at = ?, reason = ? WHERE id = ?", values)
    seconds.pass_by(60)
    (action,) = client.actions(COMPLETED)
    assert (action["id"], action["state"]) == ("deploy-1", "failed")
    assert action["message"] == "3 of 8 servers have publication 4. 1 server was not reached: ftp://*****@b."
    assert client.actions() == []


def test_a_real_publish_ends_in_completed_and_in_the_activity(engine: Engine, client: Client) -> None:
    handle = engine.repositories.get("zoo").publish("web")
    drain(engine)

    (action,) = client.actions(COMPLETED)

    assert (action["id"], action["state"], action["counts"]) == (
        handle.task_id,
        "success",
        {"pages": 1, "editions": 1, "failed": 0},
    )
    assert action["message"] == "The publish made publication 1 of 1 files."
    assert datetime.fromisoformat(action["finished_at"]) - clock.now() < timedelta(minutes=1)
    (entry,) = client.get(f"{ACTIVITY}?format=json").json()["entries"]
    assert (entry["action_id"], entry["level"]) == (handle.task_id, "notice")
