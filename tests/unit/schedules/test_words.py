"""What is said of a schedule: what it runs, and when next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.schedules import ScheduleReport
from entrepot.schedules.words import failures, how_soon, next_run, what_runs, whole_sentence

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
NIGHTLY = ScheduleReport(
    schedule_id="5b1c2a" * 4,
    kind="sync",
    repository_id="zoo",
    plugin_id="iso_importer",
    task_type=None,
    args=(),
    kwargs={},
    override_config={},
    schedule="02:00Z/P1D",
    time_zone=None,
    enabled=True,
    failure_threshold=None,
    consecutive_failures=0,
    first_run=NOW,
    next_run=NOW + timedelta(hours=16),
    last_run_at=None,
    remaining_runs=None,
    total_run_count=0,
    overlap="coalesce",
    jitter_seconds=0,
    created=NOW,
    last_updated=NOW,
    sentence="every day at 02:00 UTC",
)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(hours=-3), "now"),
        (timedelta(milliseconds=400), "now"),
        (timedelta(seconds=119), "in 119 s"),
        (timedelta(seconds=120), "in 2 min"),
        (timedelta(minutes=59, seconds=59), "in 1 h"),
        (timedelta(hours=3, minutes=12), "in 3 h 12 min"),
        (timedelta(hours=23, minutes=59, seconds=59), "in 1 day"),
        (timedelta(days=2, hours=4, minutes=20), "in 2 days 4 h"),
        (timedelta(days=6, hours=23, minutes=50), "in 7 days"),
        (timedelta(days=40, hours=11), "in 40 days"),
        (timedelta(days=36_525), "in 36,525 days"),
    ],
)
def test_how_soon_is_told_in_two_units_at_most(span: timedelta, said: str) -> None:
    assert how_soon(NOW + span, NOW) == said


def test_what_a_schedule_runs_is_told_by_its_repository_or_its_task_type() -> None:
    published = replace(NIGHTLY, kind="publish", plugin_id="web")
    baked = replace(NIGHTLY, kind="task", repository_id=None, plugin_id=None, task_type="bakery.bake")

    assert [what_runs(one) for one in (NIGHTLY, published, baked)] == ["sync zoo", "publish zoo (web)", "bakery.bake"]


def test_a_sentence_ends_with_the_next_run_or_with_why_there_is_none() -> None:
    disabled, ended = replace(NIGHTLY, enabled=False), replace(NIGHTLY, enabled=False, next_run=None)

    assert whole_sentence(NIGHTLY, NOW) == "every day at 02:00 UTC, next in 16 h"
    assert whole_sentence(disabled, NOW) == "every day at 02:00 UTC, disabled"
    assert whole_sentence(ended, NOW) == "every day at 02:00 UTC, no run left"
    assert [next_run(one, NOW) for one in (NIGHTLY, disabled, ended)] == ["in 16 h", "disabled", "no run left"]


def test_failures_are_told_with_how_many_disable_the_schedule() -> None:
    assert failures(replace(NIGHTLY, consecutive_failures=2)) == "2"
    assert failures(replace(NIGHTLY, consecutive_failures=2, failure_threshold=3)) == "2 of 3"
