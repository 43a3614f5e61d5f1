"""Where bytes may be fetched from: feeds, the addresses below them, and redirects.

An address is taken apart and put together anew, so that libcurl and the rules here read the same host. User names and
passwords never are part of an address; messages show it without its query too, which may hold a token.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote, unquote, urljoin, urlsplit

from entrepot.errors import FetchRefused

#: Scheme, host and port: what credentials belong to. Source: RFC 6454, section 4.
Origin: TypeAlias = tuple[str, str, int]

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
#: A path below the feed that stands for itself: the usual one.
_PLAIN = re.compile(r"[A-Za-z0-9._~-][A-Za-z0-9._~/-]*")
_HOST = re.compile(r"[a-z0-9._-]+")
_PORTS = {"http": 80, "https": 443, "file": 0}
#: Characters that a path, or a query, keeps as they are. Source: RFC 3986, sections 3.3 and 3.4.
_PATH_SAFE = "/!$&'()*+,;=:@~"
_QUERY_SAFE = _PATH_SAFE + "?%"


@dataclass(frozen=True, slots=True)
class Address:
    """One address, checked: `url` is for libcurl, `shown` for people, `path` (decoded) for `file` only."""

    origin: Origin
    url: str
    path: str = ""

    @property
    def is_file(self) -> bool:
        """True for `file://`."""
        return self.origin[0] == "file"

    @property
    def shown(self) -> str:
        """The address without what may be secret."""
        url, question_mark, _ = self.url.partition("?")
        return f"{url}?…" if question_mark else url


class Feed:
    """The folder that relative addresses are below, and whom to be there (`user`, from the feed's address)."""

    def __init__(self, url: str) -> None:
        """Read the feed's address.

        Raises `FetchRefused` when it cannot be used.
        """
        absolute = parse(url)
        without_query, _, query = absolute.url.partition("?")
        self.origin = absolute.origin
        self.user = _user(url)
        self._is_remote = not absolute.is_file
        self._suffix = f"?{query}" if query else ""
        self._root = "file://" if absolute.is_file else _root(absolute.origin)
        self._folder = without_query.rstrip("/") + "/"
        self._path = absolute.path.rstrip("/") + "/"

    def address(self, url: str) -> Address:
        """Return the address of `url`: absolute, or a path below the feed as its catalogue writes it (not yet encoded).

        A query of the feed, which may hold a token, goes to all that is below it. Raises `FetchRefused`.
        """
        if self._is_remote and _PLAIN.fullmatch(url):
            return Address(self.origin, f"{self._folder}{url}{self._suffix}")
        if _ABSOLUTE.match(url):
            absolute = parse(url)
            if absolute.is_file and self._is_remote:
                msg = f"{absolute.shown} is refused: a feed on the network may not point to files of this machine."
                raise FetchRefused(msg, url=absolute.shown)
            return absolute
        if url.startswith(("//", "\\")):
            msg = f"{url!r} is refused: a path of a feed may not name another server."
            raise FetchRefused(msg, url=url)
        if not self._is_remote:
            path = url if url.startswith("/") else self._path + url
            return Address(self.origin, "file://" + quote(path, safe=_PATH_SAFE, errors="surrogateescape"), path)
        path = quote(url, safe=_PATH_SAFE, errors="surrogateescape")
        base = self._root if url.startswith("/") else self._folder
        return Address(self.origin, f"{base}{path}{self._suffix}")


def parse(url: str) -> Address:
    """Return the address that the absolute `url` means; a user name and password in it are dropped.

    Raises `FetchRefused` for a scheme other than http, https and file, and for what is no address.
    """
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme.lower(), parts.port
        host = _host(parts.hostname or "")
    except ValueError as error:
        raise _refused(url, f"it is no address ({_safe(str(error), url)})") from error
    if scheme not in _PORTS:
        raise _refused(url, "only http://, https:// and file:// can be fetched")
    if scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise _refused(url, "file:// names a host; write file:///folder")
        path = unquote(parts.path, errors="surrogateescape")
        return Address(("file", "", 0), "file://" + quote(path, safe=_PATH_SAFE, errors="surrogateescape"), path)
    if not host:
        raise _refused(url, "it names no host")
    origin = (scheme, host, _PORTS[scheme] if port is None else port)
    path = quote(parts.path or "/", safe=_PATH_SAFE + "%")
    query = f"?{quote(parts.query, safe=_QUERY_SAFE)}" if parts.query else ""
    return Address(origin, f"{_root(origin)}{path}{query}")


def redirected(source: Address, location: str) -> Address:
    """Return where the answer of `source` points to with its `location`, absolute or relative.

    Raises `FetchRefused` if it is neither http nor https, or leaves https for http. Source: RFC 9110, section 10.2.2.
    """
    try:
        target = parse(urljoin(source.url, location))
    except ValueError as error:
        raise _refused(location, f"it is no address, though {source.shown} redirects to it") from error
    if target.is_file:
        msg = f"{source.shown} redirects to {target.shown}, which is refused: only http:// and https:// may be redirected to."
        raise FetchRefused(msg, url=source.shown)
    if source.origin[0] == "https" and target.origin[0] == "http":
        msg = f"{source.shown} redirects to {target.shown}, which is refused: it would leave https for http."
        raise FetchRefused(msg, url=source.shown)
    return target


def _root(origin: Origin) -> str:
    scheme, host, port = origin
    shown_host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown_host}" if port == _PORTS[scheme] else f"{scheme}://{shown_host}:{port}"


def _host(host: str) -> str:
    """Return the host in the one form that all readers agree on; raises `ValueError`."""
    if not host:
        return ""
    if ":" in host and "%" not in host:
        return str(ipaddress.IPv6Address(host))
    ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    if not _HOST.fullmatch(ascii_host):
        msg = "its host has characters that no host has"
        raise ValueError(msg)
    return ascii_host


def _user(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def _refused(url: str, why: str) -> FetchRefused:
    shown = _without_secrets(url)
    return FetchRefused(f"{shown} cannot be fetched: {why}.", url=shown)


def _without_secrets(url: str) -> str:
    """Return `url`, which may be no address at all, without anything that may be a password or a token."""
    without_user = re.sub(r"//.*@", "//", url, flags=re.DOTALL)
    head, question_mark, _ = without_user.partition("?")
    return f"{head}?…" if question_mark else head


def _safe(text: str, url: str) -> str:
    """Return the library's message, unless it may repeat a password of `url`."""
    return "check its host and port" if "@" in url else text
