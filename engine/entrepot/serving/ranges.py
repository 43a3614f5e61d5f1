"""Decide which part of a Range header is honoured; no I/O.

Starlette's `FileResponse` sends ranges well, but reads them more strictly than the standard: it answers 400 to units that it
must ignore, and 416 when one of several ranges lies behind the end. So it is given a header that was read by the standard.
"""

from __future__ import annotations

import re

#: One range of a set: `first-`, `first-last` or `-suffix length`; 18 digits are more than any file has bytes.
_RANGE = re.compile(r"(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})")


def honoured_range(value: str, size: int) -> str | None:
    """Return the Range header to serve for a file of `size` bytes, or None to send the whole file.

    Unknown units and malformed headers are ignored; ranges behind the end are left out, unless none remains: then they
    are returned, for a 416 answer.

    Source: RFC 9110, sections 14.1.2 and 14.2.
    """
    unit, separator, members = value.partition("=")
    if not separator or unit.strip().lower() != "bytes":
        return None
    asked, served = [], []
    for member in members.split(","):
        text = member.strip()
        if not text:
            continue
        match = _RANGE.fullmatch(text)
        if match is None or text == "-":
            return None
        first, last = match["first"], match["last"]
        if first and last and int(last) < int(first):
            return None
        asked.append(text)
        if int(first) < size if first else int(last) > 0 and size > 0:
            served.append(text)
    return "bytes=" + ",".join(served or asked) if asked else None
