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
        """Start it if it does not run and its pause is over; a start that fails counts as a quick death."""
        if self._process is None and clock.monotonic() >= self._start_again_at:
            self.arguments = self._make_arguments()
            command = [sys.executable, "-m", "entrepot", *self.arguments]
            self._started = clock.monotonic()
            try:
                line, its_end = socket.socketpair()
                line.setblocking(False)
                self._line = line
                with its_end:
                    self._process = subprocess.Popen(command, stdin=its_end.fileno(), env=self._environment)
            except OSError as error:  # the machine is short of processes, memory or files, and may have some again
                self._hang_up()
                self._pause_before_next_start()
                log.warning("%s cannot be started: %s. It is tried again in %.1f s.", self.label, error, self._pause)

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
        self._process = None
        self._hang_up()
        if code == RECYCLED:
            return code
        self._pause_before_next_start()
        return code

    def tell(self, signal_number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None:
            try:
                os.kill(self._process.pid, signal_number)
            except ProcessLookupError:
                log.debug("%s had ended already", self.label)

    def _hang_up(self) -> None:
        """Close the line to a child that is gone."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _pause_before_next_start(self) -> None:
        lived = clock.monotonic() - self._started
        self._pause = _FIRST_PAUSE if lived > _STABLE_AFTER else min(self._pause * 2, _LONGEST_PAUSE)
        self._start_again_at = clock.monotonic() + (self._pause if lived <= _STABLE_AFTER else 0.0)
