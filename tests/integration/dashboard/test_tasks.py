"""The list of tasks: what it shows, what narrows it, and its pages."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from entrepot.engine import Engine
from entrepot.models import Database
from entrepot.tasking import Call

from . import sample_tasks
from .conftest import HOSTILE, LARGEST_PAGE_BYTES, Browser


def ids(html: str) -> list[str]:
    """Return the tasks of the table, in its order."""
    return re.findall(r'<th scope="row"><a class="id" href="/tasks/([0-9a-f-]{36})"', html)


def test_the_newest_task_comes_first_and_says_why_it_waits(engine: Engine, dashboard: Browser) -> None:
    first, second = engine.enqueue(sample_tasks.hold, "zoo"), engine.enqueue(sample_tasks.hold, "zoo")

    html = dashboard.page("/tasks")

    assert ids(html) == [second.task_id, first.task_id]
    assert "thing:zoo is reserved by the earlier task" in html
    assert 'href="/repositories/zoo"' in html
    assert 'sse-swap="tasks"' in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=canceled", [2]),
        ("state=waiting&state=canceled", [3, 2, 1, 0]),
        ("type=echo", []),
        ("repository=zoo", [2, 0]),
        ("tag=on:zoo", [2, 0]),
        ("tag=on:zoo+pulp:repository:zoo&state=waiting", [0]),
        ("tag=on:farm&repository=zoo", []),
        ("queue=default&repository=farm", [1]),
        ("queue=nonsense", []),
        ("state=nonsense", [3, 2, 1, 0]),
    ],
)
def test_the_address_narrows_the_list(engine: Engine, dashboard: Browser, query: str, found: list[int]) -> None:
    handles = [engine.enqueue(sample_tasks.hold, name) for name in ("zoo", "farm", "zoo")] + [engine.enqueue(sample_tasks.fail)]
    handles[2].cancel()

    assert ids(dashboard.page(f"/tasks?{query}")) == [handles[index].task_id for index in found]


def test_the_type_the_group_and_the_beginning_of_an_id_narrow_the_list(engine: Engine, dashboard: Browser) -> None:
    group = engine.group()
    held = engine.enqueue(sample_tasks.hold, "zoo", group=group)
    failed = engine.enqueue(sample_tasks.fail)
    name = failed.report().task_type

    assert ids(dashboard.page(f"/tasks?type={name}")) == [failed.task_id]
    assert ids(dashboard.page(f"/tasks?group={group.group_id}")) == [held.task_id]
    assert ids(dashboard.page(f"/tasks?id={held.task_id}")) == [held.task_id]
    for query in ("id=01", "group=nonsense"):
        refused = dashboard.get(f"/tasks?{query}")
        assert (refused.status_code, 'aria-invalid="true"' in refused.text) == (400, True)


def test_pages_lead_to_older_tasks_and_back(engine: Engine, dashboard: Browser) -> None:
    handles = engine.enqueue_many([Call(sample_tasks.hold, (f"thing-{index}",)) for index in range(100)])
    newest_first = [handle.task_id for handle in reversed(handles)]
    pages = [dashboard.page("/tasks")]

    while older := re.search(r'<a rel="next" href="([^"]+)"', pages[-1]):
        pages.append(dashboard.page(older[1].replace("&amp;", "&")))
    newer = re.search(r'<a rel="prev" href="([^"]+)"', pages[2])

    assert [task for page in pages for task in ids(page)] == newest_first
    assert newer
    assert ids(dashboard.page(newer[1].replace("&amp;", "&"))) == ids(pages[1])
    assert ["sse-swap" in page for page in pages] == [True, False, False]


def test_hostile_words_are_shown_as_words_and_a_full_page_stays_small(engine: Engine, dashboard: Browser) -> None:
    for _ in range(45):
        engine.enqueue(sample_tasks.hold, HOSTILE + "x" * 500)

    html = dashboard.page("/tasks?" + "&".join(f"{name}={'%3Cscript%3E%22' * 9}" for name in ("x", "y")))
    typed = dashboard.page("/tasks?" + "&".join(f"{name}=%3Cscript%3E%22" for name in ("type", "repository", "tag", "queue")))

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert '<script>"' not in typed
    assert len(html.encode()) <= LARGEST_PAGE_BYTES


def test_who_may_only_read_is_offered_nothing_else(engine: Engine, reader: Browser) -> None:
    task = engine.enqueue(sample_tasks.hold, "zoo")

    html = reader.page("/tasks")

    assert ids(html) == [task.task_id]
    assert "/tasks/bulk" not in html
    assert 'checkbox" form' not in html


def test_a_full_page_asks_the_database_no_more_than_a_short_one(
    engine: Engine, dashboard: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = list[int]()
    execute = Database.execute

    def counting(self: Database, sql: str, parameters: Sequence[object] = ()) -> object:
        counts[-1] += 1
        return execute(self, sql, parameters)

    monkeypatch.setattr(Database, "execute", counting)
    for number in (3, 40):
        counts.append(0)
        for handle in engine.enqueue_many([Call(sample_tasks.hold, ("zoo",))] * number):
            handle.cancel()
        counts[-1] = 0
        assert len(ids(dashboard.page("/tasks"))) == number

    assert counts[0] == counts[1]
