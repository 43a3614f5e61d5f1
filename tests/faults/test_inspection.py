"""The inspection itself: it finds what is planted, and nothing else."""

from __future__ import annotations

import json

from .inspection import Ending, Request, badly_ended, out_of_order, overlaps, started_again, trace_of, unknown


def line(event: str, number: int, *uses: str, attempt: int = 1, pid: int = 1) -> str:
    return json.dumps(
        {"event": event, "number": number, "task": f"id-{number}", "attempt": attempt, "pid": pid, "uses": uses, "on": "a"}
    )


def request(number: int, *uses: str, is_repeatable: bool = True) -> Request:
    """A task that was enqueued at second `number` and acknowledged half a second later."""
    return Request(number, uses, is_repeatable, number, number + 0.5, f"id-{number}")


FINISHED = Ending("finished", is_final=True, attempt=1)


def test_runs_one_after_the_other_are_well() -> None:
    trace = trace_of([line("start", 1, "a"), line("end", 1, "a"), line("start", 2, "a"), line("end", 2, "a")])
    asked = [request(1, "a"), request(2, "a")]

    assert overlaps(trace) == []
    assert out_of_order(trace, asked) == []
    assert badly_ended(trace, asked, {"id-1": FINISHED, "id-2": FINISHED}) == []
    assert started_again(trace, {"id-1": 2, "id-2": 4}) == []
    assert unknown(trace, asked) == []


def test_a_run_that_starts_inside_another_on_the_same_resource_is_found() -> None:
    trace = trace_of([line("start", 1, "a"), line("start", 2, "a"), line("end", 1, "a"), line("end", 2, "a")])

    assert overlaps(trace) == ["number 2 started on a before number 1 had ended"]


def test_two_that_only_read_may_run_side_by_side() -> None:
    trace = trace_of([line("start", 1, "shared a"), line("start", 2, "shared a"), line("end", 1, "shared a")])

    assert overlaps(trace) == []


def test_one_that_only_reads_may_not_run_beside_one_that_writes() -> None:
    trace = trace_of([line("start", 1, "a"), line("start", 2, "shared a"), line("end", 1, "a")])

    assert overlaps(trace) == ["number 2 started on a before number 1 had ended"]


def test_what_the_kernel_refused_is_found() -> None:
    assert overlaps(trace_of([line("overlap", 2, "a")])) == ["task number 2 ran beside another on a"]


def test_a_task_that_overtakes_an_earlier_one_is_found() -> None:
    trace = trace_of([line("start", 2, "a"), line("end", 2, "a"), line("start", 1, "a"), line("end", 1, "a")])

    assert out_of_order(trace, [request(1, "a"), request(2, "a")]) == ["number 2 ran on a before number 1 was done with it"]


def test_a_task_that_runs_between_a_killed_run_and_its_repetition_is_found() -> None:
    trace = trace_of([line("start", 1, "a"), line("start", 2, "a"), line("end", 2, "a"), line("start", 1, "a", attempt=2)])

    assert out_of_order(trace, [request(1, "a"), request(2, "a")]) == ["number 2 ran on a before number 1 was done with it"]


def test_tasks_that_were_enqueued_at_the_same_time_have_no_order() -> None:
    trace = trace_of([line("start", 2, "a"), line("end", 2, "a"), line("start", 1, "a"), line("end", 1, "a")])
    first = Request(1, ("a",), is_repeatable=True, called=1, returned=None, task_id="id-1")

    assert out_of_order(trace, [first, request(2, "a")]) == []


def test_a_lost_task_is_found() -> None:
    assert badly_ended(trace_of([]), [request(1)], {}) == ["number 1 (id-1) was acknowledged and is lost"]


def test_a_task_that_never_ends_is_found() -> None:
    endings = {"id-1": Ending("waiting", is_final=False, attempt=0)}

    assert badly_ended(trace_of([]), [request(1)], endings) == ["number 1 (id-1) has not ended: it is waiting"]


def test_a_repeatable_task_that_was_given_up_is_found_and_one_that_is_not_may_be() -> None:
    given_up = Ending("error", is_final=True, attempt=1, code="PLP0049")
    asked = [request(1), request(2, is_repeatable=False)]

    assert badly_ended(trace_of([]), asked, {"id-1": given_up, "id-2": given_up}) == ["number 1 (id-1) ended as error PLP0049"]


def test_a_finished_task_without_a_whole_run_is_found() -> None:
    found = badly_ended(trace_of([line("start", 1)]), [request(1)], {"id-1": FINISHED})

    assert found == ["number 1 (id-1) is finished by attempt 1, which left no whole trace"]


def test_two_runs_of_one_attempt_are_found() -> None:
    trace = trace_of([line("start", 1), line("start", 1, pid=2), line("end", 1, pid=2)])

    assert badly_ended(trace, [request(1)], {"id-1": FINISHED}) == [
        "number 1 (id-1) ran as attempts [1, 1], and was claimed 1 times"
    ]


def test_a_task_that_may_not_run_twice_and_did_is_found() -> None:
    trace = trace_of([line("start", 1), line("start", 1, attempt=2), line("end", 1, attempt=2)])
    endings = {"id-1": Ending("finished", is_final=True, attempt=2)}

    assert badly_ended(trace, [request(1, is_repeatable=False)], endings) == [
        "number 1 (id-1) may not run twice, and started 2 times"
    ]


def test_a_task_that_starts_again_after_it_was_seen_finished_is_found() -> None:
    trace = trace_of([line("start", 1), line("end", 1), line("start", 1, attempt=2)])

    assert started_again(trace, {"id-1": 2}) == ["number 1 (id-1) started again after it had finished"]


def test_an_effect_that_nobody_asked_for_is_found() -> None:
    assert unknown(trace_of([line("start", 1)]), []) == ["number 1 ran, and nobody asked for it"]
