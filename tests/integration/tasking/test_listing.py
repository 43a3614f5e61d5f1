"""Tasks are found by whatever is asked of them, a page at a time, as one who looks at each of them would find them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource
from entrepot.tasking import TaskFilter, TaskReport, listing
from entrepot.testing import drain
from tests.integration.tasking.conftest import echo, fail, hold


@pytest.fixture
def reports(engine: Engine) -> list[TaskReport]:
    """Tasks of three types, in several states, on zoo and farm, one half of them in a group; the newest first."""
    group = engine.group()
    for number in range(4):
        in_group = group if number % 2 else None
        engine.enqueue(hold, "zoo", group=in_group)
        engine.enqueue(hold, "zoo", "farm", group=in_group)
        engine.enqueue(echo, number, group=in_group)
        engine.enqueue(fail, "x", group=in_group)
        if number == 1:
            drain(engine)
    engine.enqueue(hold, "farm", group=group).cancel()
    return engine.tasks.list(limit=100)


def questions(reports: list[TaskReport]) -> Iterator[TaskFilter]:
    """Yield many things to ask, alone and together."""
    group = next(report.group_id for report in reports if report.group_id)
    hold_type, echo_type = (next(r.task_type for r in reports if r.task_type.endswith(name)) for name in ("hold", "echo"))
    states = [(), ("waiting",), ("finished",), ("error", "canceled"), ("waiting", "finished", "running")]
    types = [(), (hold_type,), (echo_type, hold_type)]
    tags = [(), ("on:zoo",), ("on:zoo", "on:farm")]
    for state, task_type, tag, in_group in itertools.product(states, types, tags, (None, group)):
        yield TaskFilter(states=state, task_types=task_type, tags=tag, group=in_group)
    yield TaskFilter(queue="default", states=("error",))
    yield TaskFilter(queue="none")
    yield TaskFilter(id_beginning=reports[3].task_id[:24])
    yield TaskFilter(id_beginning="zzzzzzzz")
    yield TaskFilter(states=("nonsense",))


def fits(report: TaskReport, wanted: TaskFilter) -> bool:
    return (
        (not wanted.states or report.state in wanted.states)
        and (not wanted.task_types or report.task_type in wanted.task_types)
        and set(wanted.tags) <= set(report.tags)
        and wanted.group in (None, report.group_id)
        and wanted.queue in (None, report.queue)
        and report.task_id.startswith(wanted.id_beginning)
    )


def test_pages_lead_down_and_up_again_through_all_that_fits_and_nothing_else(
    engine: Engine, reports: list[TaskReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_FIRST_PARTS", (2, 3))  # so that a page takes several looks

    for wanted in questions(reports):
        expected = [report.task_id for report in reports if fits(report, wanted)]
        pages = [engine.tasks.page(wanted, limit=3)]
        while pages[-1].older is not None:
            pages.append(engine.tasks.page(wanted, before=pages[-1].older, limit=3))
        found = [[report.task_id for report in page.reports] for page in pages]
        page, back = pages[-1], [found[-1]]
        while page.newer is not None:
            page = engine.tasks.page(wanted, after=page.newer, limit=3)
            back.append([report.task_id for report in page.reports])

        assert [task for page in found for task in page] == expected, wanted
        assert not any(page.is_cut for page in pages), wanted
        assert [brief.task_id for brief in engine.tasks.briefs(wanted, limit=100)] == expected, wanted
        assert back[-1] == found[0], wanted


def test_a_look_that_comes_to_no_end_says_how_far_it_came_and_a_list_goes_on(engine: Engine, reports: list[TaskReport]) -> None:
    wanted = TaskFilter(states=("finished",), queue="default")
    expected = [report.row_id for report in reports if fits(report, wanted)]

    found, start, looks = list[int](), None, 0
    while looks == 0 or start is not None:
        part = listing.look(engine.database, wanted, start=start, limit=50, most=3)
        found, start, looks = found + part.ids, part.reached, looks + 1

    assert (found, looks) == (expected, 6)
    assert [report.row_id for report in engine.tasks.list(states=["finished"], queue="default")] == expected


def test_what_cannot_be_asked_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidValue, match="at least 8"):
        engine.tasks.page(TaskFilter(id_beginning="01900"))
    with pytest.raises(MissingResource):
        engine.tasks.page(TaskFilter(group="nonsense"))
