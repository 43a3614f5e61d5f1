"""Named points at which a test may stop or kill the process; free when nothing is armed.

A process arms points from the environment variable `ENTREPOT_FAILPOINTS`, a comma list of
`name=action[@n]`: the action happens at the n-th pass (default the first). Actions:

* `kill`: SIGKILL to the own process, as a power cut or the OOM killer would;
* `raise`: raise `OSError(ENOSPC)`, as a full disk would.

`POINTS` is the complete list; `reach` refuses an unknown name, and a test proves that each one is reached.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from dataclasses import dataclass

#: Every point, in the order of the walks. The faults tier kills the process at each of them.
POINTS = (
    "submission.inserted",
    "submission.committed",
    "readiness.looking",
    "delivery.rung",
    "lease.claimed",
    "lease.committed",
    "execution.started",
    "execution.returned",
    "completion.written",
    "completion.released",
    "readiness.passing",
    "completion.committed",
    "cancellation.written",
    "rescue.taken",
    "due.entered",
    "due.retried",
    "schedules.counted",
    "schedules.held",
    "schedules.enqueued",
    "schedules.written",
    "schedules.committed",
    "store.written",
    "store.linked",
    "units.saved",
    "sync.imported",
    "sync.change_set_written",
    "sync.committed",
    "publish.built",
    "publish.entries_written",
    "publish.flipped",
    "publish.committed",
    "push.transferred",
    "push.flipped",
    "push.acknowledged",
)


@dataclass(slots=True)
class _Armed:
    action: str
    passes_left: int


def _read_environment(text: str) -> dict[str, _Armed]:
    armed = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, rest = item.partition("=")
        action, _, nth = rest.partition("@")
        if name not in POINTS or action not in ("kill", "raise"):
            msg = f"ENTREPOT_FAILPOINTS: {item!r} is not name=kill or name=raise with a known name"
            raise ValueError(msg)
        armed[name] = _Armed(action, int(nth or 1))
    return armed


_armed = _read_environment(os.environ.get("ENTREPOT_FAILPOINTS", ""))
_lock = threading.Lock()


def reach(name: str) -> None:
    """Pass the point `name`: nothing happens unless it is armed and this is the pass it waits for."""
    if not _armed:
        return
    with _lock:
        point = _armed.get(name)
        if point is None:
            return
        point.passes_left -= 1
        if point.passes_left != 0:
            return
    if point.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise OSError(errno.ENOSPC, f"failpoint {name}: no space left on device")
