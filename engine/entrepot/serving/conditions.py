"""Decide what a conditional request is answered with; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

NOT_MODIFIED = 304
PRECONDITION_FAILED = 412


def http_date(moment: datetime) -> str:
    """Return `moment` (aware) as HTTP writes dates."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def refusal(headers: Mapping[str, str], etag: str, last_modified: str) -> int | None:
    """Return 304 or 412 if the request's conditions say so, or None to send the content.

    `headers` looks names up in lower case; `etag` is quoted; `last_modified` is an HTTP date. A date counts only if it is
    exactly the one that was sent: after a roll-back the older content has the older date, and "not modified since" would lie.

    Source: RFC 9110, section 13.2.2.
    """
    if (wanted := headers.get("if-match")) is not None:
        if not _names(wanted, etag, weak=False):
            return PRECONDITION_FAILED
    elif headers.get("if-unmodified-since", last_modified) != last_modified:
        return PRECONDITION_FAILED
    if (known := headers.get("if-none-match")) is not None:
        return NOT_MODIFIED if _names(known, etag, weak=True) else None
    return NOT_MODIFIED if headers.get("if-modified-since") == last_modified else None


def _names(value: str, etag: str, *, weak: bool) -> bool:
    """Say whether the header's list of tags has `etag`; `weak` also accepts `W/` before it."""
    if value.strip() == "*":
        return True
    tags = [tag.strip() for tag in value.split(",")]
    return etag in ([tag.removeprefix("W/") for tag in tags] if weak else tags)
