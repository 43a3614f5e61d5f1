"""Numbers that become visible in their order, with moments that never fall."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.events import numbers
from entrepot.models import Database


def test_numbers_rise_and_those_of_a_transaction_that_gave_up_are_given_again(database: Database) -> None:
    with database.transaction():
        first = numbers.take(database, "publication", 3)[0]
    with pytest.raises(ZeroDivisionError), database.transaction():
        numbers.take(database, "publication", 100 // 0)
    with pytest.raises(RuntimeError), database.transaction():
        numbers.take(database, "publication")
        raise RuntimeError
    with database.transaction():
        second, other = numbers.take(database, "publication")[0], numbers.take(database, "activity")[0]

    assert (first, second, other) == (1, 4, 1)


def test_moments_do_not_fall_with_the_clock(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.transaction():
        _, before = numbers.take(database, "activity")
    earlier = clock.now_us() - clock.us(timedelta(hours=1))
    monkeypatch.setattr(clock, "now_us", lambda: earlier)

    with database.transaction():
        _, after = numbers.take(database, "activity")

    assert after == before


def test_who_takes_while_another_has_taken_waits_until_that_has_committed(database: Database) -> None:
    taken, order = threading.Event(), list[str]()

    def second() -> None:
        other = Database(database.url)
        taken.wait()
        with other.transaction():
            number, _ = numbers.take(other, "deploy")
            order.append(f"second took {number}")
        other.close()

    thread = threading.Thread(target=second)
    thread.start()
    with database.transaction():
        number, _ = numbers.take(database, "deploy")
        order.append(f"first took {number}")
        taken.set()
        thread.join(0.05)  # it must still wait: what is shown is that it does not get through
        order.append("first commits")
    thread.join()

    assert order == ["first took 1", "first commits", "second took 2"]


def test_an_unknown_counter_is_no_counter(database: Database) -> None:
    with pytest.raises(LookupError), database.transaction():
        numbers.take(database, "sheep")
