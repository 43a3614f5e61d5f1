"""The documentation of this version, for whoever has logged in."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from entrepot.dashboard import handbook
from entrepot.dashboard.page import Asked, Page, Route


def show(asked: Asked) -> Page:
    """Show a page of the documentation; without a name its front page."""
    slug = asked.names.get("slug", handbook.FRONT)
    found = handbook.page(slug)
    sections = [(name, list(pages)) for name, pages in groupby(handbook.pages(), key=lambda page: page.section)]
    html = found.html.replace(f'href="{handbook.PATH}', f'href="{asked.root}{handbook.PATH}')
    values = {"slug": slug, "sections": sections, "html": Markup(html)}  # noqa: S704 - our own Markdown, in which HTML is text
    return Page("docs.html", found.title, values)


ROUTES = (Route("GET", "/docs", show), Route("GET", "/docs/{slug:path}", show))
