"""What is copied from a task's page does the same elsewhere, whatever is in it."""

from __future__ import annotations

import ast
import json
import shlex
from datetime import UTC, datetime

import pytest

from entrepot.dashboard.task_copies import copies_of
from entrepot.errors import JSON
from entrepot.repositories import download, publish, sync
from entrepot.tasking import Arguments, TaskReport

#: What means something to a shell, to JSON, to Python, and to a URL.
HOSTILE = "a'; rm -rf / #\"$(id)`id`\\ %2F?&"


def report(task_type: str, repository: str | None) -> TaskReport:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return TaskReport(
        row_id=1, task_id="0190", task_type=task_type, state="finished",
        tags=(f"pulp:repository:{repository}",) if repository else (),
        created=moment, started=moment, finished=moment, worker_name=None, progress={}, result=None, error=None,
        traceback=None, spawned=(), parent=None, group_id=None, queue="default", priority="default", not_before=None,
        attempt=1, rescues=0, retries=0, attempts=(), waiting=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("task_type", "args", "cli", "path", "body"),
    [
        (sync.TASK_TYPE, [], ["sync", HOSTILE], "sync", None),
        (
            sync.TASK_TYPE,
            [{"feed": HOSTILE, "retain": 3}],
            ["sync", HOSTILE, "--override", f"feed={HOSTILE}", "--override", "retain=3"],
            "sync",
            {"override_config": {"feed": HOSTILE, "retain": 3}},
        ),
        (publish.TASK_TYPE, [HOSTILE], ["publish", HOSTILE, "--distributor-id", HOSTILE], "publish", {"id": HOSTILE}),
        (download.TASK_TYPE, [True], ["download", HOSTILE, "--verify"], "download", {"verify_all_units": True}),
    ],
)
def test_each_way_names_the_same_and_nothing_breaks_out(
    task_type: str, args: list[JSON], cli: list[str], path: str, body: JSON
) -> None:
    copies = copies_of(report(task_type, HOSTILE), Arguments([HOSTILE, *args], {}))

    curl = shlex.split(copies.curl)
    call = ast.parse(copies.python, mode="eval").body

    assert shlex.split(copies.cli) == ["entrepot", "repo", *cli]
    assert (
        curl[-1] == f"$api/repositories/a%27%3B%20rm%20-rf%20%2F%20%23%22%24%28id%29%60id%60%5C%20%252F%3F%26/actions/{path}/"
    )
    assert (json.loads(curl[curl.index("-d") + 1]) if "-d" in curl else None) == body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    assert isinstance(call.func.value, ast.Call)
    assert ast.literal_eval(call.func.value.args[0]) == HOSTILE


def test_any_other_task_is_looked_at() -> None:
    copies = copies_of(report("shop.tasks.count", None), Arguments([], {}))

    assert (copies.does, copies.cli) == ("Look at this task", "entrepot task show 0190")
