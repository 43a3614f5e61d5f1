"""Roles bundle grants, and count for those who have them, for as long as they have them."""

from __future__ import annotations

import pytest

from entrepot.access import SUPER_USERS, Access, Operation, UserReport
from entrepot.errors import DuplicateResource, InvalidValue, MissingResource, OperationRefused
from tests.integration.access.conftest import principal

READ, UPDATE = Operation.READ, Operation.UPDATE


def test_a_role_is_shown_with_what_it_grants_and_who_has_it(access: Access, ann: UserReport) -> None:
    access.create_role("readers", "Readers", "May look.")
    access.grant_to_role("readers", "/v2/tasks", [UPDATE, READ])
    access.grant_to_role("readers", "/v2/repositories/", [READ])
    access.add_user_to_role("readers", "ann")
    access.add_user_to_role("readers", "ann")

    role = access.get_role("readers")

    assert (role.role_id, role.display_name, role.description, role.users) == ("readers", "Readers", "May look.", ("ann",))
    assert role.permissions == {"/v2/repositories/": ("READ",), "/v2/tasks/": ("READ", "UPDATE")}
    assert [one.role_id for one in access.list_roles()] == ["readers", SUPER_USERS]
    assert [user.login for user in access.users_of_role("readers")] == ["ann"]


def test_super_users_are_there_from_the_beginning(access: Access) -> None:
    role = access.get_role(SUPER_USERS)

    assert role.permissions == {"/": ("CREATE", "READ", "UPDATE", "DELETE", "EXECUTE")}
    assert role.users == ()


def test_a_role_that_is_taken_away_takes_its_grants_away_but_for_those_he_has_otherwise(
    access: Access, ann: UserReport
) -> None:
    for role_id in ("one", "two"):
        access.create_role(role_id)
        access.grant_to_role(role_id, f"/v2/{role_id}/", [READ])
        access.grant_to_role(role_id, "/v2/both/", [READ])
        access.add_user_to_role(role_id, "ann")
    access.grant_to_user("ann", "/v2/own/", [READ])
    access.grant_to_role("one", "/v2/own/", [READ])

    access.remove_user_from_role("one", "ann")
    access.remove_user_from_role("one", "ann")

    may = {path: access.allows(principal(ann), READ, f"/v2/{path}/") for path in ("one", "two", "both", "own")}
    assert may == {"one": False, "two": True, "both": True, "own": True}


def test_a_deleted_role_grants_nothing_any_more(access: Access, ann: UserReport) -> None:
    access.create_role("readers")
    access.grant_to_role("readers", "/v2/tasks/", [READ])
    access.add_user_to_role("readers", "ann")
    access.grant_to_user("ann", "/v2/roles/readers/", [READ])

    access.delete_role("readers")

    assert not access.allows(principal(ann), READ, "/v2/tasks/")
    assert access.permissions("/v2/roles/readers/") == []
    assert access.permissions("/v2/tasks/") == []
    with pytest.raises(MissingResource):
        access.get_role("readers")


def test_a_role_of_the_same_name_inherits_nothing(access: Access, ann: UserReport) -> None:
    access.create_role("readers")
    access.grant_to_role("readers", "/v2/tasks/", [READ])
    access.add_user_to_role("readers", "ann")
    access.delete_role("readers")

    access.create_role("readers")

    assert (access.get_role("readers").permissions, access.get_role("readers").users) == ({}, ())


def test_what_is_given_is_changed(access: Access) -> None:
    access.create_role("readers", "Readers", "May look.")

    assert access.update_role("readers", description="").description == ""
    assert access.update_role("readers", display_name="Lookers").display_name == "Lookers"
    assert access.get_role("readers").description == ""


def test_super_users_cannot_be_touched(access: Access) -> None:
    attempts = (
        lambda: access.update_role(SUPER_USERS, display_name="x"),
        lambda: access.delete_role(SUPER_USERS),
        lambda: access.grant_to_role(SUPER_USERS, "/v2/", [READ]),
        lambda: access.revoke_from_role(SUPER_USERS, "/", [READ]),
    )
    before = access.get_role(SUPER_USERS)
    for attempt in attempts:
        with pytest.raises(OperationRefused) as refused:
            attempt()
        assert (refused.value.code, refused.value.status) == ("PLP0000", 400)

    assert access.get_role(SUPER_USERS) == before


@pytest.mark.parametrize("role_id", ["", "a b", "a/b", "ö", None, 3, "a" * 201, "nul\0"])
def test_an_id_that_is_none_is_refused(access: Access, role_id: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        access.create_role(role_id)

    assert refused.value.data == {"property_names": ["role_id"]}


def test_an_id_is_taken_once_and_texts_are_texts(access: Access) -> None:
    access.create_role("readers")

    with pytest.raises(DuplicateResource):
        access.create_role("readers")
    with pytest.raises(InvalidValue) as refused:
        access.update_role("readers", display_name="", description="nul\0")
    assert refused.value.data == {"property_names": ["display_name", "description"]}


def test_a_role_that_is_not_there_is_missing_and_a_user_who_is_not_there_is_a_bad_value(access: Access) -> None:
    access.create_role("readers")
    missing = (
        lambda: access.get_role("x"),
        lambda: access.update_role("x", display_name="y"),
        lambda: access.delete_role("x"),
        lambda: access.users_of_role("x"),
        lambda: access.add_user_to_role("x", "ann"),
        lambda: access.remove_user_from_role("x", "ann"),
    )
    for attempt in missing:
        with pytest.raises(MissingResource) as refused:
            attempt()
        assert refused.value.data == {"resources": {"resource_id": "x"}}
    for attempt in (access.add_user_to_role, access.remove_user_from_role):
        with pytest.raises(InvalidValue) as invalid:
            attempt("readers", "nobody")
        assert invalid.value.data == {"property_names": ["login"]}
