"""How often one may ask."""

from __future__ import annotations

import pytest

from entrepot.facades import limits
from entrepot.facades.limits import Buckets


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_bucket_gives_what_is_in_it_and_then_says_how_long_to_wait() -> None:
    buckets = Buckets(0.5, 2, Clock())

    assert [buckets.take("a") for _ in range(4)] == [None, None, 2.0, 2.0]
    assert buckets.take("b") is None


def test_who_waits_as_long_as_was_said_is_let_in() -> None:
    clock = Clock()
    buckets = Buckets(0.3, 1, clock)
    buckets.take("a")
    clock.seconds += 0.1
    wait = buckets.take("a")

    assert wait == pytest.approx(3.2333, abs=1e-4)
    clock.seconds += wait or 0
    assert buckets.take("a") is None


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = Clock()
    buckets = Buckets(1, 2, clock)
    buckets.take("a")
    clock.seconds += 1000

    assert [buckets.take("a") for _ in range(3)] == [None, None, 1.0]


def test_buckets_that_are_full_again_are_forgotten(monkeypatch) -> None:
    monkeypatch.setattr(limits, "_MANY", 3)
    clock = Clock()
    buckets = Buckets(1, 1, clock)
    for number in range(3):
        buckets.take(number)
    clock.seconds += 1

    buckets.take("another")

    assert len(buckets) == 1
    assert buckets.take("another") == 1.0
