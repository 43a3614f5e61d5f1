"""All checks, one after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from entrepot import clock
from entrepot.diagnosis import database, machine, work
from entrepot.diagnosis.finding import Finding, Verdict, failed

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.errors import EntrepotError

log = logging.getLogger(__name__)

Check: TypeAlias = "Callable[[Engine], Verdict]"

#: Name and check, in the order in which people read them: what others rest on comes first.
CHECKS: tuple[tuple[str, Check], ...] = (
    ("python", machine.check_python),
    ("settings", machine.check_settings),
    ("schema", database.check_schema),
    ("broker", database.check_broker),
    ("store", machine.check_store),
    ("disk", machine.check_disk),
    ("space", machine.check_space),
    ("time zones", machine.check_time_zones),
    ("plugins", work.check_plugins),
)
#: The same for what asks the database: skipped if that does not answer, or lacks tables.
CHECKS_BY_DATABASE: tuple[tuple[str, Check], ...] = (
    ("database", database.check_database),
    ("clock", machine.check_clock),
    ("database clock", database.check_database_clock),
    ("workers", work.check_workers),
    ("loops", work.check_loops),
    ("schedules", work.check_schedules),
    ("tasks", work.check_tasks),
)
_MEND = "Mend the settings: the environment ENTREPOT_…, or the settings file."
_NOT_ASKED = "It was not looked at: the database, which knows, cannot be asked."


def diagnose(engine: Engine, *, host: str = "127.0.0.1", port: int | None = 8080) -> list[Finding]:
    """Run all checks and return what they found, in a fixed order; raises nothing, whatever state the engine is in.

    `host` and `port` are where the API is to listen; with None the port is not looked at. It takes seconds, and reads an
    SQLite database of up to 1 GB from end to end: for people, not for a program that asks every minute (`Readiness`).
    """
    with engine.visit():
        return list(_findings(engine, host, port))


def refused(error: EntrepotError) -> Finding:
    """Return the finding of an engine that could not even be put together: its settings were refused."""
    return Finding("settings", "failed", error.message, _MEND, 0.0)


def found_by(name: str, check: Callable[[], Verdict]) -> Finding:
    """Run one check and return its finding; whatever goes wrong in it is a finding as well."""
    began = clock.monotonic()
    try:
        verdict = check()
    except Exception as error:  # a border: a check that fails is a finding, and the others go on
        log.debug("the check %s failed", name, exc_info=True)
        verdict = failed(f"The check itself failed: {type(error).__name__}: {error}", "Look into the log; tell the makers.")
    return Finding(name, verdict.state, verdict.what, verdict.what_next, round(clock.monotonic() - began, 3))


def _findings(engine: Engine, host: str, port: int | None) -> Iterator[Finding]:
    has_database = False
    for name, check in CHECKS:
        finding = found_by(name, partial(check, engine))
        has_database = has_database or (name == "schema" and finding.state == "ok")
        yield finding
    for name, check in CHECKS_BY_DATABASE:
        yield found_by(name, partial(check, engine)) if has_database else Finding(name, "skipped", _NOT_ASKED, "", 0.0)
    if port is not None:
        yield found_by("port", partial(machine.check_port, engine, host=host, port=port))
