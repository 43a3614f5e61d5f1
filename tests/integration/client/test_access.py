"""The audit log and the sessions by way of a client: the reports and the errors are those of the engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from entrepot import Client
from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


def test_the_audit_log_is_that_of_the_engine(engine: Engine, client: Client) -> None:
    client.repositories.create("zoo", notes={"owner": "ann"})
    client.repositories.create("farm")

    entries = client.access.list_audit()
    assert entries == engine.access.list_audit()
    assert [entry.action for entry in entries] == ["create repository", "create repository"]
    assert "notes.owner" in entries[1].fields
    assert client.access.list_audit(before_id=entries[0].entry_id, login="admin", door="rest", limit=5) == entries[1:]
    with pytest.raises(InvalidValue):
        client.access.list_audit(outcome="maybe")


def test_sessions_are_seen_and_ended(engine: Engine, client: Client) -> None:
    engine.access.create_user("ann", password="ann's")
    engine.access.begin_session("ann", "ann's", address="192.0.2.7", agent=None)

    (there,), (here,) = engine.access.list_sessions("ann"), client.access.list_sessions("ann")
    moments = {name: getattr(there, name).replace(microsecond=0) for name in ("created", "last_seen", "expires")}
    assert here == replace(there, **moments)
    assert client.access.end_sessions("ann") == 1
    assert client.access.list_sessions("ann") == engine.access.list_sessions("ann") == []
    with pytest.raises(MissingResource):
        client.access.end_sessions("nobody")
