"""Search for users by the fields that clients are shown. Source: the Pulp 2 REST contract, 4.3 and 5.7."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import users
from entrepot.access.reports import UserReport
from entrepot.criteria import Criteria, Document, Field, select

if TYPE_CHECKING:
    from entrepot.models import Database


def search_users(database: Database, criteria: Criteria) -> list[UserReport]:
    """Return the users that `criteria` select, in their order, else the oldest first; raises as `select`.

    A password is no field, and neither is its hash.
    """
    # Rows made within one microsecond are told apart by their id, which is random.
    tie = "user_account.created_at, user_account.id"
    rows = select(database, "SELECT user_account.id FROM user_account", _users(database), criteria, tie=tie)
    return users.with_ids(database, [row[0] for row in rows])


def _users(database: Database) -> Document:
    """Return where the fields of a user are; the ids of roles need no escapes in JSON."""
    joined = "group_concat" if database.dialect == "sqlite" else "string_agg"
    roles = (
        f"(SELECT '[' || COALESCE({joined}('\"' || held.role_id || '\"', ','), '') || ']' FROM (SELECT role.role_id "
        "FROM role_member JOIN role ON role.id = role_member.role WHERE role_member.user_account = user_account.id "
        "ORDER BY role.role_id) AS held)"
    )
    return Document(
        "users",
        {
            "_id": Field("oid", "user_account.id"),
            "id": Field("oid", "user_account.id"),
            "_ns": Field("text", "'users'"),
            "_href": Field("text", "('/pulp/api/v2/users/' || user_account.login || '/')"),
            "login": Field("text", "user_account.login"),
            "name": Field("text", "user_account.name"),
            "roles": Field("json", roles),
        },
    )
