"""Roles: what they allow, and who has them."""

from __future__ import annotations

from entrepot.access import SUPER_USERS, Operation, operations_named
from entrepot.dashboard.page import Asked, Page, Redirect, Route, rest_path, segment
from entrepot.errors import EntrepotError

_ALL = "/v2/roles/"
_ONE = "/v2/roles/{role_id}/"
_MEMBERS = "/v2/roles/{role_id}/users/"


def create_role(asked: Asked) -> Redirect:
    """Make a role that allows nothing yet; whoever makes it may do everything to it."""
    engine, role_id = asked.engine, asked.given("role_id")
    with engine.transaction():
        engine.access.create_role(role_id, asked.given("display_name") or None, asked.given("description") or None)
        if not asked.principal.is_superuser:
            engine.access.grant_creator(asked.principal.login, rest_path(_ONE, {"role_id": role_id}))
    return Redirect(_at(role_id), f"Role {role_id} is made. Say what it allows, and who has it.")


def show_one(asked: Asked) -> Page:
    """Show one role."""
    return _page(asked)


def change_role(asked: Asked) -> Redirect:
    """Change the words that describe a role."""
    texts = {name: asked.given(name) for name in ("display_name", "description")}
    asked.engine.access.update_role(asked.names["role_id"], **texts)
    return _back(asked, "Changed.")


def add_member(asked: Asked) -> Page | Redirect:
    """Give a user a role."""
    try:
        asked.engine.access.add_user_to_role(asked.names["role_id"], asked.given("login").strip())
    except EntrepotError as error:
        if not asked.may("READ", rest_path(_ONE, asked.names)):
            raise
        return _page(asked, wrong=error.message, status=error.status)
    return _back(asked, "Given.")


def remove_member(asked: Asked) -> Redirect:
    """Take a role from a user."""
    asked.engine.access.remove_user_from_role(asked.names["role_id"], asked.names["login"])
    return _back(asked, "Taken.")


def grant(asked: Asked) -> Page | Redirect:
    """Let those who have a role do something to a path of the REST API and all below it."""
    try:
        operations = operations_named(asked.form.get("operation", []))
        asked.engine.access.grant_to_role(asked.names["role_id"], asked.given("resource").strip(), operations)
    except EntrepotError as error:
        if not asked.may("READ", rest_path(_ONE, asked.names)):
            raise
        return _page(asked, wrong=error.message, status=error.status)
    return _back(asked, "Granted.")


def revoke(asked: Asked) -> Redirect:
    """Take from a role what it allows on one path."""
    asked.engine.access.revoke_from_role(asked.names["role_id"], asked.given("resource"), Operation)
    return _back(asked, "Revoked.")


def confirm_deletion(asked: Asked) -> Page:
    """Say what goes with a role."""
    role = asked.engine.access.get_role(asked.names["role_id"])
    text = f"This deletes the role {role.role_id}. Users who lose what it allows: {', '.join(role.users[:20]) or 'nobody'}."
    if len(role.users) > 20:  # noqa: PLR2004 - as many as were named
        text = f"{text[:-1]}, and {len(role.users) - 20} more."
    at = _at(role.role_id)
    return Page(
        "confirm.html", f"Delete {role.role_id}", {"text": text, "action": f"{at}/delete", "words": "Delete", "back": at}
    )


def delete_role(asked: Asked) -> Redirect:
    """Delete a role, and with it what it allows."""
    asked.engine.access.delete_role(asked.names["role_id"])
    return Redirect("/users", f"Role {asked.names['role_id']} is deleted.")


def _page(asked: Asked, *, wrong: str = "", status: int = 200) -> Page:
    role = asked.engine.access.get_role(asked.names["role_id"])
    values = {
        "role": role,
        "at": _at(role.role_id),
        "rest": rest_path(_ONE, {"role_id": role.role_id}),
        "is_fixed": role.role_id == SUPER_USERS,
        "operations": [operation.name for operation in Operation],
        "wrong": wrong,
    }
    return Page("role.html", f"Role {role.role_id}", values, status)


def _at(role_id: str) -> str:
    return f"/roles/{segment(role_id)}"


def _back(asked: Asked, notice: str) -> Redirect:
    return Redirect(_at(asked.names["role_id"]), notice)


ROUTES = (
    Route("POST", "/roles", create_role, Operation.CREATE, _ALL),
    Route("GET", "/roles/{role_id}", show_one, resource=_ONE),
    Route("POST", "/roles/{role_id}", change_role, Operation.UPDATE, _ONE),
    Route("POST", "/roles/{role_id}/members", add_member, Operation.UPDATE, _MEMBERS),
    Route("POST", "/roles/{role_id}/members/{login}/remove", remove_member, Operation.DELETE, _MEMBERS + "{login}/"),
    Route("POST", "/roles/{role_id}/grant", grant, Operation.EXECUTE, "/v2/permissions/actions/grant_to_role/"),
    Route("POST", "/roles/{role_id}/revoke", revoke, Operation.EXECUTE, "/v2/permissions/actions/revoke_from_role/"),
    Route("GET", "/roles/{role_id}/delete", confirm_deletion, Operation.DELETE, _ONE),
    Route("POST", "/roles/{role_id}/delete", delete_role, Operation.DELETE, _ONE),
)
