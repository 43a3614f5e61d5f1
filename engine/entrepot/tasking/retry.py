"""When a task that failed is run again: a policy of its type, and the decision, which is a pure function.

`execution` asks after an error, `completion` puts the task back into its place in line, `due` lets it run when it is time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import timedelta

from entrepot.errors import Interrupted, InvalidValue

#: The longest wait that a policy may ask for.
_LONGEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, when and after which errors a task of some type is run again.

    It is run at most `max` times more. The wait before the first of those is `first`, each next one is `factor` times as
    long, none is longer than `longest` (spans, or seconds); each is made longer or shorter by a random share of itself, at
    most `jitter` (0.1: 10 %), so that tasks that failed together do not come back together.

    `on` names the errors: a task is run again only after one of these classes or of a class derived from them. The default
    means every error, that of a limit (`TaskTimedOut`, `TaskOutOfMemory`) included: name narrower classes to leave those
    out. `sys.exit()` is no `Exception`. A task that was canceled, and one whose type the worker does not know, are never run
    again; one whose worker was lost is the business of `idempotent`, not of a policy.
    """

    max: int = 3
    first: timedelta | float = timedelta(seconds=1)
    factor: float = 2.0
    longest: timedelta | float = timedelta(minutes=10)
    jitter: float = 0.1
    on: tuple[type[BaseException], ...] = (Exception,)

    def __post_init__(self) -> None:
        """Refuse what makes no sense; raises `InvalidValue`."""
        if not _is_count(self.max):
            raise InvalidValue("max", why=f"{self.max!r} is no number of retries: a whole number from 0")
        if not _is_within(_seconds(self.longest), 0, _LONGEST.total_seconds()):
            raise InvalidValue("longest", why=f"{self.longest!r} is no wait: a span or seconds, at most {_LONGEST.days} days")
        if not _is_within(_seconds(self.first), 0, _seconds(self.longest)):
            raise InvalidValue("first", why=f"{self.first!r} is no wait: a span or seconds, at most `longest`")
        if not _is_within(self.factor, 1, sys.float_info.max):
            raise InvalidValue("factor", why=f"{self.factor!r} is no factor for ever longer waits: a number from 1")
        if not _is_within(self.jitter, 0, 1):
            raise InvalidValue("jitter", why=f"{self.jitter!r} is no share: a number from 0 to 1")
        if not _are_errors(self.on):
            raise InvalidValue(
                "on", why=f"{self.on!r} is no tuple of error classes, such as (OSError,); a time limit is TaskTimedOut"
            )


def decide(policy: Retry, error: BaseException | type[BaseException], *, retries: int, chance: float) -> timedelta | None:
    """Return how long to wait before a task that ended in `error` is run again, or None if it is not.

    `retries` is how often that has happened before; `chance`, from 0 to below 1, is what the jitter is drawn from.
    """
    kind = error if isinstance(error, type) else type(error)
    if retries >= policy.max or issubclass(kind, Interrupted) or not issubclass(kind, policy.on):
        return None
    first, longest = _seconds(policy.first), _seconds(policy.longest)
    try:
        wait = min(first * float(policy.factor) ** retries, longest)
    except OverflowError:
        wait = longest if first else 0.0
    return timedelta(seconds=wait * (1 + policy.jitter * (2 * chance - 1)))


def _seconds(span: timedelta | float) -> float:
    return span.total_seconds() if isinstance(span, timedelta) else span


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_within(value: object, least: float, most: float) -> bool:
    """Return True for a number from `least` to `most`; not-a-number is in no range."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most


def _are_errors(kinds: object) -> bool:
    return isinstance(kinds, tuple) and all(
        isinstance(kind, type) and issubclass(kind, BaseException) and not issubclass(kind, Interrupted) for kind in kinds
    )
