"""What a client gives for a schedule, checked as a whole: every bad name is reported in one refusal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from entrepot.errors import InvalidValue, UnsupportedValue
from entrepot.schedules.grammar import BadSchedule, BadTimeZone
from entrepot.schedules.recurrence import Recurrence

#: Seconds; more than a day of splay would be another schedule.
MOST_JITTER_SECONDS = 86_400
MOST_FAILURES = 2**31 - 1  # what the column holds


def _threshold(value: object) -> str | None:
    good = value is None or (_is_integer(value) and 0 < value <= MOST_FAILURES)  # type: ignore[operator]  # it is one by then
    return None if good else "is null, or an integer of at least 1"


def _jitter(value: object) -> str | None:
    good = _is_integer(value) and 0 <= value <= MOST_JITTER_SECONDS  # type: ignore[operator]  # it is one by then
    return None if good else f"is an integer from 0 to {MOST_JITTER_SECONDS}"


def _override(value: object) -> str | None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        return f"is JSON: {error}"
    return None if value is None or isinstance(value, Mapping) else "is an object"


#: How the names beside the recurrence are checked, in the order in which they are reported.
_CHECKS: Mapping[str, Callable[[object], str | None]] = {
    "failure_threshold": _threshold,
    "enabled": lambda value: None if isinstance(value, bool) else "is true or false",
    "override_config": _override,
    "overlap": lambda value: None if value in ("coalesce", "queue") else "is coalesce or queue",
    "jitter_seconds": _jitter,
}
_RECURRENCE = ("schedule", "time_zone")


def check(
    given: Mapping[str, Any], *, text: object, zone: object, schedule_name: str = "schedule"
) -> tuple[Recurrence, dict[str, Any]]:
    """Return when the schedule runs, and the values of `given` that are to be kept beside that.

    `text` and `zone` say when: given, or stored before. Raises `InvalidValue` with every bad name, the text's called
    `schedule_name`, and `UnsupportedValue` with every unknown one.
    """
    unknown = [name for name in given if name not in _CHECKS and name not in _RECURRENCE]
    if unknown:
        raise UnsupportedValue(*unknown)
    problems: dict[str, str] = {}
    recurrence = _read(text, zone, schedule_name, problems)
    for name, problem in _CHECKS.items():
        if name in given and (why := problem(given[name])):
            problems[name] = why
    if recurrence is None or problems:
        raise InvalidValue(*problems, reasons=problems)
    return recurrence, {name: given[name] for name in _CHECKS if name in given}


def _read(text: object, zone: object, schedule_name: str, problems: dict[str, str]) -> Recurrence | None:
    if not isinstance(text, str):
        problems[schedule_name] = "is text, such as PT1H"
        return None
    if zone is not None and not isinstance(zone, str):
        problems["time_zone"] = "is null, or the name of an IANA time zone"
        return None
    try:
        return Recurrence.read(text, zone)
    except BadSchedule as error:
        problems[schedule_name] = str(error)
    except BadTimeZone as error:
        problems["time_zone"] = str(error)
    return None


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
