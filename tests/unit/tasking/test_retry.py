"""When a task that failed is run again."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.errors import Canceled, FetchError, FetchTimedOut, InvalidValue, LeaseLost, TaskTimedOut, TimeLimitReached
from entrepot.tasking.retry import Retry, decide

#: Waits are whole microseconds.
ROUNDING = timedelta(microseconds=1)
FARTHEST = timedelta(days=365)


@st.composite
def policies(draw: st.DrawFn, jitter: st.SearchStrategy[float] = st.floats(0, 1)) -> Retry:  # noqa: B008 - a strategy is a value
    """Any policy, its spans as spans or as seconds."""
    longest = draw(st.timedeltas(timedelta(0), FARTHEST) | st.floats(0, FARTHEST.total_seconds()))
    seconds = longest.total_seconds() if isinstance(longest, timedelta) else longest
    first = draw(st.floats(0, seconds))
    return Retry(
        max=draw(st.integers(0, 20_000)),
        first=first,
        factor=draw(st.floats(1, 1e6) | st.integers(1, 10**6) | st.just(sys.float_info.max)),
        longest=longest,
        jitter=draw(jitter),
    )


def seconds(span: timedelta | float) -> float:
    return span.total_seconds() if isinstance(span, timedelta) else span


@given(policies(), st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_no_wait_is_longer_than_the_longest_and_its_jitter(policy: Retry, retries: int, chance: float) -> None:
    wait = decide(policy, ValueError, retries=retries, chance=chance)

    if retries >= policy.max:
        assert wait is None
    else:
        assert wait is not None
        assert timedelta(0) <= wait <= timedelta(seconds=seconds(policy.longest) * (1 + policy.jitter)) + ROUNDING


@given(policies(jitter=st.just(0)), st.integers(0, 10_000))
def test_without_jitter_no_wait_is_shorter_than_the_one_before(policy: Retry, retries: int) -> None:
    wait = decide(policy, ValueError, retries=retries, chance=0.5)
    next_wait = decide(policy, ValueError, retries=retries + 1, chance=0.5)

    assert (next_wait is None) == (retries + 1 >= policy.max)
    if wait is not None and next_wait is not None:
        assert wait <= next_wait


def test_the_waits_grow_by_the_factor_up_to_the_longest() -> None:
    policy = Retry(max=4, first=10, factor=3, longest=timedelta(minutes=1), jitter=0)

    waits = [decide(policy, ValueError("x"), retries=retries, chance=0.9) for retries in range(5)]

    assert waits == [timedelta(seconds=10), timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=60), None]


def test_the_jitter_is_a_share_of_the_wait_to_both_sides() -> None:
    policy = Retry(first=100, jitter=0.2)

    assert decide(policy, ValueError, retries=0, chance=0) == timedelta(seconds=80)
    assert decide(policy, ValueError, retries=0, chance=0.5) == timedelta(seconds=100)
    assert decide(policy, ValueError, retries=0, chance=0.75) == timedelta(seconds=110)


def test_ten_thousand_retries_overflow_nothing() -> None:
    patient = Retry(max=20_000, first=1, factor=10, longest=FARTHEST, jitter=0)
    hasty = Retry(max=20_000, first=0, factor=10, jitter=0)

    assert decide(patient, ValueError, retries=10_000, chance=0) == FARTHEST
    assert decide(hasty, ValueError, retries=10_000, chance=0) == timedelta(0)


def test_only_the_named_errors_and_those_derived_from_them_are_tried_again() -> None:
    policy = Retry(on=(FetchError, OSError))

    assert decide(policy, FetchTimedOut("slow"), retries=0, chance=0) is not None
    assert decide(policy, ConnectionResetError, retries=0, chance=0) is not None
    assert decide(policy, ValueError("wrong"), retries=0, chance=0) is None


def test_a_time_limit_counts_as_an_error_and_is_left_out_by_naming_others() -> None:
    timed_out = TaskTimedOut("too long")

    assert decide(Retry(), timed_out, retries=0, chance=0) is not None
    assert decide(Retry(on=(TaskTimedOut,)), timed_out, retries=0, chance=0) is not None
    assert decide(Retry(on=(FetchError,)), timed_out, retries=0, chance=0) is None


@pytest.mark.parametrize("stop", [Canceled, LeaseLost, TimeLimitReached])
def test_an_interruption_is_never_tried_again(stop: type[BaseException]) -> None:
    assert decide(Retry(on=(BaseException,)), stop, retries=0, chance=0) is None
    assert decide(Retry(on=(BaseException,)), stop(), retries=0, chance=0) is None


def test_leaving_the_process_is_tried_again_only_if_it_is_named() -> None:
    assert decide(Retry(), SystemExit(3), retries=0, chance=0) is None
    assert decide(Retry(on=(SystemExit,)), SystemExit(3), retries=0, chance=0) is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max", -1),
        ("max", 2.5),
        ("max", True),
        ("first", -0.1),
        ("first", timedelta(seconds=-1)),
        ("first", float("nan")),
        ("first", "1s"),
        ("first", 601),
        ("longest", float("inf")),
        ("longest", timedelta(days=366)),
        ("factor", 0.9),
        ("factor", float("nan")),
        ("factor", float("inf")),
        ("factor", timedelta(seconds=2)),
        ("jitter", -0.1),
        ("jitter", 1.1),
        ("on", ValueError),
        ("on", [ValueError]),
        ("on", (ValueError, "OSError")),
        ("on", (Canceled,)),
        ("on", (int,)),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        Retry(**{name: value})

    assert refused.value.data["property_names"] == [name]
    assert repr(value) in refused.value.message
    json.dumps(refused.value.document())


def test_a_task_may_be_tried_again_at_once_and_for_ever_the_same() -> None:
    policy = Retry(max=10**6, first=0, factor=1, longest=0, jitter=1)

    assert decide(policy, ValueError, retries=999_999, chance=0.99) == timedelta(0)
