"""The only reader of time.

Inside the engine a moment is an aware UTC `datetime`; in the tables it is a whole number of microseconds
since 1970 (UTC), which sorts and compares alike on SQLite and PostgreSQL.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def now_us() -> int:
    """Return the present moment as microseconds since 1970, the form the tables keep."""
    return time.time_ns() // 1000


def boot_us() -> int:
    """Return microseconds since the machine was started, sleep included."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    return time.monotonic_ns() // 1000


def monotonic_us() -> int:
    """Return microseconds of a clock that only grows, the same for all processes of this machine.

    It stands still while the machine sleeps, and never steps when the wall clock is set.
    """
    return time.monotonic_ns() // 1000


def monotonic() -> float:
    """Return seconds that only grow, for measuring how long something took."""
    return time.monotonic()


def to_us(moment: datetime) -> int:
    """Return `moment` (aware) as microseconds since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """Return the aware UTC moment that lies `microseconds` after 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def us(span: timedelta) -> int:
    """Return `span` as a whole number of microseconds."""
    return span // _MICROSECOND


def iso(moment: datetime) -> str:
    """Return `moment` as clients see it: `YYYY-MM-DDTHH:MM:SSZ`, UTC, whole seconds.

    Source: the Pulp 2 REST contract, section 1.3.
    """
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"  # a quarter of what strftime takes
