"""The ledger of one worker process: its claims and its outcomes, committed together.

One turn is one short transaction: write the outcomes that have come in, release what they held, make the successors
ready and claim the next tasks. A thread that has run a task turns the page itself and goes on with the next task, so the
completing worker hands over to the successors without a detour; threads that finish meanwhile find their outcomes written
by that turn, so a process takes the write lock once for several tiny tasks. The transport's consumers turn for the threads
that are idle. Steps 4 and 6 of the walk of a task.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock, failpoints
from entrepot.errors import DatabaseError, DatabaseUnavailable, EntrepotError, StorageError
from entrepot.tasking import completion, lease, readiness
from entrepot.tasking.completion import Outcome
from entrepot.tasking.stock import OVERDUE_SECONDS, Stock

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.delivery import Bell, Doorbell
    from entrepot.tasking.lease import Claim
    from entrepot.tasking.readiness import Released

log = logging.getLogger(__name__)

#: Seconds after which an idle worker looks although no bell rang: what a lost bell costs at most.
LOOK_ANYWAY_SECONDS = 1.0
#: Seconds to wait after the database refused a turn.
_RETRY_SECONDS = 0.5


class _Entry:
    """An outcome that a thread has handed in; `is_awaited` while that thread asks for its next task."""

    __slots__ = ("is_awaited", "is_written", "outcome")

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.is_written = False
        self.is_awaited = True


class Ledger:
    """Claims and outcomes of one process; for any number of threads, of which one at a time turns the page."""

    def __init__(
        self,
        database: Database,
        owner: str,
        *,
        slots: int,
        lease_span: timedelta,
        doorbell: Doorbell,
        queues: Sequence[str] = (),
    ) -> None:
        """Keep the book for worker `owner`, which runs at most `slots` tasks of `queues` (all, if empty) at once."""
        self._database = database
        self._owner = owner
        self._lease_span = lease_span
        self._doorbell = doorbell
        self._queues = tuple(queues)
        self._idle = slots
        self._turning = threading.Lock()
        self._entries: deque[_Entry] = deque()
        self._asking: deque[_Entry] = deque()  # those whose threads ask for the next task
        self.claimed_count = 0
        self._claimed: deque[Claim] = deque()  # for idle threads
        self._handed_out: dict[str, Claim] = {}  # by task id: on their way to an idle thread
        self._next: deque[Claim] = deque()  # for threads that have just handed in an outcome
        self._stock = Stock()
        self._released: list[Released] = []
        self._bells: list[Bell] = []
        self._changed = threading.Condition()
        self._look = True
        self._look_at = 0.0
        self._refused_until = 0.0
        self._draining = False
        self._paused = False

    def finish(self, outcome: Outcome, seconds: float) -> Claim | None:
        """Hand in how a task ended that ran for so long, and return the next one for the thread, if there is one.

        It is written when this returns; but if tasks are tiny, several together within milliseconds, and if the database
        refuses, as soon as it does not.
        """
        entry = _Entry(outcome)
        self._entries.append(entry)
        self._asking.append(entry)
        self._stock.note(seconds)
        try:
            with self._turning:
                may_wait = bool(self._next) and self._stock.may_wait(len(self._entries)) and not self._may_not_claim
                if not entry.is_written and not may_wait and clock.monotonic() >= self._refused_until:
                    missing = max(0, len(self._asking) - len(self._next))
                    claims = self._turn(self._pop_entries(lambda _: True), 0 if self._may_not_claim else missing, ahead=True)
                    self._next.extend(claims)
                return self._hand_out(self._next.popleft()) if self._next and not self._may_not_claim else None
        finally:
            entry.is_awaited = False
            self._asking.remove(entry)
            self._ring()

    def take(self) -> Claim | None:
        """Return a task for an idle thread, or None if there is none to claim; does not wait for one."""
        try:
            with self._turning:
                if not self._claimed and (self._has_refused_entries or self._should_look()):
                    # Whoever awaits an entry writes it himself, and goes on with its successor in the same thread.
                    entries = self._pop_entries(lambda entry: not entry.is_awaited)
                    claims = self._turn(entries, 0 if self._may_not_claim else self._idle)
                    self._idle -= len(claims)
                    self._claimed.extend(claims)
                if not self._claimed and self._next and self.has_idle_thread:
                    self._idle -= 1
                    self._claimed.append(self._next.popleft())
                return self._hand_out(self._claimed.popleft()) if self._claimed else None
        finally:
            self._ring()

    def tidy(self) -> None:
        """Write and hand back what waits for threads that are busy for longer than was expected; for a consumer."""
        if not (self._entries or self._next) or not self._stock.is_overdue:
            return
        with self._turning:
            if self._has_refused_entries:
                self._turn(self._pop_entries(lambda entry: not entry.is_awaited), 0)
            if self._next:
                lease.hand_back(self._database, [claim.fence for claim in self._next])
                self._next.clear()
        self._ring()

    def find(self, task_id: str) -> Claim | None:
        """Return the claim that was handed out and has not begun; None if it was lost meanwhile."""
        return self._handed_out.get(task_id)

    def begin(self, claim: Claim) -> None:
        """Take note that the thread which was handed `claim` runs it: from now on its leases are not the ledger's business."""
        self._handed_out.pop(claim.task_id, None)  # without the lock: a turn of another thread need not be waited for

    def _hand_out(self, claim: Claim) -> Claim:
        self._handed_out[claim.task_id] = claim
        return claim

    def held(self) -> list[Claim]:
        """Return what was claimed and has not begun; whoever keeps leases alive keeps these too."""
        with self._turning:
            return [*self._claimed, *self._next, *self._handed_out.values()]

    def unwritten(self) -> list[Claim]:
        """Return the claims whose outcomes wait to be written."""
        with self._turning:
            return [entry.outcome.claim for entry in self._entries]

    def drop(self, lost: Iterable[Claim]) -> None:
        """Forget claims that have another owner now, as far as they have not begun."""
        fences = {claim.fence for claim in lost}
        with self._turning:
            self._claimed = deque(claim for claim in self._claimed if claim.fence not in fences)
            self._next = deque(claim for claim in self._next if claim.fence not in fences)
            for claim in list(self._handed_out.values()):
                if claim.fence in fences:
                    self._handed_out.pop(claim.task_id, None)

    def look(self) -> None:
        """Say that there may be something to claim: a bell has rung."""
        self._look = True

    def free_slot(self) -> None:
        """Say that a thread is idle again."""
        with self._turning:
            self._idle += 1
        with self._changed:
            self._changed.notify_all()

    def wait_until_idle(self, timeout_seconds: float) -> bool:
        """Wait until a thread is idle, at most so long, or until it may be time to tidy; return True if one is."""
        with self._changed:
            timeout_seconds = min(timeout_seconds, OVERDUE_SECONDS) if self._stock.size else timeout_seconds
            return self._changed.wait_for(lambda: self.has_idle_thread, timeout_seconds)

    def pause(self, paused: bool) -> None:  # noqa: FBT001 - a state to be in
        """Claim nothing while `paused`; what runs goes on. When this returns, no claim is under way any more."""
        if paused is self._paused:
            return
        with self._turning:
            self._paused, self._look = paused, True
        self.hand_back()
        with self._changed:
            self._changed.notify_all()

    def drain(self) -> None:
        """Claim nothing from now on; outcomes are still written. When this returns, no claim is under way any more."""
        with self._turning:
            self._draining = True
        with self._changed:
            self._changed.notify_all()

    def write(self) -> bool:
        """Write the outcomes that could not be written before, claim nothing, and return True if all are written."""
        with self._turning:
            if self._entries:
                self._turn(self._pop_entries(lambda _: True), 0)
            is_done = not self._entries
        self._ring()
        return is_done

    def put_back(self, task_ids: Iterable[str]) -> None:
        """Take back what was handed out and no thread has begun; `hand_back` returns it to the line."""
        with self._turning:
            self._claimed.extend(self._handed_out.pop(task_id) for task_id in task_ids if task_id in self._handed_out)

    def hand_back(self) -> None:
        """Return what was claimed but has not begun to its place in line."""
        with self._turning:
            claims = [*self._claimed, *self._next]
            if claims:
                lease.hand_back(self._database, [claim.fence for claim in claims])
                self._claimed.clear()
                self._next.clear()

    @property
    def has_idle_thread(self) -> bool:
        """True if a thread waits for a task."""
        return self._idle > 0 and not self._may_not_claim

    @property
    def _has_refused_entries(self) -> bool:
        is_time = clock.monotonic() >= self._refused_until
        return is_time and any(not entry.is_awaited for entry in tuple(self._entries))

    @property
    def _may_not_claim(self) -> bool:
        return self._draining or self._paused

    def _pop_entries(self, is_wanted: Callable[[_Entry], bool]) -> list[_Entry]:
        """Take those of the entries out of the line that are wanted; the caller holds the lock."""
        entries = [self._entries.popleft() for _ in range(len(self._entries))]
        self._entries.extendleft(reversed([entry for entry in entries if not is_wanted(entry)]))
        return [entry for entry in entries if is_wanted(entry)]

    def _turn(self, entries: Sequence[_Entry], limit: int, *, ahead: bool = False) -> list[Claim]:
        """Write outcomes and claim up to `limit` tasks, and some `ahead` if tasks are tiny; the caller holds the lock."""
        self._stock.turned()
        try:
            claims = self._commit(entries, limit, stock=self._stock.size if ahead else 0)
        except (DatabaseUnavailable, StorageError) as error:
            self._keep_unwritten(entries)
            self._pause_after(error)
            return []
        except DatabaseError as error:
            log.warning("%s Writing the outcomes one by one.", error)
            self._write_one_by_one(entries)
            return []
        except BaseException:
            self._keep_unwritten(entries)
            raise
        self.claimed_count += len(claims)
        if claims:
            failpoints.reach("lease.committed")
        if entries:
            failpoints.reach("completion.committed")
        if 0 < limit <= len(claims):
            self._look = True  # there may be more
        if claims or entries:
            self._database.announce()
        return claims

    def _keep_unwritten(self, entries: Sequence[_Entry]) -> None:
        """Put outcomes that were not written back: nothing is lost, they are written as soon as the database lets us."""
        self._entries.extendleft(reversed([entry for entry in entries if not entry.is_written]))

    def _commit(self, entries: Sequence[_Entry], limit: int, *, stock: int) -> list[Claim]:
        """Write the outcomes, hand over and claim: in one transaction on SQLite; in three on PostgreSQL.

        There rivals must see what was released before they look for successors; and a statement by itself is cheaper than
        two with a transaction around them. Whatever is left undone by a death in between, `readiness.sweep` does.
        """
        if self._database.serialises_writers:
            with self._database.transaction(durable=False):
                ready = readiness.make_successors_ready(self._database, self._complete(entries))
                claims = self._claim(limit, stock)
            _mark_written(entries)
        else:
            if entries:
                is_single = all(entry.outcome.retry_at is None for entry in entries)
                with self._database.transaction(durable=False, is_single=is_single):
                    released = self._complete(entries)
                _mark_written(entries)
                self._released += released
            with self._database.transaction(durable=False, is_single=True):
                ready = readiness.make_successors_ready(self._database, self._released)
            self._released = []
            try:
                with self._database.transaction(durable=False, is_single=True):
                    claims = self._claim(limit, stock)
            except BaseException:
                self._bells += [bell for _, bell in ready]
                raise
        if len(ready) > len(claims):  # more are ready now than before this turn: somebody else may be idle
            taken = {claim.id for claim in claims}
            self._bells += [bell for id_, bell in ready if id_ not in taken][: len(ready) - len(claims)]
        return claims

    def _ring(self) -> None:
        """Ring for what has become ready, outside of the lock: a slow transport must not hold up the other threads."""
        if self._bells:
            bells, self._bells = self._bells, []
            self._doorbell.ring(bells)

    def _complete(self, entries: Sequence[_Entry]) -> list[Released]:
        if not entries:
            return []
        completed = completion.complete(self._database, [entry.outcome for entry in entries])
        for outcome in completed.refused:
            log.warning("Task %s has another owner now; this outcome is dropped.", outcome.claim.task_id)
        return completed.released

    def _claim(self, limit: int, stock: int) -> list[Claim]:
        if limit <= 0:
            return []
        self._look = False  # before the look: a bell that rings from now on asks for another
        claims = lease.claim(self._database, self._owner, limit=limit, lease=self._lease_span, queues=self._queues)
        if not stock or len(claims) < limit:
            return claims
        more = lease.claim_free(self._database, self._owner, limit=stock, lease=self._lease_span, queues=self._queues)
        self._stock.found(len(more))
        return claims + more

    def _write_one_by_one(self, entries: Sequence[_Entry]) -> None:
        """Write what is not written yet; if the database does not answer now, the rest is kept for later."""
        try:
            for entry in entries:
                if not entry.is_written:
                    self._write_alone(entry.outcome)
                    entry.is_written = True
        except (DatabaseUnavailable, StorageError) as error:
            self._keep_unwritten(entries)
            self._pause_after(error)

    def _write_alone(self, outcome: Outcome) -> None:
        """Write an outcome that the database may have refused; if it does, the task ends with that as its error."""
        try:
            completion.settle(self._database, outcome, self._bells.extend)
        except DatabaseUnavailable:
            raise
        except DatabaseError as error:
            refused = json.dumps(error.document())
            completion.settle(self._database, Outcome(outcome.claim, "error", error=refused), self._bells.extend)

    def _pause_after(self, error: EntrepotError) -> None:
        """Leave the database alone for a moment, and begin with a new connection then."""
        log.warning("%s Trying again in %s s.", error, _RETRY_SECONDS)
        self._database.close()
        self._look = True
        self._refused_until = clock.monotonic() + _RETRY_SECONDS

    def _should_look(self) -> bool:
        """Look whether a task could be claimed, if a thread is idle and a bell has rung, or none has for a while."""
        now = clock.monotonic()
        if self._may_not_claim or self._idle <= 0 or now < self._refused_until or not (self._look or now >= self._look_at):
            return False
        self._look_at = now + LOOK_ANYWAY_SECONDS
        self._look = False
        try:
            return lease.has_ready(self._database, self._queues)
        except EntrepotError as error:
            self._pause_after(error)
            return False


def _mark_written(entries: Iterable[_Entry]) -> None:
    for entry in entries:
        entry.is_written = True
