"""How times, spans and sizes are written on pages: the filters of the templates."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from markupsafe import Markup

from entrepot import clock
from entrepot.tasking.short_ids import SHOWN_LENGTH
from entrepot.tasking.waiting import rough_text
from entrepot.wording import size_text, span_text

_NOTHING = Markup('<span class="none">–</span>')


def moment(when: datetime | None) -> Markup:
    """Return how long ago or how soon a moment is, with the moment itself for those who point at it; a dash for none."""
    if when is None:
        return _NOTHING
    distance = when - clock.now()
    near = abs(distance) < timedelta(seconds=1)
    text = "now" if near else f"in {rough_text(distance)}" if distance > timedelta(0) else f"{rough_text(-distance)} ago"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(clock.iso(when), f"{when:%Y-%m-%d %H:%M:%S} UTC", text)


def instant(when: datetime | None) -> Markup:
    """Return a moment as date and time in UTC."""
    if when is None:
        return _NOTHING
    return Markup('<time datetime="{}">{}</time>').format(clock.iso(when), f"{when:%Y-%m-%d %H:%M:%S} UTC")


def span(length: timedelta | None) -> str | Markup:
    """Return a span of time: `0.42 s`, `3 min 5 s`."""
    return _NOTHING if length is None else span_text(length)


def size(count: int | None) -> str | Markup:
    """Return a number of bytes: `12.3 MB`."""
    return _NOTHING if count is None else size_text(count)


def number(count: float | None) -> str | Markup:
    """Return a number with its thousands apart."""
    return _NOTHING if count is None else f"{count:,}"


def short(identifier: str) -> str:
    """Return the beginning of a task's id that people can tell it by."""
    return identifier[:SHOWN_LENGTH]


def pretty(document: object) -> str:
    """Return a document as indented JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False, default=str)
