"""Whether a failed transfer is tried again, and when. Decides only; waits for nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass

from entrepot.errors import FetchError

#: Wait before the first repetition, seconds; each further one waits twice as long.
_FIRST_SECONDS = 0.5
#: Longest wait of its own choice, seconds.
_LONGEST_SECONDS = 30.0
#: Longest wait that a server may ask for with `Retry-After`, seconds.
_LONGEST_ASKED_SECONDS = 60.0
#: Answers that may be another one later. Source: RFC 9110, section 15; RFC 6585, section 4.
_PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
_SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one attempt failed.

    `is_passing`: the same request may succeed later. `is_damage`: the bytes were not those promised, and may come from a
    stale cache. `retry_after_seconds`: what the server asked for, 0 if nothing.
    """

    error: FetchError
    is_passing: bool = False
    is_damage: bool = False
    retry_after_seconds: float = 0


def passes(status: int) -> bool:
    """Answer whether an HTTP `status` is worth another attempt."""
    return status in _PASSING_STATUSES or status in _SERVER_ERRORS


def wait_seconds(failure: Failure, *, failed_before: int, retries: int, was_refreshed: bool) -> float | None:
    """Return how long to wait before the next attempt, or None if there is none.

    Damage is fetched once more at once, past all caches; what passes is repeated `retries` times, with exponential
    back-off and jitter, but not before the moment the server asked for (at most a minute).
    """
    if failure.is_damage:
        return None if was_refreshed else 0.0
    if not failure.is_passing or failed_before >= retries:
        return None
    own = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0**failed_before) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
    asked = min(failure.retry_after_seconds, _LONGEST_ASKED_SECONDS)
    return asked + own * 0.1 if asked > 0 else own


def final_error(failure: Failure, *, attempts: int) -> FetchError:
    """Return the error of the last attempt; it says how many there were."""
    error = failure.error
    if attempts == 1:
        return error
    final = type(error)(f"{error.message} ({attempts} attempts)", **error.data, attempts=attempts)
    final.__cause__ = error.__cause__
    return final
