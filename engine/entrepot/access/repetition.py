"""Who may try a task again: whoever does performs what the task did, so he needs what that needed in the first place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access.operations import Operation
from entrepot.errors import OperationRefused, PermissionDenied
from entrepot.repositories import download, publish, rolling_back, sync

if TYPE_CHECKING:
    from entrepot.access.reports import Principal
    from entrepot.access.service import Access
    from entrepot.tasking import TaskReport

#: The actions on a repository that a grant of EXECUTE covers, by task type. Source: the Pulp 2 REST contract, 7.
_ACTIONS = {
    sync.TASK_TYPE: "sync",
    publish.TASK_TYPE: "publish",
    download.TASK_TYPE: "download",
    rolling_back.TASK_TYPE: "roll_back",
}
#: What the names of the engine's own task types begin with. All others come from task modules.
_OWN = ("pulp.server.", "entrepot.")
_REPOSITORY = "pulp:repository:"


def require_retry(access: Access, principal: Principal, report: TaskReport) -> None:
    """Raise `PermissionDenied` or `OperationRefused` unless `principal` may try this task again.

    EXECUTE on the task's own action, and: for a sync, publish, download or roll-back, EXECUTE on that action of the
    repository; for a type of a task module, CREATE on `/v2/tasks/`, as to enqueue it; for all else that the engine does one
    must be a super user.
    """
    access.require(principal, Operation.EXECUTE, f"/v2/tasks/{report.task_id}/actions/retry/")
    task_type = report.task_type
    action = _ACTIONS.get(task_type)
    repository = next((tag.removeprefix(_REPOSITORY) for tag in report.tags if tag.startswith(_REPOSITORY)), None)
    if action is not None and repository is not None:
        access.require(principal, Operation.EXECUTE, f"/v2/repositories/{repository}/actions/{action}/")
    elif not task_type.startswith(_OWN):
        access.require(principal, Operation.CREATE, "/v2/tasks/")
    elif not principal.is_superuser:
        text = f"Tasks of type {task_type} are tried again by super users only. Ask for the same where you asked for it first."
        raise OperationRefused(text)


def may_retry(access: Access, principal: Principal, report: TaskReport) -> bool:
    """Say whether `require_retry` raises nothing."""
    try:
        require_retry(access, principal, report)
    except (PermissionDenied, OperationRefused):
        return False
    return True
