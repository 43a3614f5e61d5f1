"""Which facade a request is for: by its host and the beginning of its path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from entrepot.facades.door import Door, host_of
from entrepot.facades.edgecast import EdgecastDoor
from entrepot.facades.livingdocs import LivingdocsDoor
from entrepot.facades.pugpig import PugpigDoor

if TYPE_CHECKING:
    from starlette.types import Scope

    from entrepot.engine import Engine
    from entrepot.readers import Readers

#: Name in the settings, door, and the beginnings of paths that are its own: what it does not know there it answers itself.
FACADES: tuple[tuple[str, type[Door], tuple[str, ...]], ...] = (
    ("edgecast", EdgecastDoor, ("/v2/mcc", "/rules-engine")),
    ("livingdocs", LivingdocsDoor, ("/api",)),
    ("pugpig", PugpigDoor, ("/publication", "/pugpig")),
)


class FacadeDoors:
    """The facades that the settings let be served."""

    def __init__(self, engine: Engine, readers: Readers, *, facades: Sequence[tuple[str, type[Door], tuple[str, ...]]]) -> None:
        """Open the doors of `facades`, a table as `FACADES` is, that are not switched off."""
        settings = engine.settings
        self._doors = [
            (beginning, tuple(getattr(settings, f"{name}_hosts")), served)
            for name, door, beginnings in facades
            if name in settings.facades
            for served in (door(engine, readers),)
            for beginning in beginnings
        ]

    def find(self, scope: Scope) -> Door | None:
        """Return the door that a request is for, None if it is for none."""
        path = scope["path"]
        for beginning, hosts, door in self._doors:
            if path.startswith(beginning) and path[len(beginning) : len(beginning) + 1] in ("", "/"):
                return door if not hosts or _is_one_of(host_of(scope), hosts) else None
        return None


def _is_one_of(host: str, patterns: Sequence[str]) -> bool:
    """Say whether a host is named; `*.` stands for one label in front."""
    _, _, rest = host.partition(".")
    return any(pattern == host or (pattern.startswith("*.") and pattern[2:] == rest) for pattern in patterns)
