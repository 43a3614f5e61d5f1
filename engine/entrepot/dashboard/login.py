"""Log in with a login and a password; afterwards the session's cookie is all that a browser sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from entrepot.dashboard import page as pages
from entrepot.dashboard.page import Page, Redirect, Route
from entrepot.errors import InvalidCredentials, TooManyAttempts

if TYPE_CHECKING:
    from entrepot.engine import Engine

PATH = "/login"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was sent to the login: the form, the query, from where, and what the browser says it is."""

    form: Mapping[str, list[str]] = field(repr=False)
    query: Mapping[str, list[str]]
    from_where: str | None
    agent: str
    request_id: str

    @property
    def next_page(self) -> str:
        """Where to go afterwards: a page of ours, whatever the address says."""
        wanted = self.query.get("next", ["/"])[-1]
        is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
        return wanted if is_ours and wanted.isascii() else "/"


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session that has begun, and where to go."""

    location: str
    secret: str = field(repr=False)


def address(path: str, query: Mapping[str, list[str]]) -> str:
    """Return where to log in so that one is led to a page afterwards."""
    here = pages.address(path, dict(query))
    return PATH if here == "/" else f"{PATH}?{urlencode({'next': here})}"


def page(attempt: Attempt, error: str = "", *, login: str = "", status: int = 200) -> Page:
    """Return the form, with what was wrong with the last try."""
    return Page("login.html", "Log in", {"error": error, "login": login, "next_page": attempt.next_page}, status)


def log_in(engine: Engine, attempt: Attempt) -> LoggedIn | Page:
    """Begin a session, or return the form once more, with what is wrong."""
    login, password = (attempt.form.get(name, [""])[-1] for name in ("login", "password"))
    try:
        secret, _ = engine.access.begin_session(
            login, password, address=attempt.from_where, agent=attempt.agent or None, request_id=attempt.request_id
        )
    except (InvalidCredentials, TooManyAttempts) as error:
        text = "Login and password do not fit." if isinstance(error, InvalidCredentials) else error.message
        return page(attempt, text, login=login[:100], status=error.status)
    return LoggedIn(attempt.next_page, secret)


def log_out(asked: pages.Asked) -> Redirect:
    """End the session; its cookie is worth nothing from now on, wherever it may be kept."""
    asked.engine.access.end_session(asked.secret, address=asked.address, request_id=asked.request_id)
    return Redirect(PATH, "You are logged out.")


ROUTES = (Route("POST", "/logout", log_out),)
