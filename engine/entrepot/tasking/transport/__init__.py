"""Ways in which the news that a task is ready reaches a worker: dramatiq brokers.

`embedded` needs no server: workers watch the database. `redis` wakes them by messages, on one machine or many. Which one it
is, the setting `broker_url` says; the walk of a task is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.tasking.delivery import EmbeddedDoorbell
from entrepot.tasking.transport.consumer import ACTOR
from entrepot.tasking.transport.embedded import QUEUE, EmbeddedBroker

if TYPE_CHECKING:
    from collections.abc import Iterable

    import dramatiq

    from entrepot.models import Database
    from entrepot.settings import Settings
    from entrepot.tasking.delivery import Doorbell
    from entrepot.tasking.ledger import Ledger

__all__ = ["ACTOR", "open_broker", "open_doorbell"]


def open_doorbell(settings: Settings, database: Database) -> Doorbell:
    """Return the doorbell that `settings` ask for; nothing is connected before it rings."""
    if not settings.uses_redis:
        return EmbeddedDoorbell(database)
    from entrepot.tasking.transport.redis import RedisDoorbell

    return RedisDoorbell(settings.broker_url, settings.broker_prefix, database)


def open_broker(
    settings: Settings, database: Database, ledger: Ledger, queues: Iterable[str]
) -> tuple[dramatiq.Broker, list[str]]:
    """Return the broker of a worker process that serves `queues`, and the names of the broker's queues to consume."""
    if not settings.uses_redis:
        return EmbeddedBroker(ledger, database), [QUEUE]
    from entrepot.tasking.transport.redis import WorkerRedisBroker

    return WorkerRedisBroker(settings.broker_url, settings.broker_prefix, ledger, database), sorted(queues)
