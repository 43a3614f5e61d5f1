"""What doors are told of events, and how they ask; frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

#: What became of a document.
EventType = Literal["publish", "unpublish", "update"]
#: How much a line of a log matters.
Level = Literal["notice", "warning", "error"]

#: Stands for each distributor of a repository in `EventQuery.sources`.
ANY_DISTRIBUTOR = "*"


@dataclass(frozen=True, slots=True)
class PublicationEventReport:
    """What became of a document; ids rise in the order in which events become visible, and `created` never falls.

    `document_id` stands for the repository or the unit for good, `publication_id` for this event's publication. `unit_type`
    is None for a repository that holds no units, `content_type` for one without an importer, `task_id` if no task did it.
    """

    event_id: int
    created: datetime
    event_type: EventType
    document_id: int
    repository_id: str
    distributor_id: str
    unit_type: str | None
    content_type: str | None
    publication_id: int
    task_id: str | None


@dataclass(frozen=True, slots=True)
class ActivityReport:
    """A line of the log of a repository; `distributor_id` is None for what concerns all of it, `task_id` if no task did it."""

    activity_id: int
    created: datetime
    level: Level
    repository_id: str
    distributor_id: str | None
    task_id: str | None
    message: str


@dataclass(frozen=True, slots=True)
class UnitTypes:
    """A choice by unit type: one of `names`; or, if `are_excluded`, any other and none."""

    names: tuple[str, ...]
    are_excluded: bool = False


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events are asked for, in which order, and how many at most. What is None does not narrow the choice.

    `sources` are pairs of a repository's and a distributor's id, `ANY_DISTRIBUTOR` for all of its distributors; none of them
    choose nothing. `first_id`, `last_id` and `since` are inclusive, `before` is not.
    """

    sources: tuple[tuple[str, str], ...]
    first_id: int | None = None
    last_id: int | None = None
    since: datetime | None = None
    before: datetime | None = None
    content_types: tuple[str, ...] | None = None
    unit_types: UnitTypes | None = None
    newest_first: bool = False
    limit: int = 100
