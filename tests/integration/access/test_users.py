"""Users are made, found, changed and deleted, and one super user always stays."""

from __future__ import annotations

import threading

import pytest

from entrepot.access import SUPER_USERS, Access, Operation, Principal, UserReport
from entrepot.errors import DuplicateResource, EntrepotError, InvalidValue, MissingResource, OperationRefused, PermissionDenied
from entrepot.models import Database
from entrepot.settings import Settings
from tests.integration.access.conftest import cheap_access, principal


def grants(access: Access, login: str) -> dict[str, tuple[str, ...]]:
    return {one.resource: one.users[login] for one in access.permissions() if login in one.users}


def test_a_user_is_called_by_his_login_unless_he_has_a_name(access: Access) -> None:
    access.create_user("b@example.org", name="Bo")
    access.create_user("a.n-n_1")

    assert [(user.login, user.name, user.roles, user.has_password) for user in access.list_users()] == [
        ("a.n-n_1", "a.n-n_1", (), False),
        ("b@example.org", "Bo", (), False),
    ]
    assert access.get_user("b@example.org") == access.list_users()[1]


def test_a_new_user_may_see_and_change_himself_and_log_in(access: Access, ann: UserReport) -> None:
    assert grants(access, "ann") == {
        "/v2/actions/login/": ("READ", "UPDATE"),
        "/v2/actions/logout/": ("READ", "UPDATE"),
        "/v2/users/ann/": ("READ", "UPDATE"),
    }


def test_who_makes_a_user_may_do_everything_to_him(access: Access, ann: UserReport) -> None:
    access.create_user("bob", creator="ann")

    assert grants(access, "ann")["/v2/users/bob/"] == ("CREATE", "READ", "UPDATE", "DELETE", "EXECUTE")


def test_a_creator_who_is_gone_is_no_obstacle(access: Access) -> None:
    assert access.create_user("bob", creator="nobody").login == "bob"


@pytest.mark.parametrize("login", ["", "a b", "ann/", "ö", "a\n", "a" * 201, None, 3, "a:b"])
def test_a_login_that_is_none_is_refused(access: Access, login: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        access.create_user(login)

    assert refused.value.data == {"property_names": ["login"]}
    assert access.list_users() == []


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"name": ""}, "name"),
        ({"name": 3}, "name"),
        ({"name": "nul\0"}, "name"),
        ({"name": "lone \ud800"}, "name"),
        ({"name": "x" * 1001}, "name"),
        ({"password": ""}, "password"),
        ({"password": 3}, "password"),
        ({"roles": ["nobody's"]}, "roles"),
        ({"roles": "super-users"}, "roles"),
        ({"roles": [None]}, "roles"),
        ({"roles": 3}, "roles"),
    ],
)
def test_a_bad_value_is_named_and_changes_nothing(access: Access, ann: UserReport, wrong, name: str) -> None:
    for attempt in (lambda: access.create_user("bob", **wrong), lambda: access.update_user("ann", **wrong)):
        with pytest.raises(InvalidValue) as refused:
            attempt()
        assert refused.value.data == {"property_names": [name]}

    assert access.list_users() == [ann]


def test_a_login_is_taken_once_whatever_the_name(access: Access, ann: UserReport) -> None:
    with pytest.raises(DuplicateResource) as refused:
        access.create_user("ann", name="Another")

    assert refused.value.data == {"resource_id": "ann"}


@pytest.mark.parametrize("login", ["nobody", "", "no body", "nul\0"])
def test_a_user_who_is_not_there_is_missing(access: Access, login: str) -> None:
    for attempt in (access.get_user, access.update_user, access.delete_user, access.list_tokens):
        with pytest.raises(MissingResource) as refused:
            attempt(login)
        assert refused.value.data == {"resources": {"login": login}}


def test_a_change_is_made_as_a_whole(access: Access, ann: UserReport) -> None:
    access.create_role("readers")

    changed = access.update_user("ann", name="Ann", roles=["readers"])

    assert (changed.user_id, changed.name, changed.roles) == (ann.user_id, "Ann", ("readers",))
    assert access.update_user("ann", roles=[]).roles == ()
    assert access.get_user("ann").name == "Ann"


def test_nobody_gives_himself_a_role_by_changing_himself(access: Access, admin: UserReport, ann: UserReport) -> None:
    with pytest.raises(PermissionDenied):
        access.update_user("ann", name="Boss", roles=[SUPER_USERS], by=principal(ann))
    assert access.get_user("ann") == ann

    assert access.update_user("ann", roles=[SUPER_USERS], by=principal(admin)).roles == (SUPER_USERS,)


def test_who_may_change_the_users_of_a_role_may_give_and_take_it(access: Access, ann: UserReport) -> None:
    access.create_role("readers")
    access.grant_to_user("ann", "/v2/roles/readers/users/", [Operation.UPDATE])

    assert access.update_user("ann", roles=["readers"], by=principal(ann)).roles == ("readers",)
    assert access.update_user("ann", roles=["readers"], name="A", by=principal(ann)).name == "A"
    assert access.update_user("ann", roles=[], by=principal(ann)).roles == ()


def test_a_deleted_user_leaves_nothing_behind(access: Access, database: Database, admin: UserReport, ann: UserReport) -> None:
    before = database.rows("SELECT resource FROM permission ORDER BY resource")
    access.create_user("bob", roles=[SUPER_USERS], creator="ann")
    access.create_token("bob", "ci")
    access.grant_to_user("bob", "/v2/tasks/", [Operation.READ])

    access.delete_user("bob")

    assert "/v2/users/bob/" not in grants(access, "ann")
    assert database.rows("SELECT resource FROM permission ORDER BY resource") == before
    assert database.rows("SELECT 1 FROM api_token") == []
    assert access.users_of_role(SUPER_USERS) == [admin]


def test_the_last_super_user_stays_one(access: Access, admin: UserReport, ann: UserReport) -> None:
    attempts = (
        lambda: access.delete_user("admin"),
        lambda: access.update_user("admin", roles=[]),
        lambda: access.remove_user_from_role(SUPER_USERS, "admin"),
    )
    for attempt in attempts:
        with pytest.raises(OperationRefused, match="last super user"):
            attempt()
    access.add_user_to_role(SUPER_USERS, "ann")
    access.delete_user("admin")

    assert [user.login for user in access.users_of_role(SUPER_USERS)] == ["ann"]


def test_two_super_users_who_delete_each_other_at_once_leave_one(
    access: Access, database: Database, settings: Settings
) -> None:
    for login in ("one", "two"):
        access.create_user(login, roles=[SUPER_USERS])
    start, refused = threading.Barrier(2), []

    def delete(login: str) -> None:
        try:
            start.wait()
            cheap_access(database, settings).delete_user(login)
        except EntrepotError as error:
            refused.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=delete, args=(login,)) for login in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [type(error) for error in refused] == [OperationRefused]
    assert len(access.list_users()) == 1


def test_users_and_roles_are_listed_by_a_constant_number_of_statements(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        access.create_role(f"role{number}")
        access.create_user(f"user{number}", roles=[f"role{number}", "role0"])
    statements = []
    execute = Database.execute
    monkeypatch.setattr(Database, "execute", lambda self, *given: statements.append(given[0]) or execute(self, *given))

    access.list_users()
    assert len(statements) == 1
    access.list_roles()
    assert len(statements) == 1 + 3


@pytest.fixture
def helper(access: Access, ann: UserReport, admin: UserReport) -> Principal:
    """Ann, who may change every user, and is no super user."""
    access.grant_to_user("ann", "/v2/users/", [Operation.UPDATE])
    return principal(access.get_user("ann"))


def test_who_may_change_users_does_not_become_a_super_user_by_that(access: Access, helper: Principal) -> None:
    with pytest.raises(PermissionDenied):
        access.update_user("admin", password="ann knows it", by=helper)
    with pytest.raises(PermissionDenied):
        access.create_token("admin", "ann's", by=helper)

    assert access.authenticate_password("admin", "admin's", address=None).login == "admin"
    assert access.list_tokens("admin") == []


def test_who_may_change_users_changes_passwords_of_others(access: Access, helper: Principal, admin: UserReport) -> None:
    access.create_user("bob")

    access.update_user("bob", password="bob's", by=helper)
    access.create_token("bob", "ci", by=helper)
    access.update_user("admin", name="The Boss", by=helper)
    access.update_user("admin", password="new", by=principal(admin))

    assert access.authenticate_password("bob", "bob's", address=None).login == "bob"
    assert access.authenticate_password("admin", "new", address=None).login == "admin"


def test_a_role_that_is_named_again_and_again_is_looked_up_once(
    access: Access, ann: UserReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = []
    execute = Database.execute
    monkeypatch.setattr(Database, "execute", lambda self, *given: statements.append(given[0]) or execute(self, *given))

    with pytest.raises(PermissionDenied):
        access.update_user("ann", roles=[SUPER_USERS] * 1000, by=principal(ann))

    assert len(statements) < 20
