"""What people do with tasks and workers: look for them, watch, cancel and retry them, and let workers come to rest."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from entrepot.dashboard.tasks import PAGE_LENGTH
from entrepot.tasking import Call

from . import slow_tasks
from .looking import assert_was_not_loaded_anew, fact, open_live, said, state, task_link

A_DAY = timedelta(days=1)


@pytest.fixture
def gate(tmp_path):
    """A path at which a file lets tasks go on; whatever waits for it goes on after the test."""
    gate = tmp_path / "gate"
    yield gate
    gate.touch()


@pytest.fixture
def group_of(engine, gate):
    """Make groups of so many tasks that are not to run yet."""

    def group_of(count):
        group = engine.group()
        engine.enqueue_many([Call(slow_tasks.wait_for, (str(gate),), not_before=A_DAY)] * count, group=group)
        return group

    return group_of


def ids_on(page):
    return page.locator("table.tasks tbody th a").evaluate_all("links => links.map(link => link.title)")


def test_a_running_task_is_canceled_and_seen_to_stop(page, engine, gate):
    handle = engine.enqueue(slow_tasks.wait_for, str(gate))
    page.goto(f"/tasks/{handle.task_id}")
    expect(state(page)).to_have_text("running")

    page.get_by_role("button", name="Cancel").click()

    expect(said(page)).to_have_text(re.compile("told to stop|The task is canceled"))
    expect(state(page)).to_have_text("canceled")
    expect(page.get_by_text("still stopping")).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert engine.tasks.get(handle.task_id).state == "canceled"


def test_a_failed_task_says_why_and_is_retried_until_it_succeeds(page, engine, gate):
    failed = engine.enqueue(slow_tasks.fail_until, str(gate))
    page.goto(f"/tasks/{failed.task_id}")
    expect(page.get_by_role("heading", name="What went wrong")).to_be_visible()
    expect(page.locator("#live-state .trouble")).to_contain_text("The bridge is up.")

    gate.touch()
    page.get_by_role("button", name="Retry").click()

    expect(said(page)).to_contain_text("This is the new task")
    expect(state(page)).to_have_text("finished")
    expect(page.locator("#live-result")).to_contain_text("crossed")
    retried = engine.tasks.get(page.url.rpartition("/")[2])
    assert (retried.task_id != failed.task_id, retried.state, retried.result) == (True, "finished", "crossed")


def test_filters_stand_in_the_address_and_outlive_back_and_reload(page, engine, gate):
    failed = engine.enqueue(slow_tasks.fail_until, str(gate))
    page.goto("/tasks")
    page.get_by_label("error", exact=True).check()
    page.get_by_label("Type").fill(failed.report().task_type)
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile(r"/tasks\?state=error&type=tests\.browser\.slow_tasks\.fail_until"))
    address = page.url

    page.locator(task_link(failed.task_id)).click()
    expect(fact(page, "Id")).to_have_text(failed.task_id)
    page.go_back()
    expect(page).to_have_url(address)
    page.reload()

    expect(page.get_by_label("error", exact=True)).to_be_checked()
    expect(page.get_by_label("Type")).to_have_value(failed.report().task_type)
    expect(page.locator(task_link(failed.task_id))).to_be_visible()
    assert set(page.locator("table.tasks .state").all_inner_texts()) == {"error"}


def test_pages_of_tasks_lead_to_older_ones_and_back(page, group_of):
    group = group_of(PAGE_LENGTH + 3)
    page.goto(f"/tasks?group={group.group_id}")
    newest = ids_on(page)
    page.get_by_role("link", name="Older").click()
    expect(page.locator("table.tasks tbody tr")).to_have_count(3)
    oldest = ids_on(page)

    page.get_by_role("link", name="Newer").click()

    expect(page.locator("table.tasks tbody tr")).to_have_count(PAGE_LENGTH)
    assert ids_on(page) == newest
    assert len({*newest, *oldest}) == group.report().summary["total"] == PAGE_LENGTH + 3
    group.cancel()


def test_many_tasks_are_canceled_after_a_look_at_how_many(page, group_of):
    group = group_of(3)
    page.goto(f"/tasks?group={group.group_id}&state=waiting")
    page.get_by_role("link", name="Cancel…").click()
    expect(page.locator("main .message")).to_have_text("This cancels 3 tasks: 3 waiting.")
    assert group.report().summary["waiting"] == 3

    page.get_by_role("button", name="Cancel 3 tasks").click()

    expect(said(page)).to_have_text("3 tasks canceled, or told to stop.")
    expect(page.get_by_text("No task fits all of this.")).to_be_visible()
    assert group.report().summary["canceled"] == 3


def test_ticks_and_the_focus_outlive_an_update_and_say_what_is_canceled(page, engine, group_of):
    group = group_of(2)
    open_live(page, f"/tasks?group={group.group_id}")
    ticked = ids_on(page)[1]
    tick = page.locator(f"input[name=task][value='{ticked}']")
    tick.check()
    tick.focus()

    engine.enqueue(slow_tasks.wait_for, "/never", not_before=A_DAY, group=group)
    expect(page.locator("table.tasks tbody tr")).to_have_count(3)

    expect(tick).to_be_checked()
    expect(tick).to_be_focused()
    assert_was_not_loaded_anew(page)
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("button", name="Cancel 1 task").click()
    expect(said(page)).to_have_text("1 task canceled, or told to stop.")
    assert engine.tasks.get(ticked).state == "canceled"
    assert group.report().summary["waiting"] == 2
    group.cancel()


def test_why_a_task_waits_is_said_until_it_runs(page, engine, gate):
    first, second = (engine.enqueue(slow_tasks.hold, "the oven", str(gate)) for _ in range(2))
    open_live(page, f"/tasks/{second.task_id}")
    because = page.get_by_role("region", name="Waiting because …")
    expect(because.locator(task_link(first.task_id))).to_be_visible()
    expect(because).to_contain_text("the oven")

    gate.touch()

    expect(state(page)).to_have_text("finished")
    expect(because).to_have_count(0)
    assert_was_not_loaded_anew(page)
    assert second.report().state == "finished"


def test_the_overview_tells_of_a_running_task_while_it_runs(page, engine, gate):
    open_live(page, "/")
    running = page.locator("#live-running")

    handle = engine.enqueue(slow_tasks.hold, "the stage", str(gate))
    row = running.get_by_role("row").filter(has=page.locator(task_link(handle.task_id)))
    expect(row.get_by_role("progressbar")).to_have_attribute("value", "1")
    expect(row.get_by_role("progressbar")).to_have_attribute("max", "4")
    gate.touch()

    expect(row).to_have_count(0)
    assert_was_not_loaded_anew(page)
    assert handle.report().state == "finished"


def test_a_worker_is_drained_and_resumed_and_tells_so_itself(page, engine):
    page.goto("/workers")
    row = page.locator("tbody tr", has=page.get_by_role("button", name="Drain"))
    name = row.get_by_role("rowheader").inner_text()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name, exact=True))

    row.get_by_role("button", name="Drain").click()
    try:
        expect(said(page)).to_contain_text("will claim nothing new")
        expect(row.locator(".state")).to_have_text("drained")
        assert [drain.worker is not None for drain in engine.drains()] == [True]
        row.get_by_role("button", name="Resume").click()
    finally:
        engine.resume_workers()

    expect(row.locator(".state")).to_have_text("active")
    assert engine.drains() == []
