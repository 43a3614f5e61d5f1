"""What a query asks for. Pure. Names that mean nothing here are left alone, as the key is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from entrepot.facades.pugpig import refusals
from entrepot.facades.pugpig.refusals import Refusal

_NUMBER = re.compile(r"[0-9]{1,18}")
#: Source: RFC 3339, 5.6. An offset's `+` that was not encoded in the query has arrived as a blank.
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+ -][0-9]{2}:[0-9]{2})")


def read_limit(query: Mapping[str, str], *, default: int, most: int) -> int | Refusal:
    """Return `limit`, or what it must be."""
    text = query.get("limit")
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        return refusals.bad_request(f"limit must be a whole number from 1 to {most}")
    return int(text)


def read_before(query: Mapping[str, str]) -> int | Refusal | None:
    """Return `before`, the id of a line of the activity, None if it is not given; or what it must be."""
    text = query.get("before")
    if text is None:
        return None
    return int(text) if _NUMBER.fullmatch(text) else refusals.bad_request("before must be the id of an entry")


def read_since(query: Mapping[str, str]) -> datetime | Refusal | None:
    """Return `since`, None if it is not given; or what it must be."""
    text = query.get("since")
    if text is None:
        return None
    refused = refusals.bad_request("since must be a date and a time with an offset, such as 2026-02-01T12:00:00Z")
    if not _MOMENT.fullmatch(text):
        return refused
    try:
        return datetime.fromisoformat(text.upper().replace(" ", "+"))
    except ValueError:
        return refused


def wants_json(query: Mapping[str, str], accept: str) -> bool:
    """Say whether a client asks for JSON, by `format` or by what it accepts, rather than for what people read."""
    if "format" in query:
        return query["format"].lower() == "json"
    kinds = [kind.split(";")[0].strip().lower() for kind in accept.split(",")]
    return "application/json" in kinds
