"""The links of a page, joined to its address; usual ones without taking addresses apart, for a page may have thousands."""

from __future__ import annotations

import re
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

_SEGMENTS = r"[A-Za-z0-9_][A-Za-z0-9._~+!-]*(?:/[A-Za-z0-9_][A-Za-z0-9._~+!-]*)*"  # none that is empty or begins with a dot
_WHOLE = re.compile(rf"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]+)?/{_SEGMENTS}")
_RELATIVE = re.compile(rf"((?:\.\./)*){_SEGMENTS}")


class Links:
    """Joins links to the address of the page that they stand in."""

    def __init__(self, page: str) -> None:
        """Take the absolute address of the page."""
        self._page = page
        self._folders: dict[str, str] = {}  # `../../` -> the address of that folder

    def join(self, link: str) -> tuple[str, str] | None:
        """Return the absolute address that a link leads to, and its fragment; None if it is no address.

        Blanks around it do not count. Source: the URL standard, as `urljoin` reads it.
        """
        address, _, fragment = link.strip().partition("#")
        if _WHOLE.fullmatch(address):
            return address, fragment
        relative = _RELATIVE.fullmatch(address)
        if relative is not None:
            up = relative[1]
            if up not in self._folders:
                self._folders[up] = urljoin(self._page, up or ".")
            return self._folders[up] + address[len(up) :], fragment
        try:
            joined, fragment = urldefrag(urljoin(self._page, link.strip()))
            urlsplit(joined)
        except ValueError:
            return None
        return joined, fragment


def filename_of(address: str) -> str:
    """Return the last segment of an absolute address's path, decoded; empty if it is that of a folder."""
    last = address.rpartition("/")[2]
    return last if _RELATIVE.fullmatch(last) else unquote(urlsplit(address).path.rpartition("/")[2])
