"""The charts of a repository's history, as inline SVG: how long its runs took, and what its syncs changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from entrepot.wording import span_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.repositories import HistoryEntry

_WIDTH, _HEIGHT = 600, 80
#: What is drawn of a run that was over at once, in pixels.
_LEAST = 1.5


def durations(entries: Sequence[HistoryEntry], label: str) -> Markup:
    """Return a bar for each run, the oldest at the left: its height is how long it took, its class how it ended."""
    spans = [(entry.completed - entry.started).total_seconds() for entry in entries]
    most = max(spans, default=0) or 1
    drawn = Markup("").join(
        _bar(
            (index, len(entries)),
            _HEIGHT - height,
            height,
            entry.result,
            _title(entry, span_text(entry.completed - entry.started)),
        )
        for index, (entry, seconds) in enumerate(zip(entries, spans, strict=True))
        for height in (max(seconds / most * _HEIGHT, _LEAST),)
    )
    return _chart(drawn, label)


def changes(entries: Sequence[HistoryEntry], label: str) -> Markup:
    """Return for each sync what it added and replaced, above the middle, and what it removed, below; the oldest at the left."""
    counts = [
        ((entry.added_count or 0) + (entry.updated_count or 0), entry.removed_count or 0, entry.added_count or 0)
        for entry in entries
    ]
    most = max((max(come, gone) for come, gone, _ in counts), default=0) or 1
    middle = _HEIGHT / 2
    drawn = list[Markup]()
    for index, (entry, (come, gone, added)) in enumerate(zip(entries, counts, strict=True)):
        title = _title(entry, f"{added:,} added, {come - added:,} replaced, {gone:,} removed")
        up, down = come / most * middle, gone / most * middle
        if up:
            drawn.append(_bar((index, len(entries)), middle - up, up, "come", title))
        if down:
            drawn.append(_bar((index, len(entries)), middle, down, "gone", title))
    axis = Markup('<line x1="0" x2="{}" y1="{}" y2="{}"/>').format(_WIDTH, middle, middle)
    return _chart(axis + Markup("").join(drawn), label)


def _title(entry: HistoryEntry, what: str) -> str:
    return f"{entry.started:%Y-%m-%d %H:%M} UTC: {entry.result}, {what}"


def _bar(place: tuple[int, int], top: float, height: float, kind: str, title: str) -> Markup:
    index, count = place
    step = _WIDTH / count
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
        kind, f"{index * step:.1f}", f"{top:.1f}", f"{max(min(step - 1, 24), 1):.1f}", f"{height:.1f}", title
    )


def _chart(drawn: Markup, label: str) -> Markup:
    return Markup(
        '<svg class="history" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, label, drawn)
