"""Little charts as inline SVG, without a style of their own: what they look like is the style sheet's business."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT = 144, 32


def sparkline(values: Sequence[float], label: str) -> Markup:
    """Return a line through `values`, the oldest first; `label` says in words what is shown."""
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return Markup("")
    most = max(values) or 1
    step = _WIDTH / (len(values) - 1)
    points = " ".join(
        f"{index * step:.1f},{_HEIGHT - 2 - value / most * (_HEIGHT - 4):.1f}" for index, value in enumerate(values)
    )
    return Markup(
        '<svg class="sparkline" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<polyline points="{}"/></svg>'
    ).format(_WIDTH, _HEIGHT, label, points)


def bars(values: Sequence[tuple[float, str]], label: str, *, most: float | None = None) -> Markup:
    """Return a bar for each value and its title, the first at the left; `label` says in words what is shown."""
    if not values:
        return Markup("")
    highest = most or max(value for value, _ in values) or 1
    step = _WIDTH / len(values)
    drawn = Markup("").join(
        Markup('<rect x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
            f"{index * step:.1f}", f"{_HEIGHT - height:.1f}", f"{max(step - 1, 0.5):.1f}", f"{height:.1f}", title
        )
        for index, (value, title) in enumerate(values)
        for height in (max(value / highest * _HEIGHT, 0.5),)
    )
    return Markup(
        '<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, label, drawn)
