"""What goes wrong with pushes to edge servers."""

from __future__ import annotations

from entrepot.errors.error import EntrepotError


class PushError(EntrepotError):
    """A push to an edge server failed."""

    code, status = "PLP2080", 502


class PushFailed(PushError):
    """A push to an edge server failed this time; it may be tried again."""

    code = "PLP2081"


class PushGivenUp(PushError):
    """A push to an edge server failed as often as it may be tried."""

    code = "PLP2082"
