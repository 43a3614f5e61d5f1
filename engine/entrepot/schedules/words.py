"""What people are told of a schedule: what runs, when, and when next. Pure, but for the moment it is given."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.schedules.reports import ScheduleReport

#: Characters of an id that a table shows: ids are random, so that few of thousands share these, and the command says so then.
SHOWN_LENGTH = 8

_MINUTE, _HOUR, _DAY = 60, 60, 24  # of the unit before
_SECONDS_ALONE = 2 * _MINUTE  # below it, seconds are told
_DAYS_ALONE = 7  # from it on, hours are not told


def what_runs(report: ScheduleReport) -> str:
    """Return what a schedule runs: `sync zoo`, `publish zoo (web)`, `bakery.bake`."""
    if report.kind == "task":
        return report.task_type or "task"
    owner = f" ({report.plugin_id})" if report.kind == "publish" else ""
    return f"{report.kind} {report.repository_id}{owner}"


def how_soon(moment: datetime, now: datetime) -> str:
    """Return how far away `moment` is: `now`, `in 45 s`, `in 3 h 12 min`, `in 2 days 4 h`, `in 40 days`."""
    seconds = round((moment - now) / timedelta(seconds=1))
    if seconds <= 0:
        return "now"
    if seconds < _SECONDS_ALONE:
        return f"in {seconds} s"
    minutes = round(seconds / _MINUTE)
    if minutes < _HOUR:
        return f"in {minutes} min"
    hours, minutes = divmod(minutes, _HOUR)
    if hours < _DAY:
        return f"in {hours} h {minutes} min" if minutes else f"in {hours} h"
    days, hours = divmod(round(seconds / (_MINUTE * _HOUR)), _DAY)
    if days < _DAYS_ALONE:
        return f"in {_days(days)} {hours} h" if hours else f"in {_days(days)}"
    return f"in {_days(round(seconds / (_MINUTE * _HOUR * _DAY)))}"


def next_run(report: ScheduleReport, now: datetime) -> str:
    """Return when a schedule runs next, as `how_soon` says it, or why it does not: `disabled`, `no run left`."""
    if report.next_run is None:
        return "no run left"
    return how_soon(report.next_run, now) if report.enabled else "disabled"


def whole_sentence(report: ScheduleReport, now: datetime) -> str:
    """Return what a person would say: `every day at 02:00 UTC, next in 3 h 12 min`."""
    is_coming = report.enabled and report.next_run is not None
    return f"{report.sentence}, {'next ' if is_coming else ''}{next_run(report, now)}"


def failures(report: ScheduleReport) -> str:
    """Return how many runs in a row have failed, of how many that may: `2 of 3`, or `2` if any number may."""
    most = "" if report.failure_threshold is None else f" of {report.failure_threshold:,}"
    return f"{report.consecutive_failures:,}{most}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"
