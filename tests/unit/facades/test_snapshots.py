"""Answers that are worked out once for all who ask."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from entrepot.facades import snapshots as module
from entrepot.facades.snapshots import Snapshots

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def snapshots(clock: Clock) -> Snapshots[int]:
    return Snapshots(5, clock)


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(100))


def test_a_value_is_built_once_while_it_is_fresh(snapshots: Snapshots[int], clock: Clock, numbers: Iterator[int]) -> None:
    def get(key: str) -> int:
        return snapshots.get(key, lambda: next(numbers))

    assert [get("a"), get("a"), get("b")] == [0, 0, 1]
    clock.seconds += 4.9
    assert get("a") == 0
    clock.seconds += 0.1
    assert get("a") == 2


def test_what_is_forgotten_is_built_anew(snapshots: Snapshots[int], numbers: Iterator[int]) -> None:
    snapshots.get("a", lambda: next(numbers))
    snapshots.forget("a")

    assert snapshots.get("a", lambda: next(numbers)) == 1


def test_many_who_ask_at_once_wait_for_one_build(snapshots: Snapshots[int], numbers: Iterator[int]) -> None:
    together = threading.Barrier(8)

    def ask(_: int) -> int:
        together.wait(30)
        return snapshots.get("a", lambda: next(numbers))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [0] * 8


def test_while_it_is_built_anew_others_get_the_value_before(
    snapshots: Snapshots[int], clock: Clock, numbers: Iterator[int]
) -> None:
    snapshots.get("a", lambda: next(numbers))
    clock.seconds += 6

    with ThreadPoolExecutor(1) as another:
        built = snapshots.get("a", lambda: another.submit(snapshots.get, "a", lambda: -1).result(30) + 10)

    assert built == 10


def test_a_build_that_fails_is_told_and_leaves_the_next_to_try(snapshots: Snapshots[int]) -> None:
    with pytest.raises(ZeroDivisionError):
        snapshots.get("a", lambda: 1 // 0)

    assert snapshots.get("a", lambda: 7) == 7


def test_the_oldest_of_too_many_keys_is_thrown_away(monkeypatch, snapshots: Snapshots[int], numbers: Iterator[int]) -> None:
    monkeypatch.setattr(module, "_MANY", 2)

    assert [snapshots.get(key, lambda: next(numbers)) for key in ("a", "b", "c", "b", "a")] == [0, 1, 2, 1, 3]
