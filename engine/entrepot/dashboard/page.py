"""What a view gets and gives, and the table of routes' shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, urlencode

from entrepot.access import Operation

if TYPE_CHECKING:
    from entrepot.access import Principal
    from entrepot.engine import Engine

#: Digits of a number that is read.
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as views see it: who asks, what the path names, the query, and the fields of a form that was sent.

    `path` is decoded, and without the query; `query` and `form` hold the values of each name in their order. `secret` is that
    of the session, `address` where the request comes from, if that is known, `request_id` what
    the logs know it by, `root` what a proxy puts before every path.
    """

    engine: Engine
    principal: Principal
    names: Mapping[str, str]
    query: Mapping[str, list[str]]
    form: Mapping[str, list[str]]
    path: str
    address: str | None
    secret: str = field(repr=False)
    request_id: str | None = None
    root: str = ""

    def asks(self, name: str, default: str = "") -> str:
        """Return the last value that the query has for `name`, without blanks around it."""
        return self.query.get(name, [default])[-1].strip()

    def given(self, name: str, default: str = "") -> str:
        """Return the last value that the form has for `name`, as it was typed."""
        return self.form.get(name, [default])[-1]

    def may(self, operation: str, resource: str) -> bool:
        """Say whether who asks may do `operation` (`READ`, `EXECUTE`, …) on the REST path `resource`."""
        return self.engine.access.allows(self.principal, Operation[operation], resource)

    def require(self, operation: str, resource: str) -> None:
        """Raise `PermissionDenied` unless who asks may do `operation` on the REST path `resource`."""
        self.engine.access.require(self.principal, Operation[operation], resource)

    def here(self, **changes: str | None) -> str:
        """Return the address of this page with some parameters of its query changed, or left out (None)."""
        query = {name: values for name, values in self.query.items() if name not in changes}
        query |= {name: [value] for name, value in changes.items() if value is not None}
        return address(self.path, query)


@dataclass(frozen=True, slots=True)
class Page:
    """A page to be made: the template, what it shows, and the words in the window's title."""

    template: str
    title: str
    values: Mapping[str, object] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where to go after a form: a path of the dashboard; `notice` is said there once. `is_trouble` colours it as such."""

    location: str
    notice: str = ""
    is_trouble: bool = False


View: TypeAlias = "Callable[[Asked], Page | Redirect]"


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the dashboard and its view; `resource` is the REST path on which `operation` must be permitted.

    Names in braces in `resource` are those of the path. None: whoever has logged in may come, and the view asks `may` itself.
    `place` returns the REST path that the audit log names where there is no `resource`; nothing is refused or raised there.
    `actions` are for a form whose field `action` says what it does: what the audit log calls each.
    """

    method: str
    path: str
    view: View
    operation: Operation = Operation.READ
    resource: str | None = None
    actions: Mapping[str, str] = field(default_factory=dict)
    place: Callable[[Asked], str] | None = None

    def action(self, asked: Asked) -> str:
        """Return what it does, as the audit log calls it: the name of the view, `roll back`."""
        return self.actions.get(asked.given("action")) or self.view.__name__.replace("_", " ")


def whole_number(text: str) -> int | None:
    """Return a whole number of an address or a form, None if it is none; any fits 64 bits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def rest_path(pattern: str, names: Mapping[str, str]) -> str:
    """Return a REST path with its names filled in, as permissions are granted on it."""
    return pattern.format_map({name: quote(value, safe="@:+") for name, value in names.items()})


def segment(text: str) -> str:
    """Return a text as one segment of an address: slashes and all else that would mean something is encoded."""
    return quote(text, safe="")


def address(path: str, query: Mapping[str, list[str]] | None = None) -> str:
    """Return a path, decoded, and a query as an address."""
    text = urlencode(query, doseq=True) if query else ""
    return quote(path, safe="/@:+~") + (f"?{text}" if text else "")
