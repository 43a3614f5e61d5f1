"""Ways in which the news that a task is ready reaches a worker: dramatiq brokers.

`embedded` needs no server: its consumer takes ready tasks straight from the database.
"""

from entrepot.tasking.transport.embedded import EmbeddedBroker

__all__ = ["EmbeddedBroker"]
