"""The inspection itself: it finds what is planted, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

from .inspection import (
    Cancel,
    Ending,
    Request,
    badly_canceled,
    badly_ended,
    badly_spawned,
    badly_written,
    crowds,
    out_of_order,
    overlaps,
    started_again,
    unknown,
)
from .trace import Disturbances, trace_of


def line(
    event: str,
    number: int,
    *uses: str,
    attempt: int = 1,
    pid: int = 1,
    kind: str = "patient",
    at: float = 0.0,
    claimed_at: float | None = None,
) -> str:
    return json.dumps(
        {
            "event": event,
            "run": f"{number}-{attempt}-{pid}",
            "number": number,
            "kind": kind,
            "task": f"id-{number}",
            "attempt": attempt,
            "pid": pid,
            "uses": uses,
            "on": "a",
            "at": at,
            "claimed_at": at if claimed_at is None else claimed_at,
        }
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
    assert overlaps(trace_of([line("overlap", 2, "a")])) == ["number 2 ran beside another on a"]


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


def test_a_delayed_task_may_be_overtaken_until_it_is_due() -> None:
    trace = trace_of([line("start", 2, "a"), line("end", 2, "a"), line("start", 1, "a"), line("end", 1, "a")])
    delayed = replace(request(1, "a"), is_delayed=True)

    assert out_of_order(trace, [delayed, request(2, "a")]) == []


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

    [finding] = badly_ended(trace, [request(1)], {"id-1": FINISHED})
    assert finding.startswith("number 1 (id-1) ran as attempts [1, 1], and was claimed 1 times: attempt 1 of process 1 claimed")


def test_a_task_that_may_not_run_twice_and_did_is_found() -> None:
    trace = trace_of([line("start", 1), line("start", 1, attempt=2), line("end", 1, attempt=2)])
    endings = {"id-1": Ending("finished", is_final=True, attempt=2)}

    [finding] = badly_ended(trace, [request(1, is_repeatable=False)], endings)
    assert finding.startswith("number 1 (id-1) may not run twice, and started 2 times: attempt 1 of process 1 claimed at ")


def test_a_task_that_starts_again_after_it_was_seen_finished_is_found() -> None:
    trace = trace_of([line("start", 1), line("end", 1), line("start", 1, attempt=2)])

    assert started_again(trace, {"id-1": 2}) == ["number 1 (id-1) started again after it had finished"]


def test_an_effect_that_nobody_asked_for_is_found() -> None:
    assert unknown(trace_of([line("start", 1)]), []) == ["number 1 ran, and nobody asked for it"]


def test_more_runs_at_once_than_a_limit_allows_are_found() -> None:
    lines = [line("start", number, kind="limited") for number in (1, 2, 3)]
    trace = trace_of([*lines, *(line("end", number, kind="limited") for number in (1, 2, 3))])

    assert crowds(trace, "limited", 2) == ["number 3 started beside 2 others, and 2 may run at once"]
    assert crowds(trace, "limited", 3) == []


def test_a_write_of_an_attempt_after_that_of_a_later_one_is_found() -> None:
    trace = trace_of([line("start", 1), line("start", 1, attempt=2)])

    assert badly_written(trace, [("id-1", 1), ("id-1", 2)], {}) == []
    assert badly_written(trace, [("id-1", 2), ("id-1", 1)], {}) == [
        "task id-1 was written to as attempts [2, 1], one after the other"
    ]


def test_what_a_finished_task_wrote_and_is_lost_is_found() -> None:
    trace = trace_of([line("start", 1, kind="writing"), line("end", 1, kind="writing")])

    assert badly_written(trace, [("id-1", 1)], {"id-1": FINISHED}) == []
    assert badly_written(trace, [], {"id-1": FINISHED}) == ["number 1 is finished by attempt 1, and what that wrote is lost"]


CANCELED = Ending("canceled", is_final=True, attempt=1)


def canceled(*, found_something: bool | None = True, is_tree: bool = False, **after: Ending) -> Cancel:
    """The cancel of task id-1; `after`: what was there when it returned, `id_1` for id-1."""
    return Cancel("id-1", is_tree, found_something, {name.replace("_", "-"): ending for name, ending in after.items()})


def test_a_cancel_that_held_is_well() -> None:
    assert badly_canceled([canceled(id_1=CANCELED)], {"id-1": CANCELED}) == []
    assert badly_canceled([canceled(id_1=FINISHED, found_something=False)], {"id-1": FINISHED}) == []
    assert badly_canceled([canceled(found_something=None)], {"id-1": CANCELED}) == []
    assert badly_canceled([canceled(found_something=None)], {"id-1": FINISHED}) == []


def test_a_canceled_task_that_ends_as_finished_is_found() -> None:
    assert badly_canceled([canceled(id_1=CANCELED)], {"id-1": FINISHED}) == [
        "task id-1 was canceled after 1 claims when the cancel of id-1 had returned, and is finished after 1",
        "task id-1 is finished, and the cancel said that it would be canceled",
    ]


def test_a_canceled_task_that_is_claimed_again_is_found() -> None:
    again = Ending("canceled", is_final=True, attempt=2)

    assert badly_canceled([canceled(id_1=CANCELED)], {"id-1": again}) == [
        "task id-1 was canceled after 1 claims when the cancel of id-1 had returned, and is canceled after 2"
    ]


def test_a_cancel_of_which_nobody_was_told_is_found() -> None:
    assert badly_canceled([canceled(id_1=CANCELED, found_something=False)], {"id-1": CANCELED}) == [
        "task id-1 is canceled, and nobody was told that it would be"
    ]


def test_a_spawned_task_that_outlives_the_cancel_of_its_tree_is_found() -> None:
    alive = Ending("waiting", is_final=False, attempt=0)

    assert badly_canceled([canceled(is_tree=True, id_1=CANCELED, id_2=alive)], {"id-1": CANCELED, "id-2": FINISHED}) == [
        "task id-2 was waiting after the cancel of id-1 had returned"
    ]


def test_a_spawned_task_that_comes_after_the_cancel_of_its_tree_is_found() -> None:
    cancel = canceled(is_tree=True, id_1=CANCELED, id_2=CANCELED)

    assert badly_spawned(trace_of([]), {"id-2": "id-1"}, [cancel]) == []
    assert badly_spawned(trace_of([]), {"id-2": "id-1", "id-3": "id-2"}, [cancel]) == [
        "id-3 was spawned under id-1 after that tree was canceled"
    ]


def test_a_spawned_task_that_was_acknowledged_and_is_lost_is_found() -> None:
    trace = trace_of([json.dumps({"event": "spawned", "task": "id-1", "child": "id-2"})])

    assert badly_spawned(trace, {"id-2": "id-1"}, []) == []
    assert badly_spawned(trace, {}, []) == ["id-2, spawned by id-1, is lost"]


def beside_a_run_of_process_1() -> list[str]:
    """Number 1 runs on `a` from second 10 to 30 in process 1, number 2 from second 20 to 25 in process 2."""
    return [
        line("start", 1, "a", at=10),
        line("overlap", 2, "a", pid=2, at=20),
        line("start", 2, "a", pid=2, at=20),
        line("end", 2, "a", pid=2, at=25),
        line("end", 1, "a", at=30),
    ]


def test_a_process_that_was_frozen_may_run_beside_who_took_over() -> None:
    trace = trace_of(beside_a_run_of_process_1())

    assert overlaps(trace, Disturbances(freezes=[(1, 12, 28)])) == []
    assert overlaps(trace, Disturbances(freezes=[(1, 31, 40)])) != []
    assert overlaps(trace, Disturbances(freezes=[(3, 12, 28)])) != []


def test_a_process_may_begin_after_its_thaw_what_was_given_up_meanwhile_and_may_not_run_twice() -> None:
    lines = [line("start", 2, "a", pid=2, at=20), line("end", 2, "a", pid=2, at=21)]
    late = [*lines, line("start", 1, "a", at=40, claimed_at=11), line("end", 1, "a", at=41)]
    claimed_after = [*lines, line("start", 1, "a", at=40, claimed_at=29), line("end", 1, "a", at=41)]
    asked = [request(1, "a", is_repeatable=False), request(2, "a")]

    assert out_of_order(trace_of(late), asked, Disturbances(freezes=[(1, 12, 28)])) == []
    assert len(out_of_order(trace_of(late), asked, Disturbances(freezes=[(3, 12, 28)]))) == 1
    assert len(out_of_order(trace_of(claimed_after), asked, Disturbances(freezes=[(1, 12, 28)]))) == 1


def test_a_run_whose_claim_a_crash_made_forgotten_may_go_on_beside_the_next() -> None:
    trace = trace_of(beside_a_run_of_process_1())

    assert overlaps(trace, Disturbances(crashes=[(15, 15)])) == []
    assert overlaps(trace, Disturbances(crashes=[(5, 5)])) != []


def test_after_a_crash_what_may_not_run_twice_may_have_been_forgotten() -> None:
    lines = [line("start", 1, at=10), line("end", 1, at=11), line("start", 1, at=13), line("end", 1, at=14)]
    asked = [request(1, is_repeatable=False)]

    assert badly_ended(trace_of(lines), asked, {"id-1": FINISHED}, (), Disturbances(crashes=[(12, 12)])) == []
    assert len(badly_ended(trace_of(lines), asked, {"id-1": FINISHED}, (), Disturbances(crashes=[(9, 9)]))) == 2
    assert len(badly_ended(trace_of(lines), asked, {"id-1": FINISHED})) == 2


def test_a_run_may_begin_long_after_the_crash_that_made_its_claim_forgotten() -> None:
    asked = [request(1, is_repeatable=False)]
    again = [line("start", 1, at=23), line("end", 1, at=24)]
    late = [line("start", 1, at=20, claimed_at=11), line("end", 1, at=21), *again]
    claimed_after = [line("start", 1, at=20, claimed_at=13), line("end", 1, at=21), *again]

    assert badly_ended(trace_of(late), asked, {"id-1": FINISHED}, (), Disturbances(crashes=[(12, 12)])) == []
    assert badly_ended(trace_of(claimed_after), asked, {"id-1": FINISHED}, (), Disturbances(crashes=[(12, 14)])) == []
    assert len(badly_ended(trace_of(claimed_after), asked, {"id-1": FINISHED}, (), Disturbances(crashes=[(12, 12)]))) == 2
