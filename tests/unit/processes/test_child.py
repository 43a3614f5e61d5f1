"""A child process that cannot be started is tried again, and whoever looks after it lives on."""

from __future__ import annotations

import errno
import subprocess

import pytest

from entrepot import clock
from entrepot.processes.child import Child


def test_a_start_that_fails_is_tried_again_after_a_growing_pause(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now, tried = 100.0, []

    def no_process(*_arguments: object, **_options: object) -> None:
        tried.append(now)
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", no_process)
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    child = Child("worker 0", lambda: ["version"], {})

    for now in (100.0, 100.3, 100.5, 101.2, 101.4):  # noqa: B007 - the clock shows it
        child.start_if_due()

    assert tried == [100.0, 100.5, 101.4]  # pauses of 0.4 and 0.8 s
    assert (child.pid, child.died(), child.has_said_that_it_retires()) == (None, None, False)
    assert caplog.messages[0].startswith("worker 0 cannot be started: [Errno 11]")


def test_a_child_that_could_not_be_started_runs_when_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    child = Child("worker 0", lambda: ["version"], {})
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", lambda *_arguments, **_options: open("/nowhere/at/all"))  # noqa: PTH123, SIM115
        child.start_if_due()

    now = 200.0
    child.start_if_due()

    assert child.pid is not None
    child._process.wait(60)
    assert child.died() is not None
