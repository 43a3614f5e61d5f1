"""How sizes and spans are said to people, wherever they are said."""

from __future__ import annotations

from datetime import timedelta


def size_text(count: float) -> str:
    """Return a number of bytes as people read it: `12.3 MB`, decimal units."""
    unit = "B"
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if count < 1000 or unit == "PB":  # noqa: PLR2004 - the step between units
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def span_text(span: timedelta) -> str:
    """Return a span as people read it: `0.42 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    seconds = span.total_seconds()
    if seconds < 10:  # noqa: PLR2004 - two digits are enough
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
