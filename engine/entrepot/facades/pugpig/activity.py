"""The log of a publication: notifications, warnings and errors, as JSON or as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.facades.door import json_bytes
from entrepot.facades.pugpig.masking import masked
from entrepot.facades.pugpig.monitor import Page, Publication, tag_of

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.errors import JSON
    from entrepot.events import ActivityReport

#: Entries that are told unless others are asked for, and at most.
ENTRIES, MOST_ENTRIES = 100, 1000
TEXT_TYPE = "text/plain; charset=utf-8"


def read_activity(engine: Engine, publication: Publication, *, before: int | None, limit: int) -> list[ActivityReport]:
    """Return entries, newest first; `before` leaves out the entry of that id and all after it."""
    if publication.repository_id is None:
        return []
    return engine.events.list_activity(publication.repository_id, publication.distributor_id, before=before, limit=limit)


def json_page(publication: Publication, entries: list[ActivityReport]) -> Page:
    """Return entries as JSON."""
    told: list[JSON] = [_entry(one) for one in entries]
    body = json_bytes({**publication.head, "entries": told})
    return Page(body, tag_of(body))


def text_page(entries: list[ActivityReport]) -> Page:
    """Return entries as lines: when, level, action and message, between tabs."""
    lines = (
        "\t".join((clock.iso(one.created), one.level, one.task_id or "-", _on_one_line(masked(one.message)))) for one in entries
    )
    body = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
    return Page(body, tag_of(body))


def _entry(entry: ActivityReport) -> dict[str, JSON]:
    return {
        "id": entry.activity_id,
        "at": clock.iso(entry.created),
        "level": entry.level,
        "action_id": entry.task_id,
        "message": masked(entry.message),
    }


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
