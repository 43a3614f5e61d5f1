"""A worker that starts, or is told to stop while it starts, loses nothing."""

from __future__ import annotations

import dramatiq
import pytest

from entrepot.tasking.ledger import Ledger
from entrepot.tasking.transport import ACTOR, open_broker

from .process import children_of, wait_for
from .stage import Stage


class Consumers(dramatiq.Middleware):
    """Stands for dramatiq's worker, which begins to consume a queue at this moment."""

    def __init__(self) -> None:
        self.found_actor: list[bool] = []

    def after_declare_queue(self, broker: dramatiq.Broker, queue_name: str) -> None:
        self.found_actor.append(ACTOR in broker.actors)


def test_the_actor_is_known_before_the_first_message_can_arrive(stage: Stage) -> None:
    engine, consumers = stage.engine, Consumers()
    ledger = Ledger(engine.database, "nobody", slots=1, lease_span=engine.settings.lease, doorbell=engine.doorbell)
    broker, [queue] = open_broker(engine.settings, engine.database, ledger, ["default"])
    broker.add_middleware(consumers)

    dramatiq.actor(print, actor_name=ACTOR, queue_name=queue, broker=broker)

    broker.close()
    assert consumers.found_actor == [True]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_supervisor_that_is_stopped_while_its_workers_start_ends_well(stage: Stage) -> None:
    supervisor = stage.start("worker", "--processes", "2")
    wait_for(lambda: len(children_of(supervisor.pid)) == 2, "both workers are started", supervisor.said)

    supervisor.stop()  # asserts the exit code

    assert stage.engine.workers() == []
