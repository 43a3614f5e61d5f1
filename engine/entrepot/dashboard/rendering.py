"""Make HTML of pages: the templates' environment, and which parts of a page are live.

Everything is escaped, and a name that a template does not know is an error. A live part is written
`{% call live("running") %}…{% endcall %}`: it gets an id, is noted beside the page, and is what `live` sends when it differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from entrepot.access import Operation
from entrepot.dashboard import charts, words
from entrepot.dashboard.page import address, segment
from entrepot.dashboard.static_files import static_path
from entrepot.version import __version__

if TYPE_CHECKING:
    from entrepot.access import Principal
    from entrepot.dashboard.page import Page
    from entrepot.engine import Engine

_TEMPLATES = Path(__file__).with_name("templates")
#: Hexadecimal digits that tell one state of a live part from another.
_DIGEST_LENGTH = 10
#: What the menu offers: path, words, and the REST path that must be readable (None: it is for everybody).
MENU: tuple[tuple[str, str, str | None], ...] = (
    ("/", "Overview", None),
    ("/tasks", "Tasks", "/v2/tasks/"),
    ("/repositories", "Repositories", "/v2/repositories/"),
    ("/schedules", "Schedules", "/v2/schedules/"),
    ("/propagation", "Propagation", None),
    ("/workers", "Workers", "/v2/workers/"),
    ("/plugins", "Plugins", "/v2/plugins/"),
    ("/users", "Users", "/v2/users/"),
    ("/audit", "Audit", "/v2/audit/"),
    ("/docs", "Docs", None),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """Whom a page is made for, and where: `path` with its query is the page's own address, `root` what a proxy puts before all.

    `csrf` is the token of forms. `notice` is what the page before wants to be said. `principal` is None before the login.
    """

    engine: Engine
    principal: Principal | None
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    root: str = ""
    csrf: str = field(default="", repr=False)
    notice: str = ""
    is_trouble: bool = False

    def may(self, operation: str, resource: str) -> bool:
        """Say whether who looks at the page may do `operation` on the REST path `resource`."""
        return self.principal is not None and self.engine.access.allows(self.principal, Operation[operation], resource)

    def link(self, path: str) -> str:
        """Return an address of the dashboard, right behind any proxy."""
        return self.root + path


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page as HTML, and its live parts by their names."""

    html: str
    parts: Mapping[str, str]


def render(page: Page, visit: Visit) -> Rendered:
    """Make the page."""
    parts: dict[str, str] = {}
    template = _environment().get_template(page.template)
    html = template.render(
        **page.values,
        title=page.title,
        visit=visit,
        may=visit.may,
        link=visit.link,
        static=lambda name: visit.link(static_path(name)),
        menu=[(path, name) for path, name, resource in MENU if resource is None or visit.may("READ", resource)],
        live=partial(_live, parts),
        stream=lambda: visit.link(
            "/live?" + urlencode({"page": address(visit.path, dict(visit.query)), "after": marks(parts)})
        ),
        has_live=lambda: bool(parts),
    )
    return Rendered(html, parts)


def marks(parts: Mapping[str, str]) -> str:
    """Return what tells the states of live parts: `running:0f3a…;done:…`, which is the id of their events."""
    return ";".join(f"{name}:{digest(part)}" for name, part in sorted(parts.items()))


def digest(part: str) -> str:
    """Return what tells one state of a live part from another."""
    return hashlib.sha256(part.encode()).hexdigest()[:_DIGEST_LENGTH]


def _live(parts: dict[str, str], name: str, caller: Callable[[], Markup]) -> Markup:
    part = str(caller()).strip()
    parts[name] = part
    frame = '<div id="live-{}" class="live" sse-swap="{}" hx-swap="innerHTML">{}</div>'
    return Markup(frame).format(name, name, Markup(part))  # noqa: S704 - it comes out of a template, escaped


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters = (words.moment, words.instant, words.span, words.size, words.number, words.short, words.pretty)
    environment.filters |= {function.__name__: function for function in filters}
    environment.filters["segment"] = segment
    environment.globals |= {"version": __version__, "sparkline": charts.sparkline, "bars": charts.bars}
    return environment
