"""The audit log: who has changed what, through which door, and who was refused."""

from __future__ import annotations

from entrepot.dashboard.page import Asked, Page, Route, whole_number

#: Entries on one page.
_SHOWN = 60
_FILTERS = ("login", "resource", "door", "outcome")


def show(asked: Asked) -> Page:
    """Show a part of the log, the newest first."""
    chosen = {name: asked.asks(name) for name in _FILTERS}
    before = asked.asks("before")
    entries = asked.engine.access.list_audit(
        **{name: value or None for name, value in chosen.items()},
        before_id=whole_number(before),
        limit=_SHOWN + 1,
    )
    shown = entries[:_SHOWN]
    older = asked.here(before=str(shown[-1].entry_id)) if len(entries) > _SHOWN else ""
    newer = asked.here(before=None) if before else ""
    return Page("audit.html", "Audit", {"entries": shown, "chosen": chosen, "older": older, "newer": newer})


ROUTES = (Route("GET", "/audit", show, resource="/v2/audit/"),)
