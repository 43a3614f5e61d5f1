"""The quick checks, for load balancers and monitors: each in a thread of its own, none is waited for longer than a moment."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.diagnosis import database, machine
from entrepot.diagnosis.examination import Check, found_by
from entrepot.diagnosis.finding import Finding

if TYPE_CHECKING:
    from entrepot.engine import Engine

#: Name and check of what has to be well for a process to be sent requests.
QUICK: tuple[tuple[str, Check], ...] = (
    ("schema", database.check_schema),
    ("broker", database.check_broker),
    ("store", machine.check_store),
    ("space", machine.check_space),
)
#: Seconds that all of them together are waited for.
PATIENCE_SECONDS = 1.5
#: Seconds that an answer is as good as a new one, so that who asks often loads nothing.
_FRESH_SECONDS = 1.0
_LOOK = "Look at what it waits for: the database, the disk."


@dataclass(slots=True)
class _Look:
    """A check under way: one that hangs is not started once more."""

    name: str
    began: float
    done: threading.Event = field(default_factory=threading.Event)
    finding: Finding | None = None


class Readiness:
    """Says whether an engine is ready; safe to ask from several threads."""

    def __init__(self, engine: Engine, *, checks: tuple[tuple[str, Check], ...] = QUICK) -> None:
        """Look at `engine` when asked."""
        self._engine = engine
        self._checks = checks
        self._lock = threading.Lock()
        self._looks: dict[str, _Look] = {}

    def findings(self, *, seconds: float = PATIENCE_SECONDS) -> list[Finding]:
        """Return a finding for each check, after `seconds` at most: one without an answer by then has failed."""
        deadline = clock.monotonic() + seconds
        looks = [self._look(name, check) for name, check in self._checks]
        return [self._answer(look, deadline) for look in looks]

    def _look(self, name: str, check: Check) -> _Look:
        """Return the look that is under way or fresh, else begin one."""
        now = clock.monotonic()
        with self._lock:
            known = self._looks.get(name)
            if known is not None and (not known.done.is_set() or now - known.began < _FRESH_SECONDS):
                return known
            look = self._looks[name] = _Look(name, now)
        threading.Thread(target=self._run, args=(look, check), name=f"readiness: {name}", daemon=True).start()
        return look

    def _run(self, look: _Look, check: Check) -> None:
        try:
            with self._engine.visit():
                look.finding = found_by(look.name, partial(check, self._engine))
        finally:
            look.done.set()

    def _answer(self, look: _Look, deadline: float) -> Finding:
        look.done.wait(max(0.0, deadline - clock.monotonic()))
        if look.finding is not None:
            return look.finding
        waited = clock.monotonic() - look.began
        return Finding(look.name, "failed", f"No answer for {waited:.1f} s.", _LOOK, waited)
