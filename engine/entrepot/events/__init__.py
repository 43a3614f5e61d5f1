"""What happened, written by the transactions in which it happened, and read by whoever wants to be told.

* `numbers`: ids that become visible in their order.
* `flips`: what the repositories say when they serve something else; `publications` makes events of it, about `documents`.
* `activity`: a log of each repository for people.
* `service`: `engine.events`, which reads both.
"""

from entrepot.events.activity import record_activity
from entrepot.events.flips import Flip, UnitChange
from entrepot.events.reports import (
    ANY_DISTRIBUTOR,
    ActivityReport,
    EventQuery,
    EventType,
    Level,
    PublicationEventReport,
    UnitTypes,
)
from entrepot.events.service import Events

__all__ = [
    "ANY_DISTRIBUTOR",
    "ActivityReport",
    "EventQuery",
    "EventType",
    "Events",
    "Flip",
    "Level",
    "PublicationEventReport",
    "UnitChange",
    "UnitTypes",
    "record_activity",
]
