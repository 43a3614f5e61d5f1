"""Is everything as it must be, and if not, what is to be done: `diagnose` for people, `Readiness` for those who ask often.

`finding` is what a check says. The checks: `database`, `machine` (disk, clock, time zones, ports, Python), `work` (workers,
loops, schedules, tasks). `examination` runs them all, `readiness` a few quick ones, each with a time limit.
"""

from entrepot.diagnosis.examination import diagnose, refused
from entrepot.diagnosis.finding import Finding
from entrepot.diagnosis.readiness import Readiness

__all__ = ["Finding", "Readiness", "diagnose", "refused"]
