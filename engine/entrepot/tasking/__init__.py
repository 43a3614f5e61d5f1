"""The walk of a task.

| step | module | in one transaction |
|---|---|---|
| 1 enqueue | `submission` | the task, its reservations and tags: in the **caller's** transaction |
| 2 ready | `readiness` | `ready_at` on those first in line for all they reserve |
| 3 deliver | `delivery`, `transport` | nothing: after the commit a bell rings; the row is the truth |
| 4 claim | `lease` | compare-and-set to running, attempt + 1, owner, lease |
| 5 run | `execution`, `context` | what the function does; every write carries the fence |
| 6 complete | `completion` | the final state if the fence holds; reservations gone; successors ready |
| 7 next | `ledger` | steps 6 and 4 of one process, committed together |

Beside the walk: `bulk_submission`, `due` (delayed and retried tasks), `cancellation`, `rescue`, `retention`, `groups`,
`unfinished`.
`task_type` says what a task runs, `retry` and `limits` under which rules; `reports`, `called`, `waiting`, `handle` and
`workers` are what others see. States are Pulp's; *ready* is a moment in a column, not a state.
"""

from entrepot.tasking.attempts import Attempt
from entrepot.tasking.call import Call
from entrepot.tasking.called import CalledTask
from entrepot.tasking.context import TaskContext, checkpoint, current_task, find_current_task
from entrepot.tasking.groups import GroupReport, TaskGroup
from entrepot.tasking.handle import TaskHandle
from entrepot.tasking.reports import FINAL_STATES, STATES, TaskReport
from entrepot.tasking.resources import Resource, Shared
from entrepot.tasking.retry import Retry
from entrepot.tasking.task_type import Priority, TaskRegistry, TaskType, task
from entrepot.tasking.tasks import Tasks
from entrepot.tasking.waiting import Waiting
from entrepot.tasking.workers import WorkerReport

__all__ = [
    "FINAL_STATES",
    "STATES",
    "Attempt",
    "Call",
    "CalledTask",
    "GroupReport",
    "Priority",
    "Resource",
    "Retry",
    "Shared",
    "TaskContext",
    "TaskGroup",
    "TaskHandle",
    "TaskRegistry",
    "TaskReport",
    "TaskType",
    "Tasks",
    "Waiting",
    "WorkerReport",
    "checkpoint",
    "current_task",
    "find_current_task",
    "task",
]
