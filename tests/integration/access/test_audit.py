"""The audit log says who has changed what, in the order in which it was done; it keeps names, and no values."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.access import Access, Actor, UserReport
from entrepot.errors import InvalidValue, MissingResource, PermissionDenied, StorageFull
from entrepot.models import Database
from entrepot.settings import Settings
from tests.integration.access.conftest import cheap_access

ANN = Actor("ann", "token", "ci", "192.0.2.7", "rest", "ab12")
BOB = Actor("bob", "password", None, None, "dashboard", None)
ROLES = "/v2/roles/"


def make(access: Access, role_id: str, actor: Actor = ANN, door: str | None = None) -> None:
    actor = actor if door is None else Actor(actor.login, "local", None, None, door, None)
    with access.acting(actor, "create role", f"{ROLES}{role_id}/"):
        access.create_role(role_id)


def resources(access: Access, **wanted: object) -> list[str]:
    return [entry.resource.split("/")[-2] for entry in access.list_audit(**wanted)]


def test_an_entry_says_who_did_what_to_what(access: Access) -> None:
    before = clock.now()
    with access.acting(ANN, "create role", ROLES, ["role_id", "notes.owner"]):
        access.create_role("readers")

    (entry,) = access.list_audit()
    assert before <= entry.created <= clock.now()
    assert (entry.login, entry.via, entry.token_name, entry.address) == ("ann", "token", "ci", "192.0.2.7")
    assert (entry.door, entry.request_id, entry.outcome) == ("rest", "ab12", "done")
    assert (entry.action, entry.resource, entry.fields) == ("create role", ROLES, ("role_id", "notes.owner"))


def test_what_fails_changes_nothing_and_has_no_entry(access: Access) -> None:
    with pytest.raises(MissingResource), access.acting(ANN, "delete role", ROLES):
        access.delete_role("nobody's")

    assert access.list_audit() == []


def test_an_entry_that_cannot_be_written_undoes_the_change(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> bool:
        msg = "The disk is full."
        raise StorageFull(msg)

    monkeypatch.setattr("entrepot.access.audit.write", full)

    with pytest.raises(StorageFull):
        make(access, "readers")

    assert [role.role_id for role in access.list_roles()] == ["super-users"]


@pytest.mark.parametrize("can_be_written", [True, False])
def test_who_is_refused_is_kept_and_told_so_in_any_case(
    access: Access, monkeypatch: pytest.MonkeyPatch, can_be_written: bool
) -> None:
    def full(*_: object, **__: object) -> None:
        msg = "The disk is full."
        raise StorageFull(msg)

    with monkeypatch.context() as patch:
        if not can_be_written:
            patch.setattr(Database, "transaction", full)
        with (
            pytest.raises(PermissionDenied),
            access.acting(ANN, "delete role", ROLES, ["role_id"]),
            access.acting(BOB, "b", "/"),
        ):
            raise PermissionDenied("ann", "DELETE", ROLES)

    kept = [(entry.login, entry.action, entry.outcome, entry.fields) for entry in access.list_audit()]
    assert kept == ([("ann", "delete role", "refused", ())] if can_be_written else [])


def test_a_list_has_the_newest_first_and_goes_on_behind_an_entry(access: Access) -> None:
    for name in ("a", "b", "c", "d"):
        make(access, name)

    first = access.list_audit(limit=2)
    assert resources(access, limit=2) == ["d", "c"]
    assert resources(access, before_id=first[-1].entry_id) == ["b", "a"]


def test_a_list_is_of_a_user_a_door_an_outcome_or_a_path(access: Access) -> None:
    for name in ("zoo", "zoo-2", "zo", "zoo.a", "zoo0"):
        make(access, name)
    make(access, "cli", door="cli")
    make(access, "bob", BOB)
    with access.acting(BOB, "grant", f"{ROLES}zoo/users/ä/"):
        access.create_role("other")
    access.refused(BOB, "delete role", f"{ROLES}no/")

    assert resources(access, login="bob") == ["no", "ä", "bob"]
    assert resources(access, door="cli") == ["cli"]
    assert resources(access, outcome="refused", login="bob") == ["no"]
    assert resources(access, outcome="refused", login="ann") == []
    assert resources(access, resource="/v2/roles/zoo") == ["ä", "zoo"]
    assert len(access.list_audit(resource="/v2/roles/")) == len(access.list_audit(resource="/")) == 9


@pytest.mark.parametrize("wanted", [{"outcome": "maybe"}, {"limit": 0}, {"limit": 1001}, {"resource": "roles"}])
def test_what_cannot_be_listed_is_refused_by_name(access: Access, wanted: dict[str, object]) -> None:
    with pytest.raises(InvalidValue) as refused:
        access.list_audit(**wanted)

    assert refused.value.data["property_names"] == [*wanted]


def test_whatever_a_client_sends_can_be_kept(access: Access) -> None:
    wild = "nul\0 \ud800 ä" + "ö" * 5000
    with access.acting(Actor(wild, wild, wild, wild, wild, wild), wild, f"/{wild}", [wild] * 80):
        access.create_role("readers")

    (entry,) = access.list_audit()
    assert len(entry.fields) == 50
    assert {len(name) for name in entry.fields} == {100}
    assert entry.login.startswith("nul\\x00 \\ud800 äö")
    assert len(entry.login.encode()) <= 1000


def test_entries_are_kept_for_so_many_days(access: Access, database: Database, settings: Settings, pass_time) -> None:
    for_good = cheap_access(database, settings.model_copy(update={"audit_retention_days": 0}))
    make(access, "old")
    pass_time(timedelta(days=364))
    make(access, "new")
    assert access.prune_audit() == 0
    pass_time(timedelta(days=1, seconds=1))

    assert for_good.prune_audit() == 0
    assert access.prune_audit() == 1
    assert resources(access) == ["new"]


def test_logging_in_and_out_is_kept_without_the_secret(access: Access, ann: UserReport, database: Database) -> None:
    secret, _ = access.begin_session("ann", "ann's", address="192.0.2.7", agent="Browser/1", request_id="cd34")
    access.authenticate_session(secret)
    access.end_session(secret, address="192.0.2.8")
    access.end_session(secret)

    out, in_ = access.list_audit(login="ann")
    assert (in_.action, in_.via, in_.address, in_.door, in_.request_id) == (
        "log in",
        "password",
        "192.0.2.7",
        "dashboard",
        "cd34",
    )
    assert (out.action, out.via, out.address, out.resource) == ("log out", "session", "192.0.2.8", "/v2/users/ann/sessions/")
    kept = repr(database.rows("SELECT * FROM audit_entry"))
    assert secret not in kept
    assert "ann's" not in kept
