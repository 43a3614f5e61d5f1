"""A grant on a path covers it and all below it, for the operations that it names and for nobody else."""

from __future__ import annotations

import pytest

from entrepot.access import Access, Operation, UserReport
from entrepot.errors import InvalidValue, MissingValue, PermissionDenied
from entrepot.models import Database
from tests.integration.access.conftest import principal

READ, UPDATE, EXECUTE = Operation.READ, Operation.UPDATE, Operation.EXECUTE
ZOO = "/v2/repositories/zoo/"


@pytest.mark.parametrize(
    ("granted", "asked", "is_allowed"),
    [
        (ZOO, ZOO, True),
        (ZOO, "/v2/repositories/zoo", True),
        (ZOO, "/v2/repositories/zoo/actions/sync/", True),
        (ZOO, "/v2//repositories/zoo//importers/", True),
        (ZOO, "/v2/repositories/", False),
        (ZOO, "/v2/repositories/zoo2/", False),
        (ZOO, "/v2/repositories/Zoo/", False),
        (ZOO, "/", False),
        ("/v2/repositories/", ZOO, True),
        ("/v2/", ZOO, True),
        ("/", ZOO, True),
        ("/", "/", True),
        ("/v2/repositories/%/", ZOO, False),
        ("/v2/repo_itories/", ZOO, False),
    ],
)
@pytest.mark.parametrize("through_role", [False, True])
def test_a_grant_counts_from_its_path_downwards(
    access: Access, ann: UserReport, *, granted: str, asked: str, is_allowed: bool, through_role: bool
) -> None:
    if through_role:
        access.create_role("r")
        access.add_user_to_role("r", "ann")
        access.grant_to_role("r", granted, [READ])
    else:
        access.grant_to_user("ann", granted, [READ])

    assert access.allows(principal(ann), READ, asked) is is_allowed


@pytest.mark.parametrize("granted", list(Operation))
@pytest.mark.parametrize("asked", list(Operation))
def test_an_operation_is_granted_for_itself(access: Access, ann: UserReport, granted: Operation, asked: Operation) -> None:
    access.grant_to_user("ann", ZOO, [granted])

    assert access.allows(principal(ann), asked, ZOO) is (granted == asked)


def test_a_grant_is_for_its_user_alone(access: Access, ann: UserReport) -> None:
    bob = access.create_user("bob")
    access.grant_to_user("ann", ZOO, [READ])

    assert not access.allows(principal(bob), READ, ZOO)


def test_a_check_is_one_statement_and_none_for_super_users(
    access: Access, admin: UserReport, ann: UserReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = []
    execute = Database.execute
    monkeypatch.setattr(Database, "execute", lambda self, *given: statements.append(given[0]) or execute(self, *given))

    assert access.allows(principal(admin), Operation.DELETE, ZOO)
    assert statements == []
    assert not access.allows(principal(ann), Operation.DELETE, ZOO)
    assert len(statements) == 1


def test_what_is_required_and_not_allowed_is_said(access: Access, ann: UserReport) -> None:
    with pytest.raises(PermissionDenied) as refused:
        access.require(principal(ann), EXECUTE, ZOO)
    access.grant_creator("ann", ZOO)
    for operation in Operation:
        access.require(principal(ann), operation, ZOO)

    assert (refused.value.data["user"], refused.value.data["operation"]) == ("ann", "EXECUTE")


def test_revoking_takes_what_was_granted_and_no_more(access: Access, ann: UserReport) -> None:
    access.grant_to_user("ann", ZOO, [READ, UPDATE])
    access.grant_to_user("ann", ZOO, [READ])
    access.create_role("r")
    access.grant_to_role("r", ZOO, [READ, EXECUTE])
    access.add_user_to_role("r", "ann")

    access.revoke_from_user("ann", ZOO, [READ, UPDATE, EXECUTE])
    assert access.permissions(ZOO)[0].users == {"ann": ("READ", "EXECUTE")}
    access.revoke_from_role("r", ZOO, [READ])
    assert access.permissions(ZOO)[0].users == {"ann": ("EXECUTE",)}
    access.revoke_from_role("r", ZOO, [EXECUTE])
    assert access.permissions(ZOO) == []


def test_revoking_what_was_never_granted_does_no_harm(access: Access, ann: UserReport) -> None:
    access.revoke_from_user("ann", "/v2/nothing/", [READ])

    assert access.permissions("/v2/nothing/") == []


def test_permissions_show_own_grants_and_those_of_roles(access: Access, ann: UserReport) -> None:
    access.create_user("bob")
    access.create_role("r")
    access.grant_to_role("r", ZOO, [EXECUTE])
    for login in ("ann", "bob"):
        access.add_user_to_role("r", login)
    access.grant_to_user("ann", ZOO, [READ])

    shown = access.permissions("/v2/repositories/zoo")

    assert [(one.resource, one.users) for one in shown] == [(ZOO, {"ann": ("READ", "EXECUTE"), "bob": ("EXECUTE",)})]
    assert [one.resource for one in access.permissions()] == [
        "/",
        "/v2/actions/login/",
        "/v2/actions/logout/",
        ZOO,
        "/v2/users/ann/",
        "/v2/users/bob/",
    ]


def test_a_resource_that_is_forgotten_has_no_heirs(access: Access, ann: UserReport) -> None:
    for resource in (ZOO, f"{ZOO}importers/", "/v2/repositories/zoo2/", "/v2/repositories/"):
        access.grant_to_user("ann", resource, [READ])

    access.forget_resource(ZOO)

    left = [one.resource for one in access.permissions() if "repositories" in one.resource]
    assert left == ["/v2/repositories/", "/v2/repositories/zoo2/"]


def test_bad_values_are_named_as_the_contract_names_them(access: Access, ann: UserReport) -> None:
    access.create_role("r")
    cases = [
        (lambda: access.grant_to_user("nobody", ZOO, [READ]), InvalidValue, ["login"]),
        (lambda: access.revoke_from_user("nobody", ZOO, [READ]), InvalidValue, ["login"]),
        (lambda: access.grant_to_role("x", ZOO, [READ]), InvalidValue, ["role_id"]),
        (lambda: access.revoke_from_role("x", ZOO, [READ]), InvalidValue, ["role_id"]),
        (lambda: access.grant_to_user("ann", "zoo", [READ]), InvalidValue, ["resource"]),
        (lambda: access.grant_to_role("r", "", [READ]), InvalidValue, ["resource"]),
        (lambda: access.permissions("zoo"), InvalidValue, ["resource"]),
        (lambda: access.grant_to_user("ann", ZOO, []), MissingValue, ["operation_names"]),
        (lambda: access.revoke_from_role("r", ZOO, []), MissingValue, ["operation_names"]),
    ]
    for attempt, kind, names in cases:
        with pytest.raises(kind) as refused:
            attempt()
        assert list(refused.value.data.values()) == [names]
