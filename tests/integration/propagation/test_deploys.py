"""Deploys: how they begin, how far they get, and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource, OperationConflict
from entrepot.repositories import Repository
from entrepot.testing import drain

from .conftest import Network, add_pops, begin, latest, offer, pass_time, states, sync

only_on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

PAIR = {"Europe : Berlin": 1, "Asia : Tokyo (TYO)": 2}


def test_a_publish_by_hand_reaches_every_server_of_the_network(engine: Engine, zoo: Repository, network: Network) -> None:
    add_pops(engine, PAIR)

    begun = begin(engine, zoo)
    drain(engine)

    assert (begun.state, begun.servers, begun.done, begun.finished) == ("propagating", 3, 0, None)
    assert [(pop.name, pop.servers) for pop in begun.pops] == [("Asia : Tokyo (TYO)", 2), ("Europe : Berlin", 1)]
    ended = engine.edges.get_deploy(begun.deploy_id)
    assert (ended.state, ended.done, ended.failed, ended.revision) == ("propagated", 3, 0, 1)
    assert [set(files) for _, files in network.held.values()] == [{"a", "b", "c", "PULP_MANIFEST"}] * 3
    assert {(push.state, push.attempts, push.files) for push in engine.edges.list_pushes(begun.deploy_id)} == {("done", 1, 4)}


def test_a_second_deploy_transfers_only_what_changed(engine: Engine, zoo: Repository, network: Network, feed: Path) -> None:
    add_pops(engine, {"Europe : Berlin": 1})
    begin(engine, zoo)
    drain(engine)
    offer(feed, a="a", b="other", d="new")

    second = begin(engine, zoo)
    drain(engine)

    (push,) = engine.edges.list_pushes(second.deploy_id)
    assert push.files == 3  # b, d and the manifest
    ((revision, files),) = network.held.values()
    assert revision == 2
    assert {name: data for name, data in files.items() if name != "PULP_MANIFEST"} == {"a": b"a", "b": b"other", "d": b"new"}


def test_servers_that_are_added_later_do_not_join(engine: Engine, zoo: Repository, network: Network) -> None:
    pops = add_pops(engine, PAIR)
    begun = begin(engine, zoo)

    engine.edges.add_server(pops["Europe : Berlin"], "/Europe : Berlin/late")
    drain(engine)

    assert engine.edges.get_deploy(begun.deploy_id).servers == 3
    assert "/Europe : Berlin/late" not in network.held


def test_a_server_that_is_removed_before_its_push_leaves_both_sums(engine: Engine, zoo: Repository, network: Network) -> None:
    add_pops(engine, PAIR)
    begun = begin(engine, zoo)
    drain(engine, limit=1)  # the first server is Berlin's

    engine.edges.remove_server(engine.edges.list_servers()[0].server_id)  # done: it stays counted
    engine.edges.remove_server(engine.edges.list_servers()[0].server_id)  # not done: it leaves
    seen = engine.edges.get_deploy(begun.deploy_id)
    drain(engine)

    assert (seen.servers, seen.done, seen.state) == (2, 1, "propagating")
    assert engine.edges.get_deploy(begun.deploy_id).state == "propagated"
    assert len(network.held) == 2


def test_a_pop_that_is_removed_ends_a_deploy_that_waited_for_it_alone(
    engine: Engine, zoo: Repository, network: Network
) -> None:
    pops = add_pops(engine, PAIR)
    begun = begin(engine, zoo)
    drain(engine, limit=1)

    engine.edges.remove_pop(pops["Asia : Tokyo (TYO)"])

    ended = engine.edges.get_deploy(begun.deploy_id)
    assert (ended.state, ended.servers, [pop.name for pop in ended.pops]) == ("propagated", 1, ["Europe : Berlin"])
    assert drain(engine) == 0


@only_on_sqlite
def test_a_deploy_to_a_network_without_servers_is_propagated_at_once(engine: Engine, zoo: Repository) -> None:
    begun = begin(engine, zoo)

    assert (begun.state, begun.servers, begun.pops, begun.reason) == ("propagated", 0, (), "There was no server to push to.")


def test_a_push_that_fails_is_tried_again_later_and_holds_up_no_other(
    engine: Engine, zoo: Repository, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_pops(engine, {"Europe : Berlin": 3}, max_pushes=1)
    network.down.add("/Europe : Berlin/0")
    begun = begin(engine, zoo)

    drain(engine)
    waiting = engine.edges.list_pushes(begun.deploy_id)[0]
    network.down.clear()
    pass_time(engine, monkeypatch, 60 * 1.1)
    drain(engine)

    assert (waiting.state, waiting.attempts, waiting.error) == ("retrying", 1, "/Europe : Berlin/0 does not answer.")
    assert waiting.next_attempt is not None
    assert waiting.started is not None
    assert 53 <= (waiting.next_attempt - waiting.started).total_seconds() <= 68
    assert network.pushed == [f"/Europe : Berlin/{number}" for number in (0, 1, 2, 0)]
    done = engine.edges.list_pushes(begun.deploy_id)[0]
    assert (done.state, done.attempts, done.error, done.next_attempt) == ("done", 2, None, None)
    assert latest(engine).state == "propagated"


def test_a_push_that_fails_too_often_fails_the_deploy_when_all_others_have_ended(
    engine: Engine, zoo: Repository, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_pops(engine, {"Europe : Berlin": 2})
    network.down.add("/Europe : Berlin/1")
    begun = begin(engine, zoo)
    drain(engine)

    for seconds in (66, 132):  # the first wait, and twice as long, with a tenth of jitter
        assert latest(engine).state == "propagating"
        pass_time(engine, monkeypatch, seconds)
        drain(engine)

    ended = latest(engine)
    assert (ended.state, ended.done, ended.failed) == ("failed", 1, 1)
    assert ended.reason == "1 of 2 servers could not be reached."
    assert [(push.state, push.attempts) for push in engine.edges.list_pushes(begun.deploy_id)] == [("done", 1), ("failed", 3)]
    lines = [(line.level, line.message) for line in engine.events.list_activity("zoo", "edge")]
    assert ("error", "Deploy 1 of publication 1 is failed. 1 of 2 servers could not be reached.") in lines
    gave_up = "Deploy 1 gave up /Europe : Berlin/1 in Europe : Berlin after 3 attempts: /Europe : Berlin/1 does not answer."
    assert ("warning", gave_up) in lines


@only_on_sqlite
def test_retries_of_the_distributor_take_the_place_of_the_settings(engine: Engine, zoo: Repository, network: Network) -> None:
    zoo.update(distributor_configs={"edge": {"retries": 0}})
    add_pops(engine, {"Europe : Berlin": 1})
    network.down.add("/Europe : Berlin/0")

    begun = begin(engine, zoo)
    drain(engine)

    assert states(engine, begun.deploy_id) == ["failed"]


@only_on_sqlite
def test_an_unexpected_error_fails_the_push_and_is_told(engine: Engine, zoo: Repository, network: Network) -> None:
    add_pops(engine, {"Europe : Berlin": 1})

    def stumble(_url: str) -> None:
        msg = "stumbled"
        raise RuntimeError(msg)

    network.during = stumble
    begun = begin(engine, zoo)
    drain(engine)

    assert engine.edges.get_deploy(begun.deploy_id).state == "failed"
    assert engine.edges.list_pushes(begun.deploy_id)[0].error == (
        "An error that was not foreseen, RuntimeError; the push's task says which."
    )


def test_what_failed_is_pushed_again_and_the_deploy_ends_well(engine: Engine, zoo: Repository, network: Network) -> None:
    zoo.update(distributor_configs={"edge": {"retries": 0}})
    pops = add_pops(engine, PAIR)
    network.down |= {"/Europe : Berlin/0", "/Asia : Tokyo (TYO)/1"}
    begun = begin(engine, zoo)
    drain(engine)
    network.down.clear()

    again = engine.edges.push_again(begun.deploy_id, pop_id=pops["Europe : Berlin"])
    drain(engine)
    half = latest(engine)
    engine.edges.push_again(begun.deploy_id)
    drain(engine)

    assert (again.state, again.done, again.failed) == ("propagating", 1, 1)
    assert (half.state, half.done, half.failed) == ("failed", 2, 1)
    assert (latest(engine).state, latest(engine).done, latest(engine).failed) == ("propagated", 3, 0)
    with pytest.raises(OperationConflict, match="nothing to push again"):
        engine.edges.push_again(begun.deploy_id)


def test_a_canceled_deploy_pushes_no_more_and_can_be_taken_up_again(engine: Engine, zoo: Repository, network: Network) -> None:
    add_pops(engine, PAIR)
    begun = begin(engine, zoo)
    drain(engine, limit=1)

    canceled = engine.edges.cancel(begun.deploy_id)
    assert drain(engine) == 0
    with pytest.raises(OperationConflict):
        engine.edges.cancel(begun.deploy_id)
    held = len(network.held)
    engine.edges.push_again(begun.deploy_id)
    drain(engine)

    assert (canceled.state, canceled.done, canceled.servers, held) == ("canceled", 1, 3, 1)
    assert (latest(engine).state, len(network.held)) == ("propagated", 3)


def test_a_cancel_stops_a_push_that_runs(engine: Engine, zoo: Repository, network: Network) -> None:
    add_pops(engine, {"Europe : Berlin": 1})
    begun = begin(engine, zoo)
    network.during = lambda _url: engine.edges.cancel(begun.deploy_id)

    drain(engine)

    assert states(engine, begun.deploy_id) == ["canceled"]
    assert engine.edges.get_deploy(begun.deploy_id).state == "canceled"


def test_a_newer_deploy_of_the_distributor_supersedes_the_older(
    engine: Engine, zoo: Repository, network: Network, feed: Path
) -> None:
    add_pops(engine, {"Europe : Berlin": 2})
    first = begin(engine, zoo)
    offer(feed, a="other")
    zoo.sync()
    zoo.publish("web")
    zoo.publish("edge")

    drain(engine)

    assert [(deploy.deploy_id, deploy.state) for deploy in engine.edges.list_deploys()] == [
        (2, "propagated"),
        (1, "superseded"),
    ]
    assert engine.edges.get_deploy(1).reason == "Deploy 2 took its place."
    assert {revision for revision, _ in network.held.values()} == {2}
    with pytest.raises(OperationConflict, match="deploy 2 came after it"):
        engine.edges.push_again(first.deploy_id)


def test_a_roll_back_deploys_the_earlier_publication(engine: Engine, zoo: Repository, network: Network, feed: Path) -> None:
    add_pops(engine, {"Europe : Berlin": 1})
    begin(engine, zoo)
    offer(feed, a="other")
    begin(engine, zoo)
    drain(engine)

    asked = engine.edges.request_deploy("zoo", "edge", revision=1, message="Back!", requested_by="ann")
    with pytest.raises(OperationConflict, match=f"Deploy {asked.deploy_id} "):
        engine.edges.request_deploy("zoo", "edge")
    drain(engine)

    ended = engine.edges.get_deploy(asked.deploy_id)
    assert (asked.state, asked.revision, asked.message, asked.requested_by) == ("new", 1, "Back!", "ann")
    assert (ended.state, ended.revision) == ("propagated", 1)
    ((revision, files),) = network.held.values()
    assert (revision, files["a"], files["c"]) == (1, b"a", b"ccc")


def test_a_requested_deploy_publishes_even_if_nothing_changed(engine: Engine, zoo: Repository, network: Network) -> None:
    add_pops(engine, {"Europe : Berlin": 1})
    begin(engine, zoo)
    drain(engine)

    asked = engine.edges.request_deploy("zoo", "edge")
    drain(engine)

    assert engine.edges.get_deploy(asked.deploy_id).state == "propagated"
    assert network.pushed == ["/Europe : Berlin/0"] * 2


def test_a_requested_deploy_whose_publish_fails_reads_failed(engine: Engine, zoo: Repository) -> None:
    asked = engine.edges.request_deploy("zoo", "edge")

    drain(engine)

    seen = latest(engine)
    assert (seen.deploy_id, seen.state) == (asked.deploy_id, "failed")
    assert "'web' serves nothing yet" in (seen.reason or "")
    assert engine.edges.list_deploys(states=["new"]) == []
    assert engine.edges.settle() == 1
    assert (latest(engine).state, latest(engine).reason) == ("failed", seen.reason)
    engine.edges.request_deploy("zoo", "edge")  # none is under way any more


def test_a_requested_deploy_that_is_canceled_never_begins(engine: Engine, zoo: Repository, network: Network) -> None:
    add_pops(engine, PAIR)
    sync(engine, zoo)
    asked = engine.edges.request_deploy("zoo", "edge")

    engine.edges.cancel(asked.deploy_id)
    drain(engine)

    assert (latest(engine).state, network.pushed) == ("canceled", [])
    assert engine.tasks.get(str(asked.task_id)).state == "canceled"


def test_a_push_whose_task_is_canceled_by_hand_counts_as_failed(engine: Engine, zoo: Repository, network: Network) -> None:
    add_pops(engine, {"Europe : Berlin": 2})
    begun = begin(engine, zoo)
    first = engine.edges.list_pushes(begun.deploy_id)[0]

    engine.tasks.cancel(str(first.task_id))
    drain(engine)
    engine.edges.settle()

    assert states(engine, begun.deploy_id) == ["canceled", "done"]
    assert (latest(engine).state, latest(engine).failed) == ("failed", 1)


def test_removing_the_distributor_cancels_its_deploy(engine: Engine, zoo: Repository, network: Network) -> None:
    add_pops(engine, PAIR)
    begun = begin(engine, zoo)

    zoo.request_remove_distributor("edge")
    drain(engine)

    ended = engine.edges.get_deploy(begun.deploy_id)
    assert (ended.state, ended.reason) == ("canceled", "What it deployed is no longer served.")


def test_never_more_pushes_go_to_a_pop_than_it_takes(engine: Engine, zoo: Repository, network: Network) -> None:
    add_pops(engine, {"Europe : Berlin": 5, "Asia : Tokyo": 1}, max_pushes=2)

    begun = begin(engine, zoo)

    pushes = engine.edges.list_pushes(begun.deploy_id)
    ready = {row[0] for row in engine.database.rows("SELECT task_id FROM task WHERE ready_at IS NOT NULL")}
    assert [push.url for push in pushes if push.task_id in ready] == [
        "/Asia : Tokyo/0",
        "/Europe : Berlin/0",
        "/Europe : Berlin/1",
    ]
    drain(engine)
    assert latest(engine).state == "propagated"


def test_automatic_publishes_deploy_only_what_is_new_after_their_source(engine: Engine, feed: Path, network: Network) -> None:
    add_pops(engine, {"Europe : Berlin": 1})
    edge = {"distributor_id": "edge", "distributor_type_id": "edge_distributor", "distributor_config": {"source": "web"}}
    web = {"distributor_id": "web", "distributor_type_id": "iso_distributor"}
    config = {"feed": feed.as_uri()}
    farm = engine.repositories.create(
        "farm",
        importer_type_id="iso_importer",
        importer_config=config,
        distributors=[edge | {"auto_publish": True}, web | {"auto_publish": True}],
    )

    farm.sync()
    drain(engine)
    farm.sync()
    drain(engine)

    (only,) = engine.edges.list_deploys()
    assert (only.state, only.revision) == ("propagated", 1)


@only_on_sqlite
def test_only_a_distributor_that_deploys_can_be_asked_to(engine: Engine, zoo: Repository) -> None:
    with pytest.raises(InvalidValue, match="deploys nothing"):
        engine.edges.request_deploy("zoo", "web")
    with pytest.raises(MissingResource):
        engine.edges.request_deploy("zoo", "edge", revision=7)
    with pytest.raises(MissingResource):
        engine.edges.get_deploy(1)


@only_on_sqlite
def test_an_override_of_the_environment_holds_for_its_deploy(engine: Engine, zoo: Repository) -> None:
    sync(engine, zoo)

    zoo.publish("edge", {"environment": "staging"})
    drain(engine)

    assert latest(engine).environment == "staging"
    assert engine.edges.list_deploys(environment="production") == []


@only_on_sqlite
def test_the_copy_that_is_deployed_is_served_only_if_that_is_asked_for(engine: Engine, zoo: Repository) -> None:
    begin(engine, zoo)
    path = f"{zoo.distributor('edge').base_path}/a"
    before = engine.repositories.published(path)

    zoo.update(distributor_configs={"edge": {"serve_http": True}})

    assert before is None
    assert engine.repositories.published(path) is not None


@only_on_sqlite
def test_a_source_that_does_not_exist_fails_the_publish(engine: Engine, zoo: Repository) -> None:
    zoo.update(distributor_configs={"edge": {"source": "wbe"}})

    handle = zoo.publish("edge")
    drain(engine)

    assert "names 'wbe'; the repository has 'web'" in str(handle.report().error)
