"""Many tasks at once: what is said first, and what is done then."""

from __future__ import annotations

import re
from html import unescape

from entrepot.access import Operation
from entrepot.engine import Engine
from entrepot.testing import drain

from . import sample_tasks
from .conftest import Browser


def form_of(html: str) -> dict[str, list[str]]:
    """Return the hidden fields of the form that does it, as a browser would send them."""
    fields: dict[str, list[str]] = {}
    form = re.search(r'<form method="post" action="/tasks/bulk".*?</form>', html, re.DOTALL)
    assert form
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[0]):
        fields.setdefault(unescape(name), []).append(unescape(value))
    fields.pop("csrf")
    return fields


def test_all_that_a_filter_finds_are_counted_then_canceled_and_no_later_ones(engine: Engine, dashboard: Browser) -> None:
    ended = engine.enqueue(sample_tasks.hold, "zoo")
    drain(engine)
    waiting = [engine.enqueue(sample_tasks.hold, "zoo") for _ in range(3)]
    other = engine.enqueue(sample_tasks.hold, "farm")

    html = dashboard.page("/tasks/bulk?action=cancel&repository=zoo")
    later = engine.enqueue(sample_tasks.hold, "zoo")
    waiting[0].cancel()
    answer = dashboard.post("/tasks/bulk", form_of(html))

    assert "This cancels <strong>3</strong> tasks: 3 waiting." in html
    assert (answer.status_code, answer.headers["location"]) == (303, "/tasks?repository=zoo")
    assert [task.state for task in (*waiting, other, later, ended)] == ["canceled"] * 3 + ["waiting", "waiting", "finished"]


def test_ticked_tasks_are_removed_but_for_those_that_have_not_ended(engine: Engine, dashboard: Browser) -> None:
    ended, kept = engine.enqueue(sample_tasks.hold, "zoo"), engine.enqueue(sample_tasks.hold, "farm")
    drain(engine)
    waiting = engine.enqueue(sample_tasks.hold, "zoo")

    html = dashboard.page(f"/tasks/bulk?action=purge&task={ended.task_id}&task={waiting.task_id}")
    answer = dashboard.post("/tasks/bulk", form_of(html))

    assert "This removes <strong>1</strong> task: 1 finished." in html
    assert "Not among them, because of their state: 1 waiting." in html
    assert answer.status_code == 303
    assert {report.task_id for report in engine.tasks.list()} == {kept.task_id, waiting.task_id}


def test_failed_tasks_are_tried_again_oldest_first(engine: Engine, dashboard: Browser) -> None:
    failed = [engine.enqueue(sample_tasks.fail) for _ in range(2)]
    drain(engine)

    dashboard.post("/tasks/bulk", form_of(dashboard.page("/tasks/bulk?action=retry&state=error")))

    newest, next_one, *_ = engine.tasks.list()
    assert [newest.tags, next_one.tags] == [(f"entrepot:retry-of:{task.task_id}",) for task in reversed(failed)]


def test_the_audit_log_says_what_was_done_to_many(engine: Engine, dashboard: Browser) -> None:
    engine.enqueue(sample_tasks.hold, "zoo")

    for action in ("cancel", "retry"):
        dashboard.post("/tasks/bulk", form_of(dashboard.page(f"/tasks/bulk?action={action}")))

    assert [entry.action for entry in engine.access.list_audit(resource="/v2/tasks/")] == ["retry tasks", "cancel tasks"]


def test_where_nothing_fits_there_is_nothing_to_confirm(engine: Engine, dashboard: Browser) -> None:
    engine.enqueue(sample_tasks.hold, "zoo")

    html = dashboard.page("/tasks/bulk?action=cancel&state=finished")

    assert "there is nothing to do" in html
    assert '<form method="post" action="/tasks/bulk"' not in html
    assert dashboard.get("/tasks/bulk?action=explode").status_code == 400


def test_each_action_asks_for_its_own_permission(engine: Engine, reader: Browser) -> None:
    task = engine.enqueue(sample_tasks.hold, "zoo")
    engine.access.grant_to_user("rita", "/v2/tasks/", [Operation.EXECUTE])

    html = reader.page("/tasks")

    assert [name for name in ("cancel", "retry", "purge") if f'value="{name}"' in html] == ["retry"]
    assert reader.get("/tasks/bulk?action=cancel").status_code == 403
    assert reader.post("/tasks/bulk", {"action": "purge"}).status_code == 403
    assert task.state == "waiting"
