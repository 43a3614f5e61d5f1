"""The inspection of schedules finds what it is for, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace

from .instants import SECOND, Fired, Fires, badly_counted, badly_numbered, fired_for_the_past, left_due, missed

LATE = SECOND // 4
#: Fired for the seconds 1 and 2, and too late for 3 to 5, which the run of 6 comes after.
WELL = Fires(
    "one",
    first_run=1 * SECOND,
    next_run=7 * SECOND,
    runs=(
        Fired(1, 1 * SECOND, 1 * SECOND + LATE),
        Fired(2, 2 * SECOND, 5 * SECOND + LATE),
        Fired(3, 6 * SECOND, 6 * SECOND + LATE),
    ),
    total_run_count=3,
)


def changed(number: int, **changes: int) -> Fires:
    """Return `WELL` with a run that is otherwise."""
    runs = tuple(replace(run, **changes) if run.number == number else run for run in WELL.runs)
    return replace(WELL, runs=runs)


def test_nothing_is_found_where_all_is_well() -> None:
    assert [*badly_numbered([WELL]), *missed([WELL]), *fired_for_the_past([WELL]), *left_due([WELL], 6 * SECOND)] == []


def test_an_instant_that_was_fired_twice_is_found() -> None:
    assert badly_numbered([changed(3, instant=2 * SECOND)]) == [
        "one was fired more than once for 1970-01-01T00:00:02.000+00:00"
    ]


def test_a_run_that_was_lost_or_not_counted_is_found() -> None:
    assert badly_numbered([replace(WELL, runs=WELL.runs[:2])]) == ["one has counted 3 runs, and has [1, 2]"]
    assert badly_numbered([replace(WELL, total_run_count=2)]) == ["one has counted 2 runs, and has [1, 2, 3]"]


def test_an_instant_that_was_left_out_though_the_run_before_was_fired_in_time_is_found() -> None:
    assert len(missed([changed(2, fired_at=4 * SECOND + LATE)])) == 1
    assert len(missed([replace(WELL, first_run=0)])) == 1
    assert len(missed([replace(WELL, next_run=8 * SECOND)])) == 1


def test_instants_may_be_left_out_until_a_run_has_ended_where_runs_coalesce() -> None:
    coalesced = replace(WELL, may_overlap=False, next_run=20 * SECOND)

    assert missed([coalesced]) == []
    ended = replace(coalesced.runs[2], finished_at=8 * SECOND)
    assert len(missed([replace(coalesced, runs=(*coalesced.runs[:2], ended))])) == 1


def test_a_run_for_what_the_one_before_has_made_up_for_is_found_unless_a_process_was_frozen() -> None:
    twice_made_up_for = changed(2, fired_at=9 * SECOND)

    assert len(fired_for_the_past([twice_made_up_for])) == 1
    assert fired_for_the_past([twice_made_up_for], [(5 * SECOND, 10 * SECOND)]) == []


def test_what_is_left_due_is_found_and_what_is_disabled_is_not() -> None:
    assert left_due([WELL], 7 * SECOND) == ["one was due at 1970-01-01T00:00:07.000+00:00"]
    assert left_due([replace(WELL, is_enabled=False)], 7 * SECOND) == []


def test_failures_that_were_lost_or_counted_twice_are_found() -> None:
    failed = replace(WELL, runs=tuple(replace(run, state="error") for run in WELL.runs))

    assert badly_counted([replace(failed, consecutive_failures=3)]) == []
    assert badly_counted([replace(failed, consecutive_failures=4)]) == ["one has counted 4 failures of 3"]
