"""One task: how far it is, why it waits, what went wrong, what belongs to it, and how to do the same elsewhere."""

from __future__ import annotations

import html
import re
from dataclasses import asdict

from markupsafe import Markup

from entrepot import clock
from entrepot.access import Operation, may_retry, require_retry
from entrepot.dashboard.page import Asked, Page, Redirect, Route, segment
from entrepot.dashboard.task_copies import copies_of
from entrepot.dashboard.task_errors import failure_of
from entrepot.dashboard.task_filters import name_of, repository_of
from entrepot.dashboard.task_steps import shown_steps
from entrepot.dashboard.task_times import timeline, waterfall
from entrepot.dashboard.words import pretty
from entrepot.tasking.short_ids import FULL_LENGTH

RESOURCE = "/v2/tasks/{task_id}/"
_GROUP = "/v2/task_groups/{group_id}/"
#: Tasks of a tree that are shown, errors of single units, tags, and runs.
_MOST_TASKS, _MOST_ERRORS, _MOST_TAGS, _MOST_RUNS = 30, 20, 20, 10
#: Bytes of texts that are shown, as HTML: together with all else a page stays below 60 kB.
_LONGEST_DOCUMENT, _LONGEST_RAW, _LONGEST_TRACEBACK, _LONGEST_COPY = 4_000, 7_000, 6_000, 1_500
_LONGEST_TITLE = 120
_RESOURCE_OF_REPOSITORY = "repository:"


def show(asked: Asked) -> Page | Redirect:
    """Show one task; the beginning of an id leads to those that it may be."""
    task_id = asked.names["task_id"]
    if len(task_id) < FULL_LENGTH:
        return Redirect(f"/tasks?id={segment(task_id)}")
    engine, now = asked.engine, clock.now()
    report = engine.tasks.get(task_id)
    tree = engine.tasks.tree(task_id, most=_MOST_TASKS)
    arguments = engine.tasks.arguments(task_id, secrets=engine.plugins.secret_names())
    copies = copies_of(report, arguments)
    waiting = report.waiting
    held = str(waiting.data.get("resource") or "") if waiting else ""
    values = {
        "report": report,
        "heading": name_of(report)[:_LONGEST_TITLE],
        "repository": repository_of(report.tags),
        "tags": report.tags[:_MOST_TAGS],
        "timeline": timeline(report),
        "runs": report.attempts[-_MOST_RUNS:],
        "waiting": waiting,
        "held_repository": held.removeprefix(_RESOURCE_OF_REPOSITORY) if held.startswith(_RESOURCE_OF_REPOSITORY) else "",
        "steps": shown_steps(report, _MOST_ERRORS),
        "failure": failure_of(report, _MOST_ERRORS),
        "tree": waterfall(tree.tasks, now) if len(tree.tasks) > 1 else [],
        "is_cut": tree.is_cut,
        "arguments": shown(pretty(asdict(arguments)), _LONGEST_DOCUMENT) if arguments.args or arguments.kwargs else "",
        "result": shown(pretty(report.result), _LONGEST_DOCUMENT) if report.result is not None else "",
        "traceback": shown(report.traceback, _LONGEST_TRACEBACK) if report.traceback else "",
        "raw": shown(pretty(asdict(report)), _LONGEST_RAW),
        "copies": copies,
        "copied": [
            (name, shown(text, _LONGEST_COPY))
            for name, text in (("Command line", copies.cli), ("curl", copies.curl), ("Python", copies.python))
        ],
        "can_cancel": report.state in ("waiting", "accepted", "running", "suspended"),
        "can_retry": report.is_final and may_retry(engine.access, asked.principal, report),
    }
    return Page("task.html", f"Task {name_of(report)[:_LONGEST_TITLE]}", values)


def cancel(asked: Asked) -> Redirect:
    """Cancel the task, with all that it spawned if that is asked for."""
    task_id, with_spawned = asked.names["task_id"], bool(asked.given("spawned"))
    has_changed = asked.engine.tasks.handle(task_id).cancel(with_spawned=with_spawned)
    report = asked.engine.tasks.get(task_id)
    if not has_changed:
        return Redirect(_address(task_id), f"There was nothing to cancel: the task is {report.state}.", is_trouble=True)
    spawned = ", with what it spawned" if with_spawned else ""
    if report.is_final:
        return Redirect(_address(task_id), f"The task is {report.state}{spawned}.")
    return Redirect(_address(task_id), f"The task is told to stop{spawned}.")


def retry(asked: Asked) -> Redirect:
    """Enqueue once more what the task was to do, and lead to the new one."""
    task_id = asked.names["task_id"]
    report = asked.engine.tasks.get(task_id)
    require_retry(asked.engine.access, asked.principal, report)
    handle = asked.engine.tasks.retry(task_id)
    return Redirect(_address(handle.task_id), f"This is the new task; it does once more what {task_id} was to do.")


def show_group(asked: Asked) -> Page:
    """Show a group of tasks: how many are in each state."""
    report = asked.engine.tasks.get_group(asked.names["group_id"]).report()
    summary = [(state, count) for state, count in report.summary.items() if count and state != "total"]
    ended = sum(count for state, count in summary if state in ("finished", "error", "canceled", "skipped"))
    values = {"group": report, "summary": summary, "ended": ended, "total": report.summary["total"]}
    return Page("task_group.html", "Group of tasks", values)


def cancel_group(asked: Asked) -> Redirect:
    """Cancel all tasks of a group that have not ended."""
    group_id = asked.names["group_id"]
    count = asked.engine.tasks.get_group(group_id).cancel()
    return Redirect(f"/groups/{segment(group_id)}", f"{count:,} task{'' if count == 1 else 's'} canceled, or told to stop.")


def shown(text: str, most: int) -> Markup:
    """Return a text as content of an element, `most` bytes of HTML at most; what is cut off is said."""
    escaped = html.escape(text, quote=False)
    if len(escaped.encode(errors="replace")) > most:
        escaped = escaped.encode(errors="replace")[:most].decode(errors="ignore")
        escaped = re.sub("&[a-z]{0,4}$", "", escaped) + "\n… (cut; the REST API has all of it)"
    return Markup(escaped)  # noqa: S704 - it has just been escaped; quotes mean nothing outside of attributes


def _address(task_id: str) -> str:
    return f"/tasks/{segment(task_id)}"


ROUTES = (
    Route("GET", "/tasks/{task_id}", show, resource=RESOURCE),
    Route("POST", "/tasks/{task_id}/cancel", cancel, Operation.DELETE, RESOURCE),
    Route("POST", "/tasks/{task_id}/retry", retry, Operation.EXECUTE, f"{RESOURCE}actions/retry/"),
    Route("GET", "/groups/{group_id}", show_group, resource=_GROUP),
    Route("POST", "/groups/{group_id}/cancel", cancel_group, Operation.DELETE, _GROUP),
)
