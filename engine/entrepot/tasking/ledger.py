"""The ledger of one worker process: its claims and its outcomes, committed together.

One turn is one short transaction: write the outcomes that have come in, release what they held, make the successors
ready and claim the next tasks. So the completing worker hands over to the successors without a detour, and a process
takes the write lock once for several tiny tasks. One thread turns the pages (the transport's consumer); the threads
that run tasks only put outcomes in. Steps 4 and 6 of the walk of a task.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock, failpoints
from entrepot.errors import DatabaseError, DatabaseUnavailable, EntrepotError, StorageError
from entrepot.tasking import completion, lease, readiness
from entrepot.tasking.completion import Outcome

if TYPE_CHECKING:
    from entrepot.models import ChangeWatch, Database
    from entrepot.tasking.lease import Claim
    from entrepot.tasking.readiness import Released

log = logging.getLogger(__name__)

#: Seconds between two looks at SQLite's change counter on an idle worker: 3 microseconds of work each.
POLL_SECONDS = 0.003
#: Seconds after which a look is taken although nothing seems to have changed.
_LOOK_ANYWAY_SECONDS = 1.0
#: Seconds that `take` waits at most while the worker drains, so that the consumer soon sees that it is to stop.
_DRAINING_SECONDS = 0.05
#: Seconds to wait after the database refused a turn.
_RETRY_SECONDS = 0.5


class Ledger:
    """Claims and outcomes of one process. `take` and `turn` are for one thread, the rest for any."""

    def __init__(self, database: Database, owner: str, *, slots: int, lease_span: timedelta) -> None:
        """Keep the book for worker `owner`, which runs at most `slots` tasks at once."""
        self._database = database
        self._owner = owner
        self._lease_span = lease_span
        self._free = slots
        self._claimed: deque[Claim] = deque()
        self._outcomes: deque[Outcome] = deque()
        self._released: list[Released] = []
        self._wake = threading.Condition()
        self._watch: ChangeWatch | None = None
        self._look = True
        self._next_look = 0.0
        self._draining = False

    def finish(self, outcome: Outcome) -> None:
        """Hand in how a task ended; it is written by the next turn."""
        self._outcomes.append(outcome)

    def free_slot(self) -> None:
        """Say that a thread is idle again."""
        with self._wake:
            self._free += 1
            self._wake.notify()

    def drain(self) -> None:
        """Claim nothing from now on; outcomes are still written."""
        self._draining = True

    def take(self, timeout_seconds: float) -> Claim | None:
        """Return the next claimed task, or None if there was none in time."""
        deadline = clock.monotonic() + (min(timeout_seconds, _DRAINING_SECONDS) if self._draining else timeout_seconds)
        while not self._claimed:
            if self._outcomes or self._may_claim():
                self.turn()
                continue
            remaining = deadline - clock.monotonic()
            if remaining <= 0:
                return None
            with self._wake:
                if not self._outcomes:
                    self._wake.wait(min(POLL_SECONDS, remaining))
        return self._claimed.popleft()

    def turn(self) -> None:
        """Write the outcomes that have come in and claim as many tasks as threads are idle."""
        outcomes = [self._outcomes.popleft() for _ in range(len(self._outcomes))]
        had_outcomes = bool(outcomes)
        limit = 0 if self._draining else self._free
        try:
            claims = self._commit(outcomes, limit)
        except (DatabaseUnavailable, StorageError) as error:
            # Nothing is lost: the outcomes go back and are written as soon as the database lets us.
            self._outcomes.extendleft(reversed(outcomes))
            self._pause_after(error)
            return
        except DatabaseError as error:
            log.warning("%s Writing the outcomes one by one.", error)
            claims = []
            for outcome in outcomes:
                self._write_alone(outcome)
        except BaseException:
            self._outcomes.extendleft(reversed(outcomes))
            raise
        if claims:
            failpoints.reach("lease.committed")
        if had_outcomes:
            failpoints.reach("completion.committed")
        self._look = len(claims) == limit
        with self._wake:
            self._free -= len(claims)
        self._claimed.extend(claims)

    @property
    def has_unwritten(self) -> bool:
        """True while outcomes wait to be written."""
        return bool(self._outcomes)

    def put_back(self, claims: Iterable[Claim]) -> None:
        """Take back claims that no thread has begun; `hand_back` returns them to the line."""
        self._claimed.extend(claims)

    def hand_back(self) -> None:
        """Return what was claimed but has not begun to its place in line."""
        if self._claimed:
            lease.hand_back(self._database, self._claimed)
            self._claimed.clear()

    def _commit(self, outcomes: list[Outcome], limit: int) -> list[Claim]:
        """Write `outcomes` and claim: in one transaction on SQLite; in two on PostgreSQL, so that rivals see the releases."""
        if self._database.serialises_writers:
            with self._database.transaction(durable=False):
                return self._hand_over(self._complete(outcomes), limit)
        with self._database.transaction(durable=False):
            released = self._complete(outcomes)
        outcomes.clear()
        self._released += released
        with self._database.transaction(durable=False):
            claims = self._hand_over(self._released, limit)
        self._released = []
        return claims

    def _complete(self, outcomes: list[Outcome]) -> list[Released]:
        released: list[Released] = []
        for outcome in outcomes:
            freed = completion.complete(self._database, outcome)
            if freed is None:
                log.warning("Task %s has another owner now; this outcome is dropped.", outcome.claim.task_id)
            released += freed or []
        return released

    def _hand_over(self, released: list[Released], limit: int) -> list[Claim]:
        readiness.make_successors_ready(self._database, released)
        return lease.claim(self._database, self._owner, limit=limit, lease=self._lease_span) if limit else []

    def _write_alone(self, outcome: Outcome) -> None:
        """Write an outcome that the database may have refused; if it does, the task ends with that as its error."""
        try:
            completion.settle(self._database, outcome)
        except DatabaseError as error:
            refused = json.dumps(error.document())
            completion.settle(self._database, Outcome(outcome.claim, "error", error=refused))

    def _pause_after(self, error: EntrepotError) -> None:
        """Give the database a moment, and begin with a new connection."""
        log.warning("%s Trying again in %s s.", error, _RETRY_SECONDS)
        self._database.close()
        self._watch = None
        with self._wake:
            self._wake.wait(_RETRY_SECONDS)

    def _may_claim(self) -> bool:
        """Look whether a task could be claimed, if a thread is idle and something may have changed."""
        if self._draining or self._free <= 0:
            return False
        try:
            if self._watch is None:
                self._watch = self._database.watch()
            now = clock.monotonic()
            if not (self._watch.changed() or self._look or now >= self._next_look):
                return False
            self._next_look = now + _LOOK_ANYWAY_SECONDS
            self._look = False
            return lease.has_ready(self._database)
        except EntrepotError as error:
            self._pause_after(error)
            return False
