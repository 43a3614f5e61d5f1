"""Decide which parts of a file a Range header asks for; no I/O."""

from __future__ import annotations

import re

#: One range of a set: `first-`, `first-last` or `-suffix length`; 18 digits are more than any file has bytes.
_RANGE = re.compile(r"(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})")
#: Who asks for more parts than so many gets the whole file: each one costs, and nobody needs them.
MOST_PARTS = 100


def asked_parts(value: str, size: int) -> list[range] | None:
    """Return the parts of a file of `size` bytes to send for the Range header `value`, or None to send the whole file.

    Unknown units and malformed headers are ignored; parts behind the end are left out, and if none remains the list is
    empty: the answer is 416. Of several, those that overlap are sent as one, and all in their order.

    Source: RFC 9110, sections 14.1.2, 14.2 and 15.3.7.2.
    """
    unit, separator, members = value.partition("=")
    if not separator or unit.strip().lower() != "bytes":
        return None
    asked, parts = 0, []
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
        asked += 1
        part = range(int(first), min(int(last) + 1, size) if last else size) if first else range(max(size - int(last), 0), size)
        if part:
            parts.append(part)
    if not asked or asked > MOST_PARTS:
        return None
    return _merged(parts)


def _merged(parts: list[range]) -> list[range]:
    merged: list[range] = []
    for part in sorted(parts, key=lambda each: (each.start, each.stop)):
        if merged and part.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, part.stop))
        else:
            merged.append(part)
    return merged
