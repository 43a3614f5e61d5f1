"""The ledger of a worker: what it claims runs, and what ended is written, whatever goes wrong in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

import entrepot
from entrepot import Call
from entrepot.engine import Engine
from entrepot.errors import DatabaseError, DatabaseUnavailable
from entrepot.tasking import completion, lease, ledger
from entrepot.tasking.completion import Outcome
from entrepot.tasking.ledger import Ledger
from entrepot.tasking.worker import Worker

from .conftest import LEASE, Gate, echo, eventually, hold, take, wait_cooperatively

THREADS: list[int] = []


@entrepot.task(resources=["one line"])
def note_thread() -> None:
    """Note which thread runs it."""
    THREADS.append(threading.get_ident())


@entrepot.task
def report_what_is_no_json() -> str:
    """Report progress that cannot be kept, as the last thing before the end."""
    entrepot.current_task().progress({"begun": True})
    entrepot.current_task().progress({"set": {1, 2}})  # type: ignore[dict-item]  # not written at once: it is throttled
    return "done"


class UnprintableError(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@entrepot.task
def fail_without_a_text() -> None:
    """Raise an error whose text cannot be had."""
    raise UnprintableError


@pytest.fixture
def book(engine: Engine) -> Ledger:
    """The ledger of a worker that nobody runs."""
    return Ledger(engine.database, "worker@test", slots=4, lease_span=LEASE, doorbell=engine.doorbell)


@pytest.fixture
def worker(engine: Engine) -> Iterator[Worker]:
    """A worker of four threads that a test starts."""
    made = Worker(engine.tasks, engine.settings, name="worker@test", threads=4, give_up=lambda: None)
    yield made
    if made._beat._thread.is_alive():
        assert made.drain(timedelta(seconds=20))


def begin(book: Ledger) -> lease.Claim:
    """Claim one task, and begin it."""
    claim = book.take()
    assert claim is not None
    assert book.find(claim.task_id) == claim
    book.begin(claim)
    return claim


def lease_of(engine: Engine, task_id: str) -> int:
    """Return when a task's lease ends."""
    row = engine.database.row("SELECT lease_until FROM task WHERE task_id = ?", (task_id,))
    assert row is not None
    return int(row[0])


def test_a_line_of_tasks_is_run_by_the_thread_that_began_it(engine: Engine, worker: Worker) -> None:
    THREADS.clear()
    handles = [engine.enqueue(note_thread) for _ in range(30)]

    worker.start()

    handles[-1].wait(20)
    assert len(THREADS) == 30
    assert len(set(THREADS)) == 1


def test_an_outcome_is_written_later_if_the_database_goes_away_while_it_is_written_by_itself(
    engine: Engine, book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = engine.enqueue(echo, 1)
    claim = begin(book)

    def refuse(*_arguments: object) -> object:
        raise DatabaseError("a deadlock")

    def be_away(*_arguments: object) -> None:
        raise DatabaseUnavailable("restarting")

    monkeypatch.setattr(ledger, "_RETRY_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(completion, "complete", refuse)
        patch.setattr(completion, "settle", be_away)
        assert book.finish(Outcome(claim, "finished", result="1"), 1) is None
    assert handle.state == "running"

    assert book.write()

    assert (handle.state, handle.report().result) == ("finished", 1)


def test_what_was_claimed_and_has_not_begun_keeps_its_lease(engine: Engine, worker: Worker) -> None:
    handle = engine.enqueue(hold, "a")
    claim = worker._ledger.take()
    engine.database.execute("UPDATE task SET lease_until = lease_until - 10000000")
    before = lease_of(engine, handle.task_id)

    worker._beat._renew([])

    assert claim is not None
    assert lease_of(engine, handle.task_id) > before
    worker._ledger.put_back([claim.task_id])


def test_a_claim_that_never_reached_its_worker_is_handed_back_at_the_second_beat(engine: Engine, worker: Worker) -> None:
    handle = engine.enqueue(hold, "a")
    [claim] = take(engine.database, owner="worker@test")

    worker._beat._renew([])
    assert handle.state == "running"
    worker._beat._renew([])

    report = handle.report()
    assert (report.state, report.rescues, claim.attempt) == ("waiting", 0, 1)


def test_a_claim_that_was_lost_before_it_began_does_not_begin(engine: Engine, worker: Worker) -> None:
    engine.enqueue(hold, "a")
    claim = worker._ledger.take()
    assert claim is not None
    engine.database.execute("UPDATE task SET owner = 'another'")

    worker._beat._renew([])

    assert worker._ledger.find(claim.task_id) is None


def test_a_progress_report_that_cannot_be_kept_is_the_tasks_error_and_not_its_loss(engine: Engine, worker: Worker) -> None:
    handle = engine.enqueue(report_what_is_no_json)

    worker.start()

    eventually(lambda: handle.report().is_final)
    report = handle.report()
    assert report.state == "error"
    assert report.error is not None
    assert report.error["code"] == "PLP2016"


def test_an_error_without_a_text_is_named_by_its_class(engine: Engine, worker: Worker) -> None:
    handle = engine.enqueue(fail_without_a_text)

    worker.start()

    eventually(lambda: handle.report().is_final)
    assert "UnprintableError" in str((handle.report().error or {})["description"])


def test_what_was_claimed_ahead_is_handed_back_and_what_ended_is_written_when_all_threads_are_busy(
    engine: Engine, gate: Gate
) -> None:
    tiny = [Call(echo, (number,)) for number in range(200)]
    before = engine.enqueue_many(tiny)
    long = engine.enqueue(wait_cooperatively, "gate")
    behind = engine.enqueue_many(tiny)
    worker = Worker(engine.tasks, engine.settings, name="worker@test", threads=1, give_up=lambda: None)
    worker.start()
    try:
        assert gate.begun.wait(20)

        eventually(lambda: {handle.state for handle in behind} <= {"finished", "waiting"})
        assert behind[-1].state == "waiting"
        eventually(lambda: {handle.state for handle in before} == {"finished"})

        assert long.state == "running"
        assert {handle.report().rescues for handle in behind} == {0}
    finally:
        gate.open.set()
        behind[-1].wait(20)
        assert worker.drain(timedelta(seconds=20))
    assert {handle.state for handle in behind} == {"finished"}


def test_tasks_that_reserve_something_are_not_claimed_ahead(engine: Engine) -> None:
    engine.enqueue(hold, "a")
    free = engine.enqueue(echo, 1)
    engine.enqueue(hold, "b")

    with engine.database.transaction():
        claims = lease.claim_free(engine.database, "owner", limit=10, lease=LEASE)

    assert [claim.task_id for claim in claims] == [free.task_id]


def test_a_bell_that_rings_while_a_claim_is_under_way_asks_for_another_look(
    engine: Engine, book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "LOOK_ANYWAY_SECONDS", 3600.0)
    original = lease.claim

    def claim_while_a_bell_rings(*arguments: object, **options: object) -> list[lease.Claim]:
        claims = original(*arguments, **options)  # type: ignore[arg-type]
        book.look()
        return claims

    engine.enqueue(hold, "a")
    monkeypatch.setattr(lease, "claim", claim_while_a_bell_rings)
    first = book.take()
    late = engine.enqueue(hold, "b")
    monkeypatch.setattr(lease, "claim", original)

    second = book.take()

    assert first is not None
    assert second is not None
    assert second.task_id == late.task_id
