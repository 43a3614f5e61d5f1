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
`repetition`, `unfinished`, `hourly` (counts that outlive the tasks), `figures`.
`task_type` says what a task runs, `retry` and `limits` under which rules; `reports`, `listing`, `called`, `trees`, `arguments`,
`waiting`, `handle` and `workers` are what others see. States are Pulp's; *ready* is a moment in a column, not a state.
"""

from entrepot.tasking.arguments import Arguments
from entrepot.tasking.attempts import Attempt
from entrepot.tasking.call import Call
from entrepot.tasking.called import CalledTask
from entrepot.tasking.context import TaskContext, checkpoint, current_task, find_current_task
from entrepot.tasking.groups import GroupReport, TaskGroup
from entrepot.tasking.handle import TaskHandle
from entrepot.tasking.hourly import TaskHour
from entrepot.tasking.listing import TaskBrief, TaskFilter, TaskPage
from entrepot.tasking.repetition import retry_tag
from entrepot.tasking.reports import FINAL_STATES, STATES, TaskReport
from entrepot.tasking.resources import Resource, Shared
from entrepot.tasking.retry import Retry
from entrepot.tasking.task_type import Priority, TaskRegistry, TaskType, task
from entrepot.tasking.tasks import Tasks
from entrepot.tasking.trees import TaskTree, TreeTask
from entrepot.tasking.waiting import Waiting
from entrepot.tasking.workers import DrainReport, WorkerReport

__all__ = [
    "FINAL_STATES",
    "STATES",
    "Arguments",
    "Attempt",
    "Call",
    "CalledTask",
    "DrainReport",
    "GroupReport",
    "Priority",
    "Resource",
    "Retry",
    "Shared",
    "TaskBrief",
    "TaskContext",
    "TaskFilter",
    "TaskGroup",
    "TaskHandle",
    "TaskHour",
    "TaskPage",
    "TaskRegistry",
    "TaskReport",
    "TaskTree",
    "TaskType",
    "Tasks",
    "TreeTask",
    "Waiting",
    "WorkerReport",
    "checkpoint",
    "current_task",
    "find_current_task",
    "retry_tag",
    "task",
]
