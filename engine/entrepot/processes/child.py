"""One child process: started, watched, started again with a growing pause, told to stop."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from entrepot import clock
from entrepot.processes.exit_codes import RECYCLED

log = logging.getLogger(__name__)

#: Seconds before the first new start of a child that died; doubled with each quick death.
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
#: Seconds a child must live for its next death to count as the first.
_STABLE_AFTER = 10.0
#: What a child says on its line when it retires; nothing else is ever said.
RETIRING = b"."


class Child:
    """A program that is to run; `command` is told its arguments anew at each start.

    Its standard input is a line to this process: it ends when this process does, whatever ends it, and on it the child says
    that it retires.
    """

    def __init__(self, label: str, arguments: Callable[[], Sequence[str]], environment: Mapping[str, str]) -> None:
        """Describe the child, which is not started yet."""
        self.label = label
        self.arguments: Sequence[str] = ()
        self._make_arguments = arguments
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._pause = _FIRST_PAUSE
        self._started = 0.0
        self._start_again_at = 0.0

    @property
    def pid(self) -> int | None:
        """The process id, or None while it does not run."""
        return self._process.pid if self._process else None

    @property
    def is_worker(self) -> bool:
        """True if it is a worker process."""
        return self.arguments[:1] == ["worker-process"]

    def start_if_due(self) -> None:
        """Start it if it does not run and its pause is over."""
        if self._process is None and clock.monotonic() >= self._start_again_at:
            self.arguments = self._make_arguments()
            command = [sys.executable, "-m", "entrepot", *self.arguments]
            self._line, its_end = socket.socketpair()
            self._line.setblocking(False)
            with its_end:
                self._process = subprocess.Popen(command, stdin=its_end.fileno(), env=self._environment)
            self._started = clock.monotonic()

    def has_said_that_it_retires(self) -> bool:
        """Return True if it has said so since the last call."""
        try:
            return self._line is not None and RETIRING in self._line.recv(16)
        except OSError:  # it has said nothing, or is gone
            return False

    def successor(self) -> Child:
        """Return a child like this one, which is not started yet."""
        return Child(self.label, self._make_arguments, self._environment)

    def died(self) -> int | None:
        """Return its exit code if it has ended since the last call, else None."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is None:
            return None
        if self._line is not None:
            self._line.close()
        self._process = self._line = None
        if code == RECYCLED:
            return code
        lived = clock.monotonic() - self._started
        self._pause = _FIRST_PAUSE if lived > _STABLE_AFTER else min(self._pause * 2, _LONGEST_PAUSE)
        self._start_again_at = clock.monotonic() + (self._pause if lived <= _STABLE_AFTER else 0.0)
        return code

    def tell(self, signal_number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None:
            try:
                os.kill(self._process.pid, signal_number)
            except ProcessLookupError:
                log.debug("%s had ended already", self.label)
