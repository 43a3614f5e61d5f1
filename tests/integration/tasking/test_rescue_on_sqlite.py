"""Leases that ran out because one long transaction kept every beat from SQLite's write lock."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.models import Database, connection
from entrepot.tasking import lease, rescue
from entrepot.tasking.lease import Claim, claim

from .conftest import eventually, repeatable

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

#: A lease so short that it runs out while a test looks.
SHORT = timedelta(milliseconds=200)


class Holder:
    """Another process in the middle of one long write transaction."""

    def __init__(self, engine: Engine) -> None:
        path = Path(engine.database.url.removeprefix("sqlite:///"))
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def take_lock(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def release_lock(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def holder(engine: Engine) -> Iterator[Holder]:
    made = Holder(engine)
    yield made
    made.close()


def take(engine: Engine) -> Claim:
    """Claim the one task that is ready, for a short time."""
    with engine.database.transaction():
        [claimed] = claim(engine.database, "worker", limit=1, lease=SHORT)
    return claimed


def has_run_out(engine: Engine) -> bool:
    row = engine.database.row("SELECT lease_until FROM task")
    assert row is not None
    return bool(row[0] < engine.database.lease_now_us())


@contextmanager
def renewed(engine: Engine, claimed: Claim, wins_the_lock: threading.Event) -> Iterator[list[Claim]]:
    """Renew the lease all the time, as a live worker does, but never get the lock before `wins_the_lock` is set."""
    stopping, lost = threading.Event(), list[Claim]()

    def beat() -> None:
        wins_the_lock.wait(20)
        with engine.visit():
            while not stopping.is_set():
                lost.extend(lease.renew(engine.database, [claimed], lease=timedelta(seconds=30)))
                stopping.wait(0.01)

    thread = threading.Thread(target=beat)
    thread.start()
    yield lost
    wins_the_lock.set()
    stopping.set()
    thread.join()


def when_waiting(monkeypatch: pytest.MonkeyPatch, act: Callable[[float], None]) -> None:
    """Call `act` whenever this thread has found the write lock taken, with the seconds since the first time."""
    main, found_at = threading.current_thread(), list[float]()

    def uniform(_least: float, most: float) -> float:
        if threading.current_thread() is main:
            found_at.append(clock.monotonic())
            act(found_at[-1] - found_at[0])
        return most

    monkeypatch.setattr(connection, "random", SimpleNamespace(uniform=uniform))


def after_the_first_transaction(monkeypatch: pytest.MonkeyPatch, database: Database, act: Callable[[], None]) -> None:
    """Call `act` when the next outermost transaction of this thread has ended."""
    transaction, main = database.transaction, threading.current_thread()

    @contextmanager
    def acting(**options: bool) -> Iterator[Database]:
        with transaction(**options) as joined:
            yield joined
        if threading.current_thread() is main and not database.in_transaction:
            act()

    monkeypatch.setattr(database, "transaction", acting)


def test_a_task_whose_beat_could_not_write_because_another_process_did_stays_with_its_live_worker(
    engine: Engine, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = engine.enqueue(repeatable)
    claimed = take(engine)
    holder.take_lock()
    eventually(lambda: has_run_out(engine))
    when_waiting(monkeypatch, lambda seconds: holder.release_lock() if seconds > 0.2 else None)
    wins_the_lock = threading.Event()
    after_the_first_transaction(monkeypatch, engine.database, wins_the_lock.set)

    with renewed(engine, claimed, wins_the_lock) as lost:
        taken = rescue.rescue(engine.database, lambda _: None, limit=3, retry=True)

    assert (taken, lost) == (0, [])
    assert (handle.state, handle.report().rescues) == ("running", 0)


def test_a_round_that_waits_long_at_both_looks_takes_nothing_and_the_next_one_does(
    engine: Engine, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = engine.enqueue(repeatable)
    take(engine)
    holder.take_lock()
    eventually(lambda: has_run_out(engine))
    monkeypatch.setattr(rescue, "_LOOKS", ((0.0, 0.05), (0.0, 0.1)))
    lets_go_after = 0.2
    when_waiting(monkeypatch, lambda seconds: holder.release_lock() if seconds > lets_go_after else None)

    def take_again() -> None:
        nonlocal lets_go_after
        if lets_go_after < 1:
            holder.take_lock()
            lets_go_after = 1.0

    after_the_first_transaction(monkeypatch, engine.database, take_again)

    assert rescue.rescue(engine.database, lambda _: None, limit=3, retry=True) == 0
    assert handle.state == "running"
    assert rescue.rescue(engine.database, lambda _: None, limit=3, retry=True) == 1
    assert handle.report().rescues == 1


def test_behind_writers_that_are_quick_a_lost_worker_is_found_in_the_same_round(
    engine: Engine, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = engine.enqueue(repeatable)
    take(engine)
    eventually(lambda: has_run_out(engine))
    holder.take_lock()
    when_waiting(monkeypatch, lambda seconds: holder.release_lock() if seconds > 0.1 else None)

    assert rescue.rescue(engine.database, lambda _: None, limit=3, retry=True) == 1

    assert handle.report().rescues == 1
