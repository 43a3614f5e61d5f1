"""Find the endpoint of a path: segment by segment, a fixed one before a variable one.

The slash at the end is optional and repeated slashes count as one, as Pulp's clients need it. Variable segments match one
segment, percent-decoded. Source: the Pulp 2 REST contract, 1.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from entrepot.rest.endpoint import Endpoint


@dataclass(slots=True)
class _Node:
    fixed: dict[str, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    endpoints: dict[str, Endpoint] = field(default_factory=dict)


class Routing:
    """The endpoints of the door by path and method."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        """Take the endpoints; two of one path and method are a mistake of the program."""
        self._root = _Node()
        for endpoint in endpoints:
            node = self._root
            for segment in endpoint.path.strip("/").split("/"):
                node = _child(node, segment)
            if endpoint.method in node.endpoints:
                raise ValueError(f"two endpoints for {endpoint.method} {endpoint.path}")
            node.endpoints[endpoint.method] = endpoint

    def find(self, segments: Sequence[str]) -> tuple[Mapping[str, Endpoint], Sequence[str]] | None:
        """Return the endpoints of a path by method, and its variable segments; None if there are none."""
        values: list[str] = []
        node = _walk(self._root, segments, 0, values)
        return None if node is None else (node.endpoints, values)


def segments_of(path: bytes) -> list[str] | None:
    """Return the segments of a path as it was sent, decoded, empty ones left out; None if they are no UTF-8."""
    try:
        return [unquote_to_bytes(segment).decode() for segment in path.split(b"/") if segment]
    except UnicodeDecodeError:
        return None


def _child(node: _Node, segment: str) -> _Node:
    if segment.startswith("{"):
        if node.variable is None:
            node.variable = _Node()
        return node.variable
    return node.fixed.setdefault(segment, _Node())


def _walk(node: _Node, segments: Sequence[str], depth: int, values: list[str]) -> _Node | None:
    if depth == len(segments):
        return node if node.endpoints else None
    fixed = node.fixed.get(segments[depth])
    found = _walk(fixed, segments, depth + 1, values) if fixed is not None else None
    if found is None and node.variable is not None:
        values.append(segments[depth])
        found = _walk(node.variable, segments, depth + 1, values)
        if found is None:
            values.pop()
    return found
