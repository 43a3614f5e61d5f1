"""The documentation as the dashboard shows it, without any other server: Markdown read from disk, made into safe HTML.

`navigation` is the order of the pages here, and of the site that `scripts/docs` builds. In a wheel the pages lie in
`entrepot/handbook`, in a checkout in `docs`. Nothing here knows of requests: pages of the dashboard ask for `pages` and `page`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from entrepot.errors import MissingResource

#: Where the dashboard serves the pages.
PATH = "/docs/"
#: The page that `PATH` itself is.
FRONT = "README"
#: The sections and the slugs of their pages, in order: the paths of the files without `.md`. Decisions follow by their numbers.
NAVIGATION: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Documentation", (FRONT,)),
    ("Tutorial", ("tutorial",)),
    (
        "How to",
        (
            "dashboard",
            "howto/mirror-rpm",
            "formats",
            "content",
            "schedules",
            "edges",
            "facades",
            "access",
            "remote",
            "tasks",
            "plugins",
            "howto/move-from-pulp2",
            "operations",
            "howto/systemd",
            "howto/containers",
            "howto/nginx",
            "howto/scale-out",
            "howto/backup-restore",
            "observability",
        ),
    ),
    (
        "Reference",
        ("cli", "reference/commands", "reference/commands-more", "settings", "rest", "reference/rest", "reference/errors"),
    ),
    ("Explanation", ("guarantees", "decisions/README")),
)

_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_ELSEWHERE = ("http", "https", "mailto")


@dataclass(frozen=True, slots=True)
class HandbookPage:
    """A page in its place: `slug` is its path below `PATH`, `section` the heading that it stands under."""

    slug: str
    title: str
    section: str

    @property
    def address(self) -> str:
        """The path at which the dashboard serves it."""
        return PATH if self.slug == FRONT else PATH + self.slug


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a page below its title: `level` is 2 to 6, `anchor` its id."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page as HTML without its title, which whoever shows it writes as the one `h1`.

    `html` is safe: raw HTML of the Markdown is shown as text, there are no styles, scripts or pictures, and links lead to
    `PATH`, within the page, or to http(s) and mailto.
    """

    title: str
    html: str
    headings: tuple[Heading, ...]


def navigation() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return `NAVIGATION` and, as its last section, the decisions."""
    decisions = (f"decisions/{path.stem}" for path in (_folder() / "decisions").glob("[0-9]*.md"))
    return (*NAVIGATION, ("Decisions", tuple(sorted(decisions))))


def pages() -> Sequence[HandbookPage]:
    """Return the pages that are there, in the order of the navigation."""
    return tuple(_pages().values())


@cache
def page(slug: str) -> RenderedPage:
    """Return a page as HTML. Raises MissingResource for a slug that the navigation does not have."""
    listed = _pages().get(slug)
    if listed is None:
        raise MissingResource(page=slug)
    tokens = _parser().parse(_text(slug))
    headings = tuple(_named_headings(tokens))
    _turn_links(tokens, slug)
    parser = _parser()
    html = parser.renderer.render(_without_title(tokens), parser.options, {})
    return RenderedPage(listed.title, html, headings)


def anchor(title: str) -> str:
    """Return the id of a heading as GitHub makes it, so that links written for one reader work for all."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@cache
def _pages() -> dict[str, HandbookPage]:
    found = {}
    for section, slugs in navigation():
        for slug in slugs:
            if (_folder() / f"{slug}.md").is_file():
                title = _TITLE.search(_text(slug))
                found[slug] = HandbookPage(slug, title[1].replace("`", "") if title else slug, section)
    return found


@cache
def _folder() -> Path:
    installed = Path(__file__).parents[1] / "handbook"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "docs"


def _text(slug: str) -> str:
    return (_folder() / f"{slug}.md").read_text(encoding="utf-8")


class _Renderer(RendererHTML):
    """HTML for a strict content security policy and for readers without a mouse: no styles; wide parts scroll by keyboard."""

    def table_open(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        """Begin a table in a box that scrolls, numbered, because regions need names of their own."""
        number = env["tables"] = env.get("tables", 0) + 1
        box = f'<div class="scroll" role="region" tabindex="0" aria-label="Table {number}">'
        return box + self.renderToken(tokens, index, options, env)

    def table_close(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        """End a table and its box."""
        return self.renderToken(tokens, index, options, env) + "</div>\n"

    def th_open(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        """Say of a header that it is one of a column."""
        tokens[index].attrs = {"scope": "col"}
        return self.renderToken(tokens, index, options, env)

    def td_open(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        """Leave out the style by which Markdown aligns."""
        tokens[index].attrs = {}
        return self.renderToken(tokens, index, options, env)

    def fence(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:  # noqa: ARG002 - the library's
        """Show a block of code, which scrolls by itself."""
        token = tokens[index]
        language = re.sub(r"\W", "", token.info.partition(" ")[0])
        return f'<pre tabindex="0"><code class="language-{language}">{escape(token.content)}</code></pre>\n'

    def image(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:  # noqa: ARG002 - the library's
        """Show what a picture says in words; none lies beside the pages."""
        return escape(tokens[index].content)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


def _named_headings(tokens: list[Token]) -> Iterator[Heading]:
    """Give each heading its id, and yield those below the title."""
    taken: dict[str, int] = {}
    for opening, inside in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(part.content for part in inside.children or ())
            name = anchor(text)
            times = taken[name] = taken.get(name, -1) + 1
            opening.attrs["id"] = f"{name}-{times}" if times else name
            if opening.tag != "h1":
                yield Heading(int(opening.tag[1]), text, str(opening.attrs["id"]))


def _without_title(tokens: list[Token]) -> list[Token]:
    starts = tokens[:1] and tokens[0].type == "heading_open" and tokens[0].tag == "h1"
    return tokens[3:] if starts else tokens


def _turn_links(tokens: list[Token], slug: str) -> None:
    """Let links between pages lead to the dashboard's, and make text of those to files that are not here."""
    for token in tokens:
        if not token.children:
            continue
        kept, dropped = [], 0
        for child in token.children:
            if child.type == "link_open":
                target = _target(str(child.attrs.get("href", "")), slug)
                if target is None:
                    dropped += 1
                    continue
                child.attrs["href"] = target
            elif child.type == "link_close" and dropped:
                dropped -= 1
                continue
            kept.append(child)
        token.children = kept


def _target(link: str, slug: str) -> str | None:
    """Return where a link on the page `slug` leads in the dashboard; None if that is not here."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return link if parts.scheme in _ELSEWHERE else None
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    if not parts.path:
        return fragment or None
    path = PurePosixPath(normpath(PurePosixPath(slug).parent / unquote(parts.path)))
    found = _pages().get(str(path.with_suffix(""))) if path.suffix == ".md" else None
    return found.address + fragment if found else None
