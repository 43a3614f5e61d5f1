"""Addresses of servers as settings give them: what of one may be shown, and why one cannot be used.

Passwords are typed as they are, with characters that an address may not hold; then a parser sees hosts, ports and names of
databases in them, and quotes those. So `masked` does not parse, and no parser's text is shown before `faults` were looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import parse_qsl, unquote, urlsplit

MASK = "*****"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
#: A user's name and a password in which nothing can be mistaken for the end of either.
_USER_AND_PASSWORD = re.compile(r"([\w.~%-]*):[\w.~%!$&'()*+,;=:-]*")
_USER = re.compile(r"[\w.~%-]*")
#: A value in the query, or in a connection string of words: `password=`, `sslpassword=`, `ssl_password=`.
_NAMED_PASSWORD = re.compile(r"(password\s*=\s*)([^&]*)", re.IGNORECASE)
_ESCAPES = "'/' as %2F, '@' as %40, '#' as %23, '?' as %3F, '[' as %5B, '%' as %25"
_LAST_PORT = 65535


def masked(address: str) -> str:
    """Return `address` without its passwords, however it is misspelt; a file's address as it is.

    Whatever stands before the last `@` may be part of a password; the user's name is shown where no doubt is possible.
    """
    if address.startswith("sqlite:///"):
        return address
    scheme, rest = _split(address)
    login, at, place = rest.rpartition("@")
    if at:
        known = _USER_AND_PASSWORD.fullmatch(login)
        if known is not None:
            place = f"{known[1]}:{MASK}@{place}"
        elif scheme.startswith("postgres") and _USER.fullmatch(login):
            place = f"{login}@{place}"
        else:
            place = f"{MASK}@{place}"
    return scheme + _NAMED_PASSWORD.sub(rf"\g<1>{MASK}", place)


def without_passwords(text: str, address: str) -> str:
    """Return what a driver says of `address` without its passwords, as they are written there and as they are meant."""
    shown = masked(address)
    for password in sorted(set(_passwords(address)), key=len, reverse=True):
        if password not in shown:  # what is shown anyway, such as a user called as the password is, is no secret
            text = text.replace(password, MASK)
    return text


def postgresql_faults(address: str) -> str | None:
    """Return what to write instead of an address that libpq refuses, or reads otherwise than it was meant; or None."""
    form = f"write postgresql://user:password@host:5432/name; in the password {_ESCAPES}"
    if not address.startswith(("postgresql://", "postgres://")):
        return f"{masked(address)!r} is no address of PostgreSQL: {form}"
    place = _split(address)[1].partition("?")[0]
    if not re.fullmatch(r"([^@/]*@)?[^@]*", place):
        return f"where the password of {masked(address)!r} ends cannot be told: {form}"
    if find_spec("psycopg") is None:
        return None  # the connection says so
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        read = conninfo_to_dict(address)
    except ProgrammingError:  # its text quotes what may be a password
        return f"{masked(address)!r} cannot be read: {form}"
    ports = str(read.get("port") or "").split(",")
    if not all(port == "" or (port.isdecimal() and 0 < int(port) <= _LAST_PORT) for port in ports):
        return f"the port of {masked(address)!r} is no number from 1 to {_LAST_PORT}: {form}"
    return None


def redis_faults(address: str) -> str | None:
    """Return what to write instead of an address that the client of Redis cannot use, or None; nothing is connected."""
    form = f"write redis://user:password@host:6379/0 (all but the host may be left out); in the password {_ESCAPES}"
    if not re.fullmatch(r"rediss?://([^@/?#]*@)?[^@/?#]*(/[0-9]*)?(\?[^#]*)?", address):
        return f"{masked(address)!r} cannot be read: {form}"
    try:
        parts = urlsplit(address)
        if parts.port is not None and not 0 < parts.port <= _LAST_PORT:
            return f"the port of {masked(address)!r} is no number from 1 to {_LAST_PORT}: {form}"
        (parts.hostname or "").encode("idna")
    except ValueError:  # a UnicodeError is one
        return f"host and port of {masked(address)!r} cannot be read: {form}"
    import redis  # takes 0.1 s, so only who uses it pays

    try:
        parse_qsl(parts.query, strict_parsing=bool(parts.query))
        redis.ConnectionPool.from_url(address).make_connection()
    except (ValueError, TypeError, AttributeError, LookupError, redis.RedisError):
        return f"what follows the '?' of {masked(address)!r} are no options of a connection of the Redis client: {form}"
    return None


def _split(address: str) -> tuple[str, str]:
    """Return the scheme with `://`, empty if there is none, and the rest."""
    scheme = _SCHEME.match(address)
    return (scheme[0], address[scheme.end() :]) if scheme else ("", address)


def _passwords(address: str) -> Iterator[str]:
    """Yield all that may be a password in `address`: it ends at one of the `@`, whichever that is."""
    scheme, rest = _split(address)
    if scheme == "sqlite://":
        return
    found = [login.partition(":")[2] or login for login in (rest[: at.start()] for at in re.finditer("@", rest))]
    found += [value for _, value in _NAMED_PASSWORD.findall(rest)]
    for password in found:
        yield from {password, unquote(password)} - {""}
