"""Processes that a test starts, kills, freezes and waits for."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from .nursery import Forked

#: Seconds in which whatever is awaited comes true, or never.
PATIENCE = 60.0


class Process:
    """A process of the engine, child of the test; its standard input stays open until it is told to stop."""

    def __init__(self, name: str, log: Path, process: subprocess.Popen[bytes] | Forked) -> None:
        self.name = name
        self.log = log
        self.pid = process.pid
        self._process = process

    def has_ended(self, within: float = 0.0) -> bool:
        """Return True if it has ended, or does within so many seconds."""
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL it, and wait until it is dead."""
        self._process.kill()
        self._process.wait()

    @property
    def was_killed(self) -> bool:
        """True if SIGKILL ended it, its own or the test's."""
        return self._process.poll() == -signal.SIGKILL

    def stop(self) -> None:
        """Ask it to stop as its user does, and wait; it must not fail."""
        self._process.terminate()
        assert self.has_ended(PATIENCE), f"{self.name} does not stop\n{self.said()}"
        assert self._process.returncode == 0, f"{self.name} ended with {self._process.returncode}\n{self.said()}"

    def said(self) -> str:
        """Return the last of what it printed."""
        return self.log.read_text(errors="replace")[-4000:]

    def close(self) -> None:
        """Leave nothing of it behind."""
        if self._process.poll() is None:
            children = children_of(self.pid)
            self.kill()
            wait_until_gone(children)
        assert self._process.stdin is not None
        self._process.stdin.close()


def started(command: Sequence[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program, as a process is started that does not end with its parent."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
        )


def wait_for(condition: Callable[[], object], what: str, details: Callable[[], object] = lambda: "") -> None:
    """Wait until `condition` holds; fail if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"in {PATIENCE:g} s this did not come true: {what}\n{details()}")
        time.sleep(0.01)


def children_of(pid: int) -> list[int]:
    """Return the processes that `pid` has started and that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # gone meanwhile
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def wait_until_gone(pids: Sequence[int]) -> None:
    """Wait until none of these processes runs any more; fail if one does not stop."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            ended, _, _ = select.select([descriptor], [], [], PATIENCE)
            if not ended:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)
        assert ended, f"process {pid} goes on without its parent"
