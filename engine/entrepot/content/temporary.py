"""Names of temporary files, and which of them nobody needs any more.

A name is `<machine>-<process>-<random>`:

* machine: the boot id and the pid namespace, for a pid means something only there;
* process: the pid and the moment the process started, for pids are used again.
"""

from __future__ import annotations

import itertools
import os
import secrets
import socket
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from entrepot import clock

#: A file of another machine or container, which cannot be asked, is abandoned when nothing was written to it for so long
#: (microseconds: one hour), or since this machine started.
_FOREIGN_IDLE_US = 3_600_000_000
#: Field 22 of /proc/<pid>/stat, counted from field 3, the first after the name in brackets. Source: proc(5).
_START_FIELD = 19


class TemporaryNames:
    """An endless supply of names that no other thread, process or machine uses; safe between threads and forks."""

    def __init__(self) -> None:
        """Begin without a name."""
        self._pid = 0
        self._prefix = ""
        self._numbers = itertools.count()

    def next(self) -> str:
        """Return a name that was never given before."""
        pid = os.getpid()
        if pid != self._pid:
            self._prefix = f"{_machine()}-{_process(pid)}-{secrets.token_hex(6)}"
            self._pid = pid
        return f"{self._prefix}{next(self._numbers):x}"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who made a temporary file, as its name tells."""

    machine: str
    pid: int
    start: str


def owner(name: str) -> Owner | None:
    """Return who made the file `name`, or None if it is no name of this module."""
    machine, _, rest = name.partition("-")
    process, _, random = rest.partition("-")
    pid, _, start = process.partition(".")
    if not (machine and pid.isdecimal() and start and random):
        return None
    return Owner(machine, int(pid), start)


def is_abandoned(name: str, modified_us: int) -> bool:
    """Answer whether the process that made the file `name`, last written at `modified_us`, is gone.

    `modified_us`: microseconds since 1970. A name that is not of this module is never abandoned.
    """
    made_by = owner(name)
    if made_by is None:
        return False
    if made_by.machine == _machine():
        return _process(made_by.pid) != f"{made_by.pid}.{made_by.start}"
    now = clock.now_us()
    return modified_us < max(now - clock.boot_us(), now - _FOREIGN_IDLE_US)


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return what tells apart machines, their boots and their containers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:  # not Linux
        return socket.gethostname().replace("-", "_") or "unnamed"
    return f"{boot}.{namespace:x}"


def _process(pid: int) -> str | None:
    """Return `<pid>.<start>` of a process that runs now, or None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _process_without_proc(pid)
    state, *_ = fields = text.rpartition(")")[2].split()
    return None if state in ("Z", "X") else f"{pid}.{fields[_START_FIELD]}"


def _process_without_proc(pid: int) -> str | None:
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return f"{pid}.0"
