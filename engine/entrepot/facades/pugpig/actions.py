"""How a sync, a publish and a deploy are told as actions. Pure.

The shapes are ours, of version `VERSION`: keys may come to be more, none changes what it means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from entrepot import clock
from entrepot.facades.pugpig.masking import masked

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.errors import JSON
    from entrepot.propagation import DeployReport
    from entrepot.tasking import CalledTask, TaskReport

VERSION = 1
Kind: TypeAlias = Literal["update_content", "publish", "deploy"]

#: What an action is counted by: pages that were processed, editions that were, servers that have an edition.
STAGES: dict[Kind, str] = {"update_content": "page_processed", "publish": "edition_processed", "deploy": "edition_distributed"}
#: How a task ended -> how its action did.
ENDS = {"finished": "success", "error": "failed", "canceled": "cancelled", "skipped": "cancelled"}
_DEPLOY_ENDS = {"propagated": "success", "failed": "failed", "canceled": "cancelled", "superseded": "cancelled"}
#: What the key begins with of a task that an action of this facade has enqueued, and of one that a schedule has.
KEY, _SCHEDULED = "pugpig:", "schedule:"
_KEY_PARTS = 4
_FINISHED = "FINISHED"


@dataclass(frozen=True, slots=True)
class Action:
    """One action: how it is told, when it was asked for, and when it ended, None while it goes on."""

    action_id: str
    document: dict[str, JSON]
    began: datetime
    finished: datetime | None


def edition_key(token_id: int, unique: str, edition: str | None) -> str:
    """Return the key of a task that the token's owner asks for, and that tells the edition that it is for."""
    return f"{KEY}{token_id}:{unique}:{edition or ''}"


def task_action(called: CalledTask, kind: Kind, distributor_id: str | None) -> Action:
    """Return the action that a task is; `distributor_id` is that of a publish, None if it is not known."""
    report = called.report
    steps = _steps(report)
    document: dict[str, JSON] = {
        "id": report.task_id,
        "action": kind,
        "target": _edition(called.idempotency_key) if kind == "update_content" else distributor_id,
        "state": "running",
        "triggered_by": _trigger(called),
        "started_at": _moment(report.started),
    }
    failed = sum(_count(step, "num_failures") for step in steps)
    if report.finished is None:
        document["state"] = "queued" if report.state == "waiting" else "running"
        document["updated_at"] = clock.iso(report.started or report.created)
        document["progress"] = _progress(kind, steps)
        document |= {"warnings": failed, "errors": 0}
        return Action(report.task_id, document, report.created, None)
    state = ENDS.get(report.state, "failed")
    failed = max(failed, _count(_result(report), "errors"))
    if state == "success" and failed:
        state = "warning"
    document["state"] = state
    document |= _end(report.started, report.finished)
    document["counts"] = _counts(report, kind, steps, failed)
    document["message"] = masked(_message(report, kind, state, failed))
    return Action(report.task_id, document, report.created, report.finished)


def deploy_action(deploy: DeployReport) -> Action:
    """Return the action that a deploy is, which has begun."""
    action_id = f"deploy-{deploy.deploy_id}"
    document: dict[str, JSON] = {
        "id": action_id,
        "action": "deploy",
        "target": deploy.distributor_id,
        "state": "running",
        "triggered_by": "publish" if deploy.requested_by is None else "api",
        "started_at": _moment(deploy.started),
    }
    if deploy.finished is None:
        document["updated_at"] = clock.iso(deploy.started or deploy.created)
        document["progress"] = _share("deploy", deploy.servers, deploy.done + deploy.failed, deploy.failed)
        document |= {"warnings": deploy.failed, "errors": 0}
        return Action(action_id, document, deploy.created, None)
    state = _DEPLOY_ENDS.get(deploy.state, "failed")
    document["state"] = state
    document |= _end(deploy.started, deploy.finished)
    document["counts"] = {"pages": 0, "editions": 1 if state == "success" else 0, "failed": deploy.failed}
    reached = f"{deploy.done} of {deploy.servers} servers have publication {deploy.revision}."
    document["message"] = masked(f"{reached} {deploy.reason}" if deploy.reason else reached)
    return Action(action_id, document, deploy.created, deploy.finished)


def never_less(action: Action, before: dict[str, float]) -> float | None:
    """Let an action that goes on tell no less per cent than `before` (by its id) says, and return what it tells."""
    progress: Any = action.document.get("progress")
    if progress is None:
        return None
    highest = max((share for share in (progress["percent"], before.get(action.action_id)) if share is not None), default=None)
    progress["percent"] = highest
    return highest


def _progress(kind: Kind, steps: list[dict[str, Any]]) -> dict[str, JSON]:
    """Return how far a task is: its last step counts, as soon as those before it can add nothing to it."""
    if not steps:
        return _share(kind, None, 0, 0)
    *before, last = steps
    failed = sum(_count(step, "num_failures") for step in steps)
    total = _count(last, "items_total")
    is_known = all(step.get("state") == _FINISHED for step in before) and (total > 0 or last.get("state") == _FINISHED)
    return _share(kind, total if is_known else None, _count(last, "num_processed"), failed)


def _share(kind: Kind, total: int | None, done: int, failed: int) -> dict[str, JSON]:
    percent: float | None = None
    if total is not None:
        percent = min(100.0, int(1000 * done / total) / 10) if total else 100.0  # cut, so that 100 is all
    return {"stage": STAGES[kind], "total": total, "done": done, "failed": failed, "percent": percent}


def _counts(report: TaskReport, kind: Kind, steps: list[dict[str, Any]], failed: int) -> dict[str, JSON]:
    result = _result(report)
    if kind == "publish":
        is_new = report.state == "finished" and not result.get("unchanged")
        return {"pages": _count(result, "files"), "editions": 1 if is_new else 0, "failed": failed}
    pages = _count(result, "units_offered") or (_count(steps[0], "num_success") if steps else 0)
    return {"pages": pages, "editions": 0, "failed": failed}


def _message(report: TaskReport, kind: Kind, state: str, failed: int) -> str:
    what = "The publish" if kind == "publish" else "The update"
    if state == "cancelled":
        return f"{what} was cancelled."
    if state == "failed":
        if report.traceback is not None:  # nobody has thought of what its text may tell
            return f"{what} failed by an error that was not foreseen; the task's report says which."
        said = (report.error or {}).get("description")
        return f"{what} failed: {said}" if said else f"{what} failed."
    done = _done(report, kind)
    return f"{done} {failed} failed." if failed else done


def _done(report: TaskReport, kind: Kind) -> str:
    result = _result(report)
    if kind == "publish":
        if result.get("unchanged"):
            return "The publish found nothing new."
        return f"The publish made publication {_count(result, 'revision')} of {_count(result, 'files')} files."
    counts: dict[str, Any] = report.result if isinstance(report.result, dict) else {}
    added, updated, removed = (_count(counts, f"{name}_count") for name in ("added", "updated", "removed"))
    return f"The update brought in {added} units, replaced {updated} and removed {removed}."


def _end(started: datetime | None, finished: datetime) -> dict[str, JSON]:
    seconds = None if started is None else round(max(0.0, (finished - started).total_seconds()), 3)
    return {"finished_at": clock.iso(finished), "duration_seconds": seconds}


def _trigger(called: CalledTask) -> str:
    key = called.idempotency_key or ""
    if key.startswith(_SCHEDULED):
        return "schedule"
    if key.startswith(KEY):
        return "api"
    return "manual" if called.report.parent is None else "update_content"


def _edition(key: str | None) -> str | None:
    parts = (key or "").split(":", 3)
    return parts[3] or None if len(parts) == _KEY_PARTS and (key or "").startswith(KEY) else None


def _steps(report: TaskReport) -> list[dict[str, Any]]:
    """Return the steps of a progress report, whatever plugin reports them."""
    found = (steps for steps in report.progress.values() if isinstance(steps, list))
    return [step for step in next(found, []) if isinstance(step, dict)]


def _result(report: TaskReport) -> dict[str, Any]:
    summary = report.result.get("summary") if isinstance(report.result, dict) else None
    return summary if isinstance(summary, dict) else {}


def _count(values: dict[str, Any], name: str) -> int:
    value = values.get(name)
    return value if isinstance(value, int) else 0


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else clock.iso(moment)
