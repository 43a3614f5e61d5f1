"""API tokens stand for their user until they expire, are revoked, or the user is gone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from entrepot import clock
from entrepot.access import SUPER_USERS, Access, Operation, Principal, UserReport
from entrepot.errors import (
    DuplicateResource,
    InvalidCredentials,
    InvalidValue,
    MissingResource,
    OperationRefused,
    StorageFull,
)
from entrepot.models import Database

HOUR = timedelta(hours=1)


def test_a_token_stands_for_its_user(access: Access, ann: UserReport) -> None:
    access.add_user_to_role(SUPER_USERS, "ann")
    report, secret = access.create_token("ann", "ci")

    assert secret.startswith("ept_")
    assert len(secret) > 40
    assert access.authenticate_token(secret) == Principal(ann.user_id, "ann", (SUPER_USERS,), True, "token", "ci")
    assert (report.login, report.name, report.expires, report.last_used) == ("ann", "ci", None, None)


def test_a_token_may_what_its_user_may_now(access: Access, ann: UserReport) -> None:
    _, secret = access.create_token("ann", "ci")
    assert not access.allows(access.authenticate_token(secret), Operation.READ, "/v2/tasks/")

    access.grant_to_user("ann", "/v2/tasks/", [Operation.READ])
    assert access.allows(access.authenticate_token(secret), Operation.READ, "/v2/tasks/")


@pytest.mark.parametrize("token", ["", "ept_", "ept_" + "x" * 43, "nonsense", "ö", "lone \ud800", "nul\0", "x" * 100_000])
def test_anything_else_is_refused(access: Access, ann: UserReport, token: str) -> None:
    access.create_token("ann", "ci")

    with pytest.raises(InvalidCredentials) as refused:
        access.authenticate_token(token)

    assert refused.value.data["user"] is None


def test_its_digest_is_no_token(access: Access, ann: UserReport, database: Database) -> None:
    access.create_token("ann", "ci")
    (digest,) = database.row("SELECT digest FROM api_token")

    with pytest.raises(InvalidCredentials):
        access.authenticate_token(digest)


def test_a_token_expires(access: Access, ann: UserReport, pass_time) -> None:
    _, secret = access.create_token("ann", "ci", expires=clock.now() + HOUR)
    access.authenticate_token(secret)

    pass_time(HOUR)

    with pytest.raises(InvalidCredentials):
        access.authenticate_token(secret)
    assert [one.name for one in access.list_tokens("ann")] == ["ci"]


def test_a_revoked_token_counts_for_nothing_at_once(access: Access, ann: UserReport) -> None:
    _, first = access.create_token("ann", "first")
    _, second = access.create_token("ann", "second")
    access.authenticate_token(first)

    access.revoke_token("ann", "first")

    with pytest.raises(InvalidCredentials):
        access.authenticate_token(first)
    assert access.authenticate_token(second).token_name == "second"


def test_tokens_go_with_their_user(access: Access, ann: UserReport) -> None:
    _, secret = access.create_token("ann", "ci")
    access.delete_user("ann")
    access.create_user("ann")

    with pytest.raises(InvalidCredentials):
        access.authenticate_token(secret)
    assert access.list_tokens() == []


def test_the_last_use_is_written_at_most_once_a_minute(access: Access, ann: UserReport, database: Database, pass_time) -> None:
    _, secret = access.create_token("ann", "ci")
    seen = []
    for seconds in (0, 30, 31, 60):  # 0, 30, 61 and 121 s after the first use
        pass_time(timedelta(seconds=seconds))
        access.authenticate_token(secret)
        seen.append(access.list_tokens("ann")[0].last_used)

    assert seen[0] == seen[1]
    assert seen[1] < seen[2] < seen[3]


def test_tokens_are_listed_by_user_and_name(access: Access, ann: UserReport, admin: UserReport) -> None:
    for login, name in (("ann", "b"), ("admin", "c"), ("ann", "a")):
        access.create_token(login, name)

    assert [(one.login, one.name) for one in access.list_tokens()] == [("admin", "c"), ("ann", "a"), ("ann", "b")]
    assert [one.name for one in access.list_tokens("ann")] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "expires", "refused_name"),
    [
        ("", None, "name"),
        ("a\nb", None, "name"),
        ("x" * 101, None, "name"),
        (None, None, "name"),
        ("ci", datetime(2020, 1, 1, tzinfo=clock.EPOCH.tzinfo), "expires"),
        ("ci", datetime(2999, 1, 1), "expires"),  # noqa: DTZ001 - this is what is refused
    ],
)
def test_a_bad_value_is_named(access: Access, ann: UserReport, name: str, expires: datetime | None, refused_name: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        access.create_token("ann", name, expires=expires)

    assert refused.value.data == {"property_names": [refused_name]}


def test_each_token_of_a_user_has_another_name(access: Access, ann: UserReport, admin: UserReport) -> None:
    access.create_token("ann", "ci")
    access.create_token("admin", "ci")

    with pytest.raises(DuplicateResource):
        access.create_token("ann", "ci")


def test_what_is_not_there_is_missing(access: Access, ann: UserReport) -> None:
    with pytest.raises(MissingResource) as no_user:
        access.create_token("nobody", "ci")
    with pytest.raises(MissingResource) as no_token:
        access.revoke_token("ann", "ci")

    assert no_user.value.data == {"resources": {"login": "nobody"}}
    assert no_token.value.data == {"resources": {"token": "ci"}}


def test_a_token_gets_no_certificate_that_would_outlive_it(access: Access, ann: UserReport) -> None:
    _, secret = access.create_token("ann", "ci")

    with pytest.raises(OperationRefused):
        access.issue_certificate(access.authenticate_token(secret))


def test_a_token_is_good_although_its_use_cannot_be_noted(
    access: Access, ann: UserReport, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = access.create_token("ann", "ci")
    execute = Database.execute

    def full(self: Database, sql: str, *given: object) -> object:
        if sql.startswith("UPDATE api_token"):
            raise StorageFull("No space is left.", path="/srv")
        return execute(self, sql, *given)

    monkeypatch.setattr(Database, "execute", full)

    assert access.authenticate_token(secret).login == "ann"
    assert not database.in_transaction
