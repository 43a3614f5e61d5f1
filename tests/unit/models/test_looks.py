"""A watcher looks at once on a quiet database, and seldom on a busy one."""

from __future__ import annotations

import time

from entrepot.models import ChangeWatch


class Busy(ChangeWatch):
    """The watch of a database that changes all the time."""

    def changed(self) -> bool:
        return True

    def wait(self, timeout_seconds: float) -> bool:
        return timeout_seconds > 0

    def close(self) -> None:
        pass


class Quiet(Busy):
    """The watch of a database in which nothing happens before the time is up."""

    def wait(self, timeout_seconds: float) -> bool:
        return False


def test_a_busy_database_is_looked_at_less_and_less_often() -> None:
    # 1 + 2 + 4 + 8 + 16 + 32 ms, then every 50 ms; the first look and the last one
    most = 6 + (500 - 63) / 50 + 2

    assert 1 < sum(1 for _ in Busy().looks(time.monotonic() + 0.5)) <= most + 1


def test_the_last_look_is_taken_when_time_is_up() -> None:
    assert sum(1 for _ in Quiet().looks(time.monotonic() + 60)) == 2
