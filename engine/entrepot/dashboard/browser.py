"""What a browser sends along: the cookies of its session and of a notice; and whether a form came from one of our pages.

Forms are believed only if they hold the token of the session, and if the browser does not say that another site sent them.
Source: OWASP's cheat sheet on cross-site request forgery; the fetch metadata of the W3C (`Sec-Fetch-Site`).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import cookie_parser

from entrepot.errors import ForeignForm

if TYPE_CHECKING:
    from starlette.types import Scope

_SESSION = "entrepot_session"
_NOTICE = "entrepot_notice"
#: A notice that no page has shown by then is forgotten, seconds.
_NOTICE_SECONDS = 30
_LONGEST_NOTICE = 500


def header(scope: Scope, name: str) -> str:
    """Return the value of a header, empty if there is none."""
    wanted = name.encode()
    return next((value.decode("latin-1").strip() for key, value in scope["headers"] if key == wanted), "")


def session_secret(scope: Scope) -> str:
    """Return the secret of the session that the browser has, empty if it has none."""
    return _cookies(scope).get(_session_name(scope), "")


def session_cookie(scope: Scope, secret: str, *, seconds: int) -> str:
    """Return the header that lets the browser keep a session's secret, or forget it (`seconds` 0)."""
    return _cookie(scope, _session_name(scope), secret, seconds)


def notice(scope: Scope) -> tuple[str, bool]:
    """Return what the page before wants to be said, empty if nothing, and whether it is trouble."""
    try:
        text = urlsafe_b64decode(_cookies(scope).get(_NOTICE, "")).decode()
    except ValueError:
        return "", False
    return text[1:], text[:1] == "!"


def notice_cookie(scope: Scope, text: str, *, is_trouble: bool = False) -> str:
    """Return the header that carries a notice to the next page; an empty one is forgotten."""
    if not text:
        return _cookie(scope, _NOTICE, "", 0)
    value = ("!" if is_trouble else " ") + text[:_LONGEST_NOTICE]
    return _cookie(scope, _NOTICE, urlsafe_b64encode(value.encode("utf-8", "replace")).decode(), _NOTICE_SECONDS)


def require_own_form(scope: Scope) -> None:
    """Raise `ForeignForm` if the browser says that a page of another site has sent this."""
    site = header(scope, "sec-fetch-site")
    if site and site not in ("same-origin", "none"):
        raise ForeignForm
    if site:  # the browser knows better than a proxy that has put another host, or no port, into `Host`
        return
    origin = header(scope, "origin")
    if origin and urlsplit(origin).netloc.lower() != header(scope, "host").lower():
        raise ForeignForm


def _session_name(scope: Scope) -> str:
    """Return the cookie's name; over TLS one that no other host of the domain can set. Source: RFC 6265bis, 4.1.3.2."""
    return f"__Host-{_SESSION}" if scope["scheme"] == "https" and not scope.get("root_path") else _SESSION


def _cookies(scope: Scope) -> dict[str, str]:
    cookies: dict[str, str] = {}
    for key, value in scope["headers"]:
        if key == b"cookie":  # the standard library's parser gives up at what other apps of this host may set
            cookies |= cookie_parser(value.decode("latin-1"))
    return cookies


def _cookie(scope: Scope, name: str, value: str, seconds: int) -> str:
    path = scope.get("root_path") or "/"
    secure = "; Secure" if scope["scheme"] == "https" else ""
    return f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
