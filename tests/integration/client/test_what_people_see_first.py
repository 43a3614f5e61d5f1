"""What the first page and the page of deploys show is told to clients alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from entrepot import Client
from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource
from entrepot.testing import drain
from tests.integration.rest.conftest import engine as _engine
from tests.integration.rest.sample_tasks import echo

engine = _engine  # with the plugins that are installed


def test_failures_figures_drains_and_the_next_schedules_are_those_of_the_engine(engine: Engine, client: Client) -> None:
    engine.repositories.create("ill", importer_type_id="iso_importer", importer_config={"feed": "file:///nowhere/"}).sync()
    drain(engine)
    engine.enqueue(echo)
    engine.schedule("P2D", echo)
    engine.database.execute("INSERT INTO worker_drain (target, created_at) VALUES ('all', 1), ('host:a', 2), ('worker:b', 3)")

    assert client.repositories.failures().total == 1
    assert str(client.repositories.failures(limit=1)) == str(_to_the_second(engine))
    assert client.repositories.failures(limit=0).failures == ()
    assert client.tasks.figures().unfinished == engine.tasks.figures().unfinished == (("waiting", "default", 1),)
    assert [(drain.worker, drain.host) for drain in client.drains()] == [(None, None), (None, "a"), ("b", None)]
    assert [one.schedule_id for one in client.schedules.upcoming(limit=1)] == [engine.schedules.upcoming()[0].schedule_id]
    with pytest.raises(InvalidValue):
        client.schedules.upcoming(limit=0)
    with pytest.raises(InvalidValue):
        client.repositories.failures(limit=-1)


def test_deploys_and_pushes_are_narrowed_as_by_the_engine(engine: Engine, client: Client, tmp_path: Path) -> None:
    repository = engine.repositories.create("zoo")
    repository.add_distributor("iso_distributor", None, distributor_id="web")
    repository.add_distributor("edge_distributor", {"source": "web", "retries": 0}, distributor_id="edge")
    repository.publish("web")
    pop_id = engine.edges.add_pop("Europe : Berlin").pop_id
    (tmp_path / "up").mkdir()
    engine.edges.add_servers(pop_id, [str(tmp_path / "up"), str(tmp_path / "down")])
    drain(engine)
    for _ in range(2):
        engine.edges.request_deploy("zoo", "edge")
        drain(engine)
    first, second = sorted(one.deploy_id for one in engine.edges.list_deploys())

    assert [one.deploy_id for one in client.edges.list_deploys(latest=True)] == [second]
    assert [one.state for one in client.edges.list_pushes(first, states=["failed"])] == ["failed"]
    assert client.edges.list_pushes(first, states=[]) == []
    assert [one.server_id for one in client.edges.list_pushes(first, skip=1, limit=1)] == [2]
    assert [(one.deploy_id, one.state) for one in client.edges.last_pushes(pop_id)] == [(second, "done"), (second, "failed")]
    with pytest.raises(MissingResource):
        client.edges.last_pushes(pop_id + 1)
    with pytest.raises(InvalidValue):
        client.edges.list_pushes(first, limit=0)


def _to_the_second(engine: Engine) -> object:
    """Return the failures as REST tells them, whose moments have whole seconds."""
    found = engine.repositories.failures(limit=1)
    told = [
        replace(one, since=one.since.replace(microsecond=0), failed=one.failed.replace(microsecond=0)) for one in found.failures
    ]
    return replace(found, failures=tuple(told))
