"""The audit log: who has changed what, through which door, and who was refused.

An entry is written by the transaction that does the change (`entrepot.models.witness`), so there is one if and only if
something was changed, and a crash leaves both or neither. It names what was given and never says what: no value is kept.
"""

from __future__ import annotations

import json
import logging
import os
import pwd
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from entrepot import clock
from entrepot.access.reports import AuditReport
from entrepot.access.resources import normalised
from entrepot.errors import DatabaseError, InvalidValue, StorageError
from entrepot.models import storable

if TYPE_CHECKING:
    from entrepot.access.reports import Principal
    from entrepot.models import Database, Row

log = logging.getLogger(__name__)

#: What became of a request: something was changed, or who asked lacks the permission.
Outcome: TypeAlias = Literal["done", "refused"]
OUTCOMES: tuple[Outcome, ...] = ("done", "refused")
#: Names that an entry keeps of what a request has given, and characters of each.
MOST_FIELDS = 50
_LONGEST_FIELD = 100
#: How deep the names of a configuration are looked for in a document.
_DEPTH = 4
#: Bytes of any other text: PostgreSQL cannot index much more.
_LONGEST_TEXT = 1000
#: Entries of one list at most.
MOST_ENTRIES = 1000
_COLUMNS = "id, created_at, login, via, token_name, address, door, action, resource, fields, outcome, request_id"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: how that was proved, where he comes from and through which door; what is not known is None.

    `via` is that of a `Principal`, `local` for who uses the machine itself, or `program`. `request_id` is what the log of
    requests knows it by.
    """

    login: str
    via: str
    token_name: str | None
    address: str | None
    door: str
    request_id: str | None

    @classmethod
    def of(cls, principal: Principal, door: str, *, address: str | None = None, request_id: str | None = None) -> Actor:
        """Return a user who asks through `door`."""
        return cls(principal.login, principal.via, principal.token_name, address, door, request_id)

    @classmethod
    def of_machine(cls, door: str) -> Actor:
        """Return who runs this process: `local:` and the system's name of him, or his number; the environment is not asked."""
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = str(os.getuid())
        return cls(f"local:{name}", "local", None, None, door, None)


def names_in(document: Mapping[str, object]) -> list[str]:
    """Return the names of what a document gives, those of objects in it as well, with dots: `config`, `config.feed`.

    Never a value; what lies in lists is not looked at. At most `MOST_FIELDS`.
    """
    names: list[str] = []
    _add_names(names, document, "", _DEPTH)
    return names


def write(
    database: Database,
    actor: Actor,
    action: str,
    resource: str,
    fields: Iterable[str] = (),
    *,
    outcome: Outcome = "done",
    condition: str = "TRUE",
) -> bool:
    """Write an entry in the caller's transaction if `condition`, SQL, is true, and say whether it was."""
    kept = [storable(name)[:_LONGEST_FIELD] for _, name in zip(range(MOST_FIELDS), fields, strict=False)]
    cursor = database.execute(
        "INSERT INTO audit_entry (created_at, login, via, token_name, address, door, action, resource, fields, outcome, "
        f"request_id) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE {condition}",
        (
            clock.now_us(),
            _short(actor.login),
            _short(actor.via),
            _find_short(actor.token_name),
            _find_short(actor.address),
            _short(actor.door),
            _short(action),
            _short(resource),
            json.dumps(kept, ensure_ascii=False, separators=(",", ":")),
            outcome,
            _find_short(actor.request_id),
        ),
    )
    return int(cursor.rowcount) > 0


def note_refusal(database: Database, actor: Actor, action: str, resource: str) -> None:
    """Keep that somebody was refused; never fails, for he is told so in any case."""
    try:
        with database.transaction(durable=False, is_single=True):
            write(database, actor, action, resource, outcome="refused")
    except (DatabaseError, StorageError) as error:
        log.warning("A refusal cannot be noted: %s", error)


def list_entries(
    database: Database,
    *,
    login: str | None,
    resource: str | None,
    door: str | None,
    outcome: str | None,
    before_id: int | None,
    limit: int,
) -> list[AuditReport]:
    """Return the newest entries first, those before `before_id` if it is given; see `Access.list_audit`."""
    if outcome is not None and outcome not in OUTCOMES:
        raise InvalidValue("outcome", why=f"{outcome!r} is none of {', '.join(OUTCOMES)}")
    if not 0 < limit <= MOST_ENTRIES:
        raise InvalidValue("limit", why=f"it must be from 1 to {MOST_ENTRIES}")
    conditions: dict[str, object] = {}
    if login is not None:
        conditions["login = ?"] = storable(login)
    if resource is not None:
        path = normalised(resource)
        conditions["resource >= ?"] = path
        conditions["resource < ?"] = f"{path[:-1]}0"  # the column is sorted by bytes, where 0 follows /
    if door is not None:
        conditions["door = ?"] = storable(door)
    if outcome is not None:
        conditions["outcome = ?"] = outcome
    if before_id is not None:
        conditions["id < ?"] = before_id
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT {_COLUMNS} FROM audit_entry {where} ORDER BY id DESC LIMIT ?"
    return list(map(_report, database.rows(query, (*conditions.values(), limit))))


def prune(database: Database, *, older_than: timedelta) -> int:
    """Remove entries that are older; a span of nothing keeps all. Return how many. One round of a loop."""
    if not older_than:
        return 0
    with database.transaction(durable=False, is_single=True):
        before = clock.now_us() - clock.us(older_than)
        return int(database.execute("DELETE FROM audit_entry WHERE created_at < ?", (before,)).rowcount)


def _add_names(names: list[str], document: Mapping[str, object], prefix: str, depth: int) -> None:
    for name, value in document.items():
        if len(names) == MOST_FIELDS:
            return
        names.append(f"{prefix}{name}")
        if isinstance(value, Mapping) and depth > 1:
            _add_names(names, value, f"{prefix}{name}.", depth - 1)


def _short(text: str) -> str:
    return storable(text).encode()[:_LONGEST_TEXT].decode(errors="ignore")


def _find_short(text: str | None) -> str | None:
    return None if text is None else _short(text)


def _report(row: Row) -> AuditReport:
    entry_id, created_at, login, via, token_name, address, door, action, resource, fields, outcome, request_id = row
    return AuditReport(
        entry_id=entry_id,
        created=clock.from_us(created_at),
        login=login,
        via=via,
        token_name=token_name,
        address=address,
        door=door,
        action=action,
        resource=resource,
        fields=tuple(json.loads(fields)),
        outcome=outcome,
        request_id=request_id,
    )
