"""What a server tells of who has come in and what he has done: `client.access`."""

from __future__ import annotations

from entrepot import clock
from entrepot.access import AuditReport, SessionReport
from entrepot.client.connection import Connection
from entrepot.client.documents import Document, moment


class Access:
    """The audit log of a server, and the sessions of its users."""

    def __init__(self, connection: Connection) -> None:
        """Speak of the users of the server that `connection` leads to."""
        self._connection = connection

    def list_sessions(self, login: str) -> list[SessionReport]:
        """Return in which browsers a user is logged in, the one that was used last first; raises `MissingResource`."""
        return list(map(_session, self._connection.get("users", login, "sessions")))

    def end_sessions(self, login: str) -> int:
        """Log all browsers of a user out and return how many there were; raises `MissingResource`."""
        return self._connection.delete("users", login, "sessions").count

    def list_audit(
        self,
        *,
        login: str | None = None,
        resource: str | None = None,
        door: str | None = None,
        outcome: str | None = None,
        before_id: int | None = None,
        limit: int = 100,
    ) -> list[AuditReport]:
        """Return the newest entries of the audit log first: on `resource`, a path, and below it, if it is given, and so on.

        `before_id` is the last entry of a list, to go on behind it; `limit` is at most 1000. Raises `InvalidValue`.
        """
        wanted = {"login": login, "resource": resource, "door": door, "outcome": outcome, "before_id": before_id}
        query = [(name, str(value)) for name, value in wanted.items() if value is not None]
        return list(map(_entry, self._connection.get("audit", query=[*query, ("limit", str(limit))])))


def _session(document: Document) -> SessionReport:
    return SessionReport(
        login=document["login"],
        created=moment(document["created"]),
        last_seen=moment(document["last_seen"]),
        expires=moment(document["expires"]),
        address=document["address"],
        agent=document["agent"],
    )


def _entry(document: Document) -> AuditReport:
    return AuditReport(
        entry_id=document["id"],
        created=clock.from_us(document["created_us"]),
        login=document["login"],
        via=document["via"],
        token_name=document["token_name"],
        address=document["address"],
        door=document["door"],
        action=document["action"],
        resource=document["resource"],
        fields=tuple(document["fields"]),
        outcome=document["outcome"],
        request_id=document["request_id"],
    )
