"""The one shape of every background loop."""

from __future__ import annotations

import logging
import threading
from contextlib import nullcontext
from datetime import timedelta

import pytest

from entrepot.loops import Loop, LoopRunner


def test_every_loop_goes_round_at_once_and_again_after_its_period() -> None:
    rounds = threading.Semaphore(0)

    def go_round() -> int:
        rounds.release()
        return 0

    runner = LoopRunner([Loop("quick", timedelta(milliseconds=1), go_round)], visit=nullcontext)
    runner.start()

    assert all(rounds.acquire(timeout=10) for _ in range(3))
    runner.stop()


def test_a_round_that_fails_is_logged_and_the_other_loops_go_on(caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()

    def fail() -> int:
        raise RuntimeError("disk gone")

    def succeed() -> int:
        done.set()
        return 1

    with caplog.at_level(logging.INFO):
        runner = LoopRunner(
            [Loop("bad", timedelta(hours=1), fail), Loop("good", timedelta(hours=1), succeed)], visit=nullcontext
        )
        runner.start()
        assert done.wait(10)
        runner.stop()

    assert "The loop bad failed" in caplog.text
    assert "good: 1" in caplog.text


def test_a_round_that_waits_holds_up_no_other_loop() -> None:
    waits, goes = threading.Event(), threading.Semaphore(0)
    may_end = threading.Event()

    def wait() -> int:
        waits.set()
        may_end.wait(20)
        return 0

    def go() -> int:
        goes.release()
        return 0

    millisecond = timedelta(milliseconds=1)
    runner = LoopRunner([Loop("waits", millisecond, wait), Loop("goes", millisecond, go)], visit=nullcontext)
    runner.start()

    assert waits.wait(10)
    rounds = [goes.acquire(timeout=5) for _ in range(3)]
    may_end.set()
    runner.stop()
    assert rounds == [True, True, True]
