"""Schedules: when something runs (`recurrence`), what is to run (`service`, `calls`), and the clockwork.

`recurrence` is pure: `grammar` and `cron` read its text, `interval` and `zones` count, `sentences` says it in words; so is
`plan`, which tells the next run. `values` checks what clients give, `rows` and `reports` show what is kept, in the words of
`words`; `preview` shows what is to come, `runs` what was. The clockwork is three rounds of loops: `outcomes` counts how runs
ended, `due` enqueues the next, `wrong_clock` mends what a wrong clock did.
"""

from entrepot.schedules.recurrence import Recurrence
from entrepot.schedules.reports import Overlap, SchedulePage, SchedulePreview, ScheduleQuery, ScheduleReport
from entrepot.schedules.runs import ScheduleRun
from entrepot.schedules.service import Schedules

__all__ = [
    "Overlap",
    "Recurrence",
    "SchedulePage",
    "SchedulePreview",
    "ScheduleQuery",
    "ScheduleReport",
    "ScheduleRun",
    "Schedules",
]
