"""What the door can do: one `Endpoint` for each route and method, and what its view gets and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from entrepot.errors import JSON
from entrepot.streaming import Event

if TYPE_CHECKING:
    from starlette.types import Scope

    from entrepot.access import Operation, Principal
    from entrepot.engine import Engine

#: Below this everything of this door lies.
PREFIX = "/pulp/api"
#: A JSON schema, as OpenAPI 3.1 holds it.
Schema: TypeAlias = "dict[str, JSON]"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as views see it: who asks, what the path names, the query and the body.

    `query` holds the values of each parameter in their order; `document` is the body, `{}` if there is none; `items` is a
    body that is a list; `path` is the whole path as it is written in answers; `scope` is the connection, for those who need
    its address.
    """

    engine: Engine
    principal: Principal | None
    names: Mapping[str, str]
    query: Mapping[str, list[str]]
    document: dict[str, JSON]
    path: str
    scope: Scope
    items: list[JSON] = field(default_factory=list)

    @property
    def login(self) -> str:
        """The login of who asks; empty where anybody may."""
        return self.principal.login if self.principal else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; `location` is the path of what was made. A document of `NOTHING` is no body at all.

    A document that is an iterator is sent as a list; it is read in the reader's thread, before anything is sent.
    """

    document: object
    status: int = 200
    location: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Wait:
    """An answer that is worth waiting for: `look` is called at once and after changes of the database, at most `seconds`.

    It returns the answer; the last one is sent when `is_ready` says so or the time is over.
    """

    look: Callable[[], Answer]
    is_ready: Callable[[Answer], bool]
    seconds: float


@dataclass(frozen=True, slots=True)
class Events:
    """A stream of events: `look` returns what is new after the event with that id (None: all), and whether it was the last.

    It ends after `seconds` at the latest, if they are given.
    """

    look: Callable[[str | None], tuple[list[Event], bool]]
    after: str | None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """A body of bytes that is yet to come: `take` is called with each piece of it and how many bytes came before that.

    Each call is in a reader's thread, which waits for no client. `end` returns the answer once all has come; it is not called
    if the client goes before that.
    """

    take: Callable[[int, bytes], object]
    end: Callable[[], Answer]


#: The document of an answer without a body.
NOTHING = object()
#: The header that says how many were canceled or removed, where the contract leaves the body no room for it.
COUNT = "x-entrepot-count"

View: TypeAlias = "Callable[[Asked], Answer | Wait | Events | Intake]"


@dataclass(frozen=True, slots=True)
class Body:
    """The body that an endpoint reads: the schema of its JSON, and whether it may be left out (then it is `{}`).

    Bytes are no JSON and of any size; the view of such an endpoint returns an `Intake`.
    """

    schema: Schema
    is_optional: bool = False
    kind: Literal["object", "list", "bytes"] = "object"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route and method: `path` below `/pulp/api`, the operation that must be permitted (None: anybody may), its view.

    `answers` names the schema of the document for each status of success, `problems` the statuses of refusals beyond those
    that any endpoint may give. The first line of the view's docstring is its summary. `resource` is what the operation must
    be permitted on, where that is not the path; `{login}` in it is who asks. `other_resource` finds another path that the same
    thing has, for the path's variable segments, or None: who is permitted there is permitted here.
    """

    method: str
    path: str
    permission: Operation | None
    view: View
    answers: Mapping[int, Schema | None]
    problems: tuple[int, ...] = ()
    body: Body | None = None
    query: tuple[Parameter, ...] = ()
    resource: str | None = None
    other_resource: Callable[[Engine, Mapping[str, str]], str | None] | None = None

    @property
    def names(self) -> list[str]:
        """The names of the path's variable segments, in order."""
        return list(_names(self.path))

    @property
    def action(self) -> str:
        """What it does, as the audit log calls it: `sync repository`."""
        return self.view.__name__.replace("_", " ")

    @property
    def summary(self) -> str:
        """One sentence about it."""
        return (self.view.__doc__ or "").strip().partition("\n")[0]


@cache
def _names(path: str) -> tuple[str, ...]:
    return tuple(segment[1:-1] for segment in path.split("/") if segment.startswith("{"))
