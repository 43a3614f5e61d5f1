"""Users: who they are, what they may do, in which browsers they are logged in, and their tokens; roles stand in `roles`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from entrepot.access import Operation, operations_named
from entrepot.dashboard import login
from entrepot.dashboard.page import Asked, Page, Redirect, Route, rest_path, segment
from entrepot.errors import EntrepotError, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.access import UserReport

_ALL = "/v2/users/"
_ONE = "/v2/users/{login}/"
#: Users on one page.
_SHOWN = 100
#: What a form to make a user begins with.
_NOBODY = {"login": "", "name": ""}


def show(asked: Asked) -> Page:
    """Show all users, and all roles to who may read them."""
    return _list(asked)


def create_user(asked: Asked) -> Page | Redirect:
    """Make a user, who can log in at once if a password is given."""
    access, creator = asked.engine.access, None if asked.principal.is_superuser else asked.principal.login
    try:
        report = access.create_user(
            asked.given("login"), password=_new_password(asked), name=asked.given("name") or None, creator=creator
        )
    except EntrepotError as error:
        if not asked.may("READ", _ALL):  # the form stands above the list
            raise
        typed = {name: asked.given(name) for name in _NOBODY}
        return _list(asked, typed=typed, wrong=error.message, status=error.status)
    return Redirect(_at(report.login), f"User {report.login} is made. Say what they may do.")


def show_account(asked: Asked) -> Redirect:
    """Lead to the page of who asks."""
    return Redirect(_at(asked.principal.login))


def show_one(asked: Asked) -> Page:
    """Show one user."""
    return _page(asked)


def change_user(asked: Asked) -> Page | Redirect:
    """Change a user's name, and the roles if the form has them."""
    roles = asked.form.get("role", []) if asked.given("has_roles") else None
    try:
        asked.engine.access.update_user(asked.names["login"], name=asked.given("name"), roles=roles, by=asked.principal)
    except InvalidValue as error:
        return _once_more(asked, error)
    return _back(asked, "Changed.")


def set_password(asked: Asked) -> Page | Redirect:
    """Set a user's password, which ends all sessions of that user."""
    try:
        password = _new_password(asked)
        if password is None:
            raise InvalidValue("password", why="it is empty")
        asked.engine.access.update_user(asked.names["login"], password=password, by=asked.principal)
    except InvalidValue as error:
        return _once_more(asked, error)
    if asked.names["login"] == asked.principal.login:
        return Redirect(login.PATH, "The password is changed. Log in with it.")
    return _back(asked, "The password is changed, and every browser of this user is logged out.")


def create_token(asked: Asked) -> Page:
    """Make an API token and show its secret, this once."""
    days = asked.given("expires")
    try:
        expires = datetime.combine(date.fromisoformat(days), time.max, UTC) if days else None
    except ValueError:
        return _once_more(asked, InvalidValue("expires", why="the day is written as 2027-01-31"))
    try:
        report, secret = asked.engine.access.create_token(
            asked.names["login"], asked.given("name"), expires=expires, by=asked.principal
        )
    except EntrepotError as error:
        return _once_more(asked, error)
    return _page(asked, secret=secret, token_name=report.name)


def revoke_token(asked: Asked) -> Redirect:
    """Revoke an API token, at once."""
    asked.engine.access.revoke_token(asked.names["login"], asked.given("name"))
    return _back(asked, "The token is revoked.")


def end_sessions(asked: Asked) -> Redirect:
    """Log a user out of all browsers."""
    count = asked.engine.access.end_sessions(asked.names["login"])
    return _back(asked, f"Logged out of {count} browser{'s' if count != 1 else ''}.")


def grant(asked: Asked) -> Page | Redirect:
    """Let a user do something to a path of the REST API and all below it."""
    try:
        operations = operations_named(asked.form.get("operation", []))
        asked.engine.access.grant_to_user(asked.names["login"], asked.given("resource").strip(), operations)
    except EntrepotError as error:
        return _once_more(asked, error)
    return _back(asked, "Granted.")


def revoke(asked: Asked) -> Redirect:
    """Take from a user all that was granted to that user on one path."""
    asked.engine.access.revoke_from_user(asked.names["login"], asked.given("resource"), Operation)
    return _back(asked, "Revoked. What comes through a role stays.")


def confirm_deletion(asked: Asked) -> Page:
    """Say what goes with a user."""
    access, who = asked.engine.access, asked.names["login"]
    access.get_user(who)
    tokens, browsers = len(access.list_tokens(who)), len(access.list_sessions(who))
    text = (
        f"This deletes the user {who} with {tokens} API token{'s' if tokens != 1 else ''}, all that was granted to them, and "
        f"{browsers} session{'s' if browsers != 1 else ''}. What they have made stays, and the audit log keeps what they did."
    )
    return Page(
        "confirm.html", f"Delete {who}", {"text": text, "action": f"{_at(who)}/delete", "words": "Delete", "back": _at(who)}
    )


def delete_user(asked: Asked) -> Redirect:
    """Delete a user."""
    asked.engine.access.delete_user(asked.names["login"])
    return Redirect("/users", f"User {asked.names['login']} is deleted.")


def _list(asked: Asked, *, typed: Mapping[str, str] = _NOBODY, wrong: str = "", status: int = 200) -> Page:
    access, wanted = asked.engine.access, asked.asks("q").lower()
    found = [user for user in access.list_users() if wanted in user.login.lower() or wanted in user.name.lower()]
    start = _whole(asked.asks("from"))
    values = {
        "users": found[start : start + _SHOWN],
        "count": len(found),
        "wanted": asked.asks("q"),
        "newer": asked.here(**{"from": str(max(start - _SHOWN, 0))}) if start else "",
        "older": asked.here(**{"from": str(start + _SHOWN)}) if start + _SHOWN < len(found) else "",
        "roles": access.list_roles()[:_SHOWN] if asked.may("READ", "/v2/roles/") else None,
        "typed": typed,
        "wrong": wrong,
    }
    return Page("users.html", "Users", values, status)


def _once_more(asked: Asked, error: EntrepotError) -> Page:
    """Show the page with what is wrong; who may change a user and not see him is told that alone, by the error."""
    if not asked.may("READ", rest_path(_ONE, asked.names)):
        raise error
    return _page(asked, wrong=error.message, status=error.status)


def _page(asked: Asked, *, wrong: str = "", secret: str = "", token_name: str = "", status: int = 200) -> Page:
    access, who = asked.engine.access, asked.names["login"]
    user, is_seen = access.get_user(who), asked.may("READ", rest_path(_ONE, asked.names))
    values = {
        "user": user,
        "at": _at(who),
        "rest": f"{_ALL}{segment(who)}/",
        "is_self": who == asked.principal.login,
        "tokens": access.list_tokens(who) if is_seen else [],
        "sessions": access.list_sessions(who) if is_seen else [],
        "roles": access.list_roles() if asked.may("READ", "/v2/roles/") else None,
        "grants": _grants(asked, user),
        "operations": [operation.name for operation in Operation],
        "wrong": wrong,
        "secret": secret,
        "token_name": token_name,
    }
    return Page("user.html", f"User {who}", values, status)


def _grants(asked: Asked, user: UserReport) -> list[tuple[str, tuple[str, ...]]] | None:
    """Return what a user may do, by path; None if who asks may not see that."""
    if not asked.may("READ", "/v2/permissions/"):
        return None
    reports = asked.engine.access.permissions()
    return sorted((report.resource, report.users[user.login]) for report in reports if user.login in report.users)[:_SHOWN]


def _new_password(asked: Asked) -> str | None:
    """Return the password that was typed twice, None if none was; raises `InvalidValue` if they differ."""
    password = asked.given("password")
    if password != asked.given("again"):
        raise InvalidValue("password", why="the two that were typed differ")
    return password or None


def _whole(text: str) -> int:
    return min(int(text), 10**9) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 - as 10**9


def _at(who: str) -> str:
    return f"/users/{segment(who)}"


def _back(asked: Asked, notice: str) -> Redirect:
    return Redirect(_at(asked.names["login"]), notice)


ROUTES = (
    Route("GET", "/users", show, resource=_ALL),
    Route("POST", "/users", create_user, Operation.CREATE, _ALL),
    Route("GET", "/account", show_account),
    Route("GET", "/users/{login}", show_one, resource=_ONE),
    Route("POST", "/users/{login}", change_user, Operation.UPDATE, _ONE),
    Route("POST", "/users/{login}/password", set_password, Operation.UPDATE, _ONE),
    Route("POST", "/users/{login}/tokens", create_token, Operation.UPDATE, _ONE),
    Route("POST", "/users/{login}/tokens/revoke", revoke_token, Operation.UPDATE, _ONE),
    Route("POST", "/users/{login}/sessions/end", end_sessions, Operation.UPDATE, f"{_ONE}sessions/"),
    Route("POST", "/users/{login}/grant", grant, Operation.EXECUTE, "/v2/permissions/actions/grant_to_user/"),
    Route("POST", "/users/{login}/revoke", revoke, Operation.EXECUTE, "/v2/permissions/actions/revoke_from_user/"),
    Route("GET", "/users/{login}/delete", confirm_deletion, Operation.DELETE, _ONE),
    Route("POST", "/users/{login}/delete", delete_user, Operation.DELETE, _ONE),
)
