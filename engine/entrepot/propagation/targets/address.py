"""The address of an edge server, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

from entrepot.errors import InvalidValue

#: Why a URL without: it is shown to everybody who sees the deploy.
_NO_PASSWORD = "it must not hold a password: give that as an option, where it is never shown"  # noqa: S105 - a sentence

#: Characters of a URL, at most.
_LONGEST_URL = 2000
#: What users and hosts may hold besides letters and digits: nothing that divides `user@host:path`, or that a shell reads.
_OF_USERS, _OF_HOSTS = "._-+=,@~\\", "._-:%"


@dataclass(frozen=True, slots=True)
class Address:
    """What a URL says; `host`, `user` and `port` are None where it does not say, and `path` is decoded."""

    url: str
    scheme: str
    user: str | None
    host: str | None
    port: int | None
    path: str

    @classmethod
    def read(cls, url: str) -> Self:
        """Take `url` apart, which may also be the path of a folder; raises `InvalidValue`."""
        if len(url) > _LONGEST_URL or not url.isprintable():
            raise InvalidValue("url", why=f"it must be printable, and have at most {_LONGEST_URL} characters")
        if url.startswith("/"):
            return cls(url, "file", None, None, None, url)
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise InvalidValue("url", why=f"it cannot be read: {error}") from error
        if parts.password is not None:
            raise InvalidValue("url", why=_NO_PASSWORD)
        if parts.query or parts.fragment:
            raise InvalidValue("url", why="it must end with its path: no `?` and no `#`")
        user, host, path = (unquote(part) if part else None for part in (parts.username, parts.hostname, parts.path))
        if not (_is_made_of(user, _OF_USERS) and _is_made_of(host, _OF_HOSTS)):
            why = f"its user may hold letters, digits and {_OF_USERS!r}, its host letters, digits and {_OF_HOSTS!r}"
            raise InvalidValue("url", why=f"{why}; both must not begin with `-`")
        if path is not None and "\0" in path:
            raise InvalidValue("url", why="its path must not hold a zero byte")
        return cls(url, parts.scheme, user, host, port, path or "")


def _is_made_of(part: str | None, signs: str) -> bool:
    return part is None or (part[:1] != "-" and all(letter.isalnum() or letter in signs for letter in part))
