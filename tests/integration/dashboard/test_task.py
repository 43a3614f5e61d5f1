"""One task's page, and what can be done there."""

from __future__ import annotations

import re
from html import unescape

import pytest

from entrepot.engine import Engine
from entrepot.tasking import Call
from entrepot.testing import drain

from . import sample_tasks
from .conftest import HOSTILE, LARGEST_PAGE_BYTES, Browser


def text_of(html: str) -> str:
    """Return the words of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def test_a_waiting_task_says_who_holds_what_it_needs(engine: Engine, dashboard: Browser) -> None:
    holder, task = (engine.enqueue(sample_tasks.hold, "zoo") for _ in range(2))

    html = dashboard.page(f"/tasks/{task.task_id}")

    assert "Waiting because …" in html
    assert "Place 2 of 2 in line" in text_of(html)
    assert html.count(f'href="/tasks/{holder.task_id}"') == 1


def test_a_failed_task_says_what_happened_and_where(engine: Engine, dashboard: Browser) -> None:
    task = engine.enqueue(sample_tasks.fail, "no room on the shelf")
    drain(engine)

    html = dashboard.page(f"/tasks/{task.task_id}")

    assert "What went wrong" in html
    assert "no room on the shelf" in html
    assert re.search(r"<details id=\"traceback\">.*sample_tasks.*</details>", html, re.DOTALL)
    assert "Retry</button>" in html
    assert "Cancel</button>" not in html


def test_a_finished_task_shows_its_way_its_steps_its_input_and_its_result(engine: Engine, dashboard: Browser) -> None:
    task = engine.enqueue(
        sample_tasks.echo, {"feed": "https://ann:secret-1@feed.test/", "ssl_client_key": "secret-2"}, pin_token="secret-3"
    )
    drain(engine)

    words = text_of(dashboard.page(f"/tasks/{task.task_id}"))
    given = words[words.index("Input") : words.index("Raw report")]

    assert [name for name in ("created", "ready", "started", "finished") if f" {name} 20" in words] == [
        "created", "ready", "started", "finished",
    ]  # fmt: skip
    assert "Echo finished 3 of 3 3/3" in words
    assert given.count("*****") == 3
    assert "secret-" not in given


def test_a_tree_shows_who_spawned_whom(engine: Engine, dashboard: Browser) -> None:
    parent = engine.enqueue(sample_tasks.spawn, "zoo")
    drain(engine)
    hold, child = parent.report().spawned

    html = dashboard.page(f"/tasks/{child}")
    tree = html[html.index('<table class="tree">') : html.index("</table>", html.index('<table class="tree">'))]

    assert re.findall(r'class="depth-(\d)".*?/tasks/([0-9a-f-]{36})', tree)[:3] == [
        ("0", parent.task_id),
        ("1", hold),
        ("1", child),
    ]
    assert tree.count('role="img"') == 4
    assert re.search(
        rf'<tr aria-current="true"><th scope="row" class="depth-1">[^/]*/span><a class="id" href="/tasks/{child}"', tree
    )


def test_a_task_is_canceled_with_what_it_spawned_and_retried(engine: Engine, dashboard: Browser) -> None:
    task = engine.enqueue(sample_tasks.hold, "zoo")

    canceled = dashboard.post(f"/tasks/{task.task_id}/cancel")
    again = dashboard.post(f"/tasks/{task.task_id}/cancel")
    retried = dashboard.post(f"/tasks/{task.task_id}/retry")

    assert (canceled.status_code, canceled.headers["location"]) == (303, f"/tasks/{task.task_id}")
    assert task.state == "canceled"
    assert again.status_code == 303
    new = engine.tasks.get(retried.headers["location"].removeprefix("/tasks/"))
    assert (new.state, f"entrepot:retry-of:{task.task_id}" in new.tags) == ("waiting", True)


def test_who_may_only_read_can_neither_cancel_nor_retry(engine: Engine, reader: Browser) -> None:
    task = engine.enqueue(sample_tasks.hold, "zoo")

    html = reader.page(f"/tasks/{task.task_id}")

    assert "Cancel</button>" not in html
    assert [reader.post(f"/tasks/{task.task_id}/{name}").status_code for name in ("cancel", "retry")] == [403, 403]
    assert reader.post("/tasks/bulk", {"action": "cancel"}).status_code == 403
    assert task.state == "waiting"


@pytest.mark.parametrize("text", [HOSTILE, HOSTILE * 300, "\\u0000" * 5000, '"' * 10_000])
def test_hostile_words_are_shown_as_words_and_the_page_stays_small(engine: Engine, dashboard: Browser, text: str) -> None:
    tasks = [engine.enqueue(sample_tasks.echo, text, name=text), engine.enqueue(sample_tasks.fail, text)]
    tasks += [engine.enqueue(sample_tasks.hold, text[:300])]
    drain(engine)

    for task in tasks:
        html = dashboard.page(f"/tasks/{task.task_id}")
        size = len(html.encode())

        assert "<script>alert" not in html
        assert size <= LARGEST_PAGE_BYTES


def test_there_is_a_page_for_what_is_not_there_and_beginnings_of_ids_lead_on(engine: Engine, dashboard: Browser) -> None:
    missing = dashboard.get("/tasks/01900000-0000-7000-8000-000000000000")
    short = dashboard.get("/tasks/0190a2b3")

    assert missing.status_code == 404
    assert (short.status_code, short.headers["location"]) == (303, "/tasks?id=0190a2b3")


def test_a_group_is_counted_and_canceled(engine: Engine, dashboard: Browser) -> None:
    group = engine.group()
    engine.enqueue_many([Call(sample_tasks.hold, ("zoo",))] * 3, group=group)

    html = dashboard.page(f"/groups/{group.group_id}")
    canceled = dashboard.post(f"/groups/{group.group_id}/cancel")

    assert "Cancel the 3 that have not ended" in html
    assert canceled.status_code == 303
    assert group.summary()["canceled"] == 3
