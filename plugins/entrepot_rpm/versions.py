"""The order of rpm versions: epoch, then version, then release, each compared piece by piece."""

from __future__ import annotations

import re

_PIECE = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")

#: What a piece counts for against one of another kind: `~` is older than the end, `^` newer than the end.
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(5)

Order = tuple[tuple[int, int, str], ...]


def version_order(text: str) -> Order:
    """Return what sorts versions as rpm does: numbers above letters, `~` before all, `^` after the end alone.

    Source: rpm, `rpmvercmp` (what stands between the pieces does not count).
    """
    pieces: list[tuple[int, int, str]] = []
    for piece in _PIECE.findall(text):
        if piece == "~":
            pieces.append((_TILDE, 0, ""))
        elif piece == "^":
            pieces.append((_CARET, 0, ""))
        elif piece[0].isdigit():
            number = piece.lstrip("0")
            pieces.append((_NUMBER, len(number), number))
        else:
            pieces.append((_LETTERS, 0, piece))
    pieces.append((_END, 0, ""))
    return tuple(pieces)


def package_order(epoch: str, version: str, release: str) -> tuple[Order, Order, Order]:
    """Return what sorts packages as rpm does; an epoch that is empty counts as 0."""
    return version_order(epoch or "0"), version_order(version), version_order(release)
