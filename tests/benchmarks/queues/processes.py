"""Programs in sessions of their own: started, looked at with all their children, told to stop, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Seconds that a program may take to end when it is told to.
_PATIENCE_SECONDS = 15
_LOOK_SECONDS = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Memory:
    """What the processes of a program take, megabytes (10^6 bytes).

    `resident` counts a page that processes share once for each of them, as `ps` does; `proportional` counts it once.
    """

    resident: float
    largest: float
    proportional: float
    processes: int


class Program:
    """A command with its children; whatever it says goes to `log`."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Start it. Its own session is what makes its children findable, and keeps a Ctrl-C from reaching them first."""
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=log.parent,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def was_killed(self) -> bool:
        """True if it ended by SIGKILL."""
        return self._process.poll() == -signal.SIGKILL

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def pids(self) -> list[int]:
        """Return the processes of its session that have not ended."""
        return [pid for pid, status in _statuses() if int(status[3]) == self._process.pid and status[0] != "Z"]

    def stop(self) -> None:
        """Tell it to stop, and kill what is left of it when its time is up."""
        if not self.has_ended:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill all of it at once, and wait until it is gone."""
        self.strike()
        self._process.wait()
        while left := self.pids():  # those that left its group, or whose parent had ended before
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_LOOK_SECONDS)

    def strike(self) -> None:
        """Send SIGKILL to it and all its children, in one system call."""
        if not self.has_ended:
            os.killpg(self._process.pid, signal.SIGKILL)

    def tail(self) -> str:
        """Return the last line that it wrote."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def processor_seconds(pids: Sequence[int]) -> dict[int, float]:
    """Return the user and system time that each process has taken until now, its threads included."""
    wanted = set(pids)
    return {pid: (int(status[11]) + int(status[12])) / _TICKS for pid, status in _statuses() if pid in wanted}


def memory(pids: Sequence[int]) -> Memory:
    """Return what these processes take now."""
    wanted = set(pids)
    resident = [int(status[21]) * _PAGE / 1e6 for pid, status in _statuses() if pid in wanted]
    return Memory(sum(resident), max(resident, default=0.0), sum(map(_proportional, pids)), len(resident))


def _proportional(pid: int) -> float:
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        return int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1]) * 1024 / 1e6
    return 0.0


def _statuses() -> list[tuple[int, list[str]]]:
    """Return each process with the fields of its /proc/PID/stat from the third, its state, on."""
    found = []
    for folder in os.listdir("/proc"):  # noqa: PTH208 - once every few milliseconds
        if folder.isdigit():
            with contextlib.suppress(OSError):
                found.append(
                    (int(folder), Path(f"/proc/{folder}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split())
                )
    return found
