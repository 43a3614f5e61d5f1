"""The links of an HTML page with their attributes, and what its head says of itself; in bounded memory and time."""

from __future__ import annotations

import codecs
from html.parser import HTMLParser

LARGEST_TAG = 65_536  # characters; what is longer than that and has no end is no tag
MOST_ANCHORS = 100_000
_CHUNK = 65_536  # bytes that are given to the parser at once
_CLOSED = ("html", "body", "a")  # elements that must be closed if they are opened: a page that ends within one is cut short


class Anchors(HTMLParser):
    """Gathers what is wanted of a page; `found` is each link's attributes, by lower-case name."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__(convert_charrefs=True)
        self.found: list[dict[str, str | None]] = []
        self.base: str | None = None
        self.version: str | None = None
        self.is_truncated = False
        self._open = dict.fromkeys(_CLOSED, 0)

    @classmethod
    def of(cls, data: bytes) -> Anchors:
        """Return what a page holds.

        `is_truncated` says that it ends within a tag or an element, or has a tag that is too long: then the rest is not read.

        Raises:
            UnicodeDecodeError: it is no UTF-8.
            OverflowError: it has more links than `MOST_ANCHORS`; the text says so.

        """
        page = cls()
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        for start in range(0, len(data), _CHUNK):
            page.feed(decoder.decode(data[start : start + _CHUNK]))
            if len(page.rawdata) > LARGEST_TAG + _CHUNK:
                page.is_truncated = True
                return page
        decoder.decode(b"", final=True)
        # `close` is not called: what is left over is no link, and the parser may take long to find that out.
        page.is_truncated = "<" in page.rawdata or any(count > 0 for count in page._open.values())
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag."""
        if tag in self._open:
            self._open[tag] += 1
        if tag == "a":
            if len(self.found) >= MOST_ANCHORS:
                raise OverflowError(f"it has more than {MOST_ANCHORS} links")
            attributes = dict(attrs)
            if attributes.get("href"):
                self.found.append(attributes)
        elif tag == "base" and self.base is None:
            self.base = dict(attrs).get("href")
        elif tag == "meta":
            attributes = dict(attrs)
            if attributes.get("name") == "pypi:repository-version":
                self.version = attributes.get("content")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag that closes itself, as browsers do: as one that does not."""
        self.handle_starttag(tag, attrs)
        if tag in self._open:
            self._open[tag] -= 1

    def handle_endtag(self, tag: str) -> None:
        """Note what is closed."""
        if tag in self._open:
            self._open[tag] -= 1
