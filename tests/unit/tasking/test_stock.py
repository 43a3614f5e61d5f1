"""How many tasks are claimed ahead, and how long outcomes wait."""

from __future__ import annotations

import pytest

from entrepot import clock
from entrepot.tasking import stock
from entrepot.tasking.stock import Stock


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "monotonic", made.monotonic)
    return made


def after(runs: int, seconds: float) -> Stock:
    made = Stock()
    for _ in range(runs):
        made.note(seconds)
    return made


def test_nothing_is_claimed_ahead_before_it_is_known_that_tasks_are_tiny() -> None:
    assert Stock().size == 0
    assert after(10, 0.0001).size == 0


def test_tiny_tasks_are_claimed_ahead_and_one_long_run_ends_that() -> None:
    made = after(100, 0.0001)
    assert made.size > 0

    made.note(1.0)

    assert made.size == 0


def test_outcomes_wait_for_few_others_and_not_for_long(time: Clock) -> None:
    made = Stock()
    made.turned()

    assert made.may_wait(1)
    assert not made.may_wait(100)
    time.now += stock.OVERDUE_SECONDS
    assert not made.may_wait(1)


def test_what_waits_is_overdue_a_while_after_the_last_turn(time: Clock) -> None:
    made = Stock()
    assert not made.is_overdue

    time.now += 2 * stock.OVERDUE_SECONDS
    assert made.is_overdue
    made.turned()

    assert not made.is_overdue


def test_after_a_vain_look_there_is_a_rest() -> None:
    made = after(100, 0.0001)
    made.found(0)
    assert made.size == 0

    for _ in range(1000):
        made.turned()

    assert made.size > 0
