"""Deploys, and what others do to them at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from entrepot.engine import Engine
from entrepot.errors import OperationConflict
from entrepot.events import record_activity
from entrepot.models import Database
from entrepot.propagation import progress
from entrepot.propagation.published_tree import PublishedTree
from entrepot.repositories import Repository, entries, publication
from entrepot.testing import drain

from .conftest import Network, add_pops, begin, latest, offer, pass_time, sync


def test_a_repository_is_deleted_while_a_push_of_its_second_deploy_ends(
    engine: Engine, zoo: Repository, network: Network
) -> None:
    add_pops(engine, {"Europe : Berlin": 1})
    zoo.add_distributor("edge_distributor", distributor_id="staging", config={"source": "web"})
    sync(engine, zoo)
    for distributor in ("edge", "staging"):
        zoo.publish(distributor)
        drain(engine, limit=1)
    second = latest(engine)
    handle = engine.repositories.delete("zoo")

    with ThreadPoolExecutor(1) as others, engine.database.transaction() as database:
        progress.hold(database, second.deploy_id)  # as the push does
        deleting = others.submit(_visiting, engine, lambda: drain(engine, limit=1))
        _until_one_waits(database, deleting.done)
        record_activity(database, "warning", "zoo", "A server was given up.")
        database.after_commit(deleting.result)

    assert handle.state == "finished"
    assert {deploy.state for deploy in engine.edges.list_deploys()} == {"canceled"}


def test_a_server_that_failed_and_is_removed_is_not_waited_for_when_its_deploy_is_pushed_again(
    engine: Engine, zoo: Repository, network: Network
) -> None:
    zoo.update(distributor_configs={"edge": {"retries": 0}})
    add_pops(engine, {"Asia : Tokyo": 1, "Europe : Berlin": 2})
    network.down |= {"/Asia : Tokyo/0", "/Europe : Berlin/0", "/Europe : Berlin/1"}
    failed = begin(engine, zoo)
    drain(engine)
    network.down.clear()

    servers = {server.url: server.server_id for server in engine.edges.list_servers()}
    engine.edges.remove_server(servers["/Europe : Berlin/0"])
    engine.edges.push_again(failed.deploy_id, server_id=servers["/Europe : Berlin/1"])
    drain(engine)
    one_left = latest(engine)
    engine.edges.remove_server(servers["/Asia : Tokyo/0"])
    none_left = engine.edges.push_again(failed.deploy_id)

    assert (one_left.state, one_left.servers, one_left.done, one_left.failed) == ("failed", 2, 1, 1)
    assert (none_left.state, [pop.name for pop in none_left.pops]) == ("propagated", ["Europe : Berlin"])


def test_an_older_deploy_is_out_of_date_even_if_the_clock_was_set_back_meanwhile(
    engine: Engine, zoo: Repository, network: Network, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo.update(distributor_configs={"edge": {"retries": 0}})
    add_pops(engine, {"Europe : Berlin": 1})
    network.down.add("/Europe : Berlin/0")
    older = begin(engine, zoo)
    drain(engine)

    pass_time(engine, monkeypatch, -3600)
    offer(feed, a="A")
    newer = begin(engine, zoo)
    drain(engine)
    network.down.clear()

    with pytest.raises(OperationConflict, match="out of date"):
        engine.edges.push_again(older.deploy_id)
    assert engine.edges.push_again(newer.deploy_id).state == "propagating"


def test_pops_take_turns(engine: Engine, zoo: Repository, network: Network) -> None:
    zoo.update(distributor_configs={"edge": {"retries": 0}})
    add_pops(engine, {"Asia : Tokyo": 2, "Europe : Berlin": 2}, max_pushes=1)
    in_turns = ["/Asia : Tokyo/0", "/Europe : Berlin/0", "/Asia : Tokyo/1", "/Europe : Berlin/1"]
    network.down |= set(in_turns)

    failed = begin(engine, zoo)
    drain(engine)
    engine.edges.push_again(failed.deploy_id)
    drain(engine)

    assert network.pushed == 2 * in_turns


def test_of_two_requests_at_once_one_is_refused(engine: Engine, zoo: Repository, network: Network) -> None:
    sync(engine, zoo)
    barrier = threading.Barrier(2)

    def request() -> object:
        barrier.wait()
        try:
            return engine.edges.request_deploy("zoo", "edge")
        except OperationConflict as error:
            return error

    with ThreadPoolExecutor(2) as both:
        answers = [future.result() for future in [both.submit(_visiting, engine, request) for _ in range(2)]]

    assert sum(isinstance(answer, OperationConflict) for answer in answers) == 1
    assert len(engine.edges.list_deploys()) == 1


def test_a_delta_is_none_if_the_publication_that_it_begins_with_is_pruned_while_it_is_read(
    engine: Engine, zoo: Repository, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(engine, zoo)
    offer(feed, a="A")
    sync(engine, zoo)
    row = engine.database.row("SELECT id FROM distributor WHERE distributor_id = 'web'")
    assert row is not None
    read = entries._only_in

    def pruned(database: Database, *given: int) -> list[tuple[object, ...]]:
        publication.prune(database, keep=1, grace=timedelta(0))
        return read(database, *given)

    monkeypatch.setattr(entries, "_only_in", pruned)
    tree = PublishedTree(engine.database, engine.store, site="zoo/web", distributor=row[0], revision=2, checkpoint=lambda: None)

    assert tree.changes(1) is None


def _visiting(engine: Engine, function: Callable[[], object]) -> object:
    with engine.visit():
        return function()


def _until_one_waits(database: Database, is_over: Callable[[], bool]) -> None:
    """Return when somebody waits for a lock; SQLite's writers do from the beginning."""
    while not database.serialises_writers and not is_over():
        if database.row("SELECT 1 FROM pg_locks WHERE NOT granted") is not None:
            return
