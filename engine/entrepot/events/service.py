"""The events of one engine: `engine.events`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot.events import activity, publications

if TYPE_CHECKING:
    from entrepot.events.flips import Flip
    from entrepot.events.publications import Granularity
    from entrepot.events.reports import ActivityReport, EventQuery, PublicationEventReport
    from entrepot.models import Database


class Events:
    """What doors and programs are told of what happened."""

    def __init__(self, database: Database, *, granularity: Granularity) -> None:
        """Tell of what is in `database`; a document of a publication event is a repository, or each of its units."""
        self._database = database
        self._granularity: Granularity = granularity

    def list_publications(self, query: EventQuery) -> list[PublicationEventReport]:
        """Return the publication events that `query` asks for, in its order."""
        return publications.list_events(self._database, query)

    def last_publication_event_id(self) -> int:
        """Return the highest id of a publication event, 0 before the first; all up to it are visible, and none comes later."""
        return publications.last_id(self._database)

    def publications_removed_up_to(self) -> int:
        """Return the highest id of those publication events that are no longer kept, 0 if all are."""
        return publications.removed_up_to(self._database)

    def list_activity(
        self, repository_id: str, distributor_id: str | None = None, *, before: int | None = None, limit: int = 100
    ) -> list[ActivityReport]:
        """Return lines of a repository's log, newest first; with a distributor those of it, and those that concern no other.

        `before` leaves out the line of that id and all after it.
        """
        return activity.list_activity(self._database, repository_id, distributor_id, before=before, limit=limit)

    def flipped(self, flip: Flip) -> None:
        """Write what a flip is for those who are told of it, in the transaction that does it."""
        publications.record(self._database, flip, self._granularity)

    def prune_publications(self, *, older_than: timedelta) -> int:
        """Remove the publication events that are older, none if that is no time; return how many. One round of a loop."""
        return publications.prune(self._database, older_than=older_than) if older_than else 0

    def prune_activity(self, *, older_than: timedelta, keep: int) -> int:
        """Remove older lines, and of each repository all but the newest `keep`; return how many. One round of a loop."""
        return activity.prune(self._database, older_than=older_than, keep=keep)
