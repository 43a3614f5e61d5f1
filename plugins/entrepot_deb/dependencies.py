"""What packages need: the dependencies that they name, and which packages of a repository meet them.

Source: Debian Policy 4.7, 7.1 (syntax) and 7.5 (virtual packages).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from entrepot_deb.units import Deb
from entrepot_deb.versions import satisfies

_ALTERNATIVE = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9+._-]*)(?::[a-z0-9-]+)?"
    r"(?:\s*\(\s*(?P<relation><<|<=|=|>=|>>|<|>)\s*(?P<version>[^\s)]+)\s*\))?"
)


class Wish(NamedTuple):
    """A package that is asked for, of any version or of some."""

    name: str
    relation: str | None
    version: str | None

    def is_met_by(self, name: str, version: str | None) -> bool:
        """Say whether a package, or a virtual one that has no version, is what is asked for."""
        if name != self.name:
            return False
        if self.relation is None or self.version is None:
            return True
        return version is not None and satisfies(version, self.relation, self.version)


def read_wishes(text: str | None) -> list[list[Wish]]:
    """Return what a field such as Depends asks for: one of each list of alternatives. What cannot be read asks for nothing."""
    found = []
    for part in (text or "").replace("\n", " ").split(","):
        matches = (_ALTERNATIVE.match(alternative) for alternative in part.split("|"))
        wishes = [Wish(match["name"], match["relation"], match["version"]) for match in matches if match]
        if wishes:
            found.append(wishes)
    return found


def needed(chosen: Iterable[Deb], present: Iterable[Deb], offered: Iterable[Deb]) -> list[Deb]:
    """Return those of `offered` that `chosen` need, directly or not, and that are not `present` already.

    Of several alternatives the first that is offered is taken, in its newest version. What nobody offers is left out:
    it may come from another repository.
    """
    available, at_hand = _Offer(offered), _Offer(present)
    waiting = list(chosen)
    for deb in waiting:
        at_hand.add(deb)
    found: list[Deb] = []
    while waiting:
        deb = waiting.pop()
        for wishes in read_wishes(deb.pre_depends) + read_wishes(deb.depends):
            if any(True for wish in wishes for _ in at_hand.meeting(wish, deb.architecture)):
                continue
            for each in next(filter(None, (available.newest(wish, deb.architecture) for wish in wishes)), []):
                at_hand.add(each)
                found.append(each)
                waiting.append(each)
    return found


class _Offer:
    """Packages by their names, and by those that they provide."""

    def __init__(self, debs: Iterable[Deb]) -> None:
        self._by_name: dict[str, list[tuple[str | None, Deb]]] = defaultdict(list)
        for deb in debs:
            self.add(deb)

    def add(self, deb: Deb) -> None:
        self._by_name[deb.name].append((deb.version, deb))
        for wishes in read_wishes(deb.provides):
            self._by_name[wishes[0].name].append((wishes[0].version, deb))

    def meeting(self, wish: Wish, architecture: str) -> Iterator[Deb]:
        """Yield the packages that meet a wish of one that runs on `architecture`."""
        for version, deb in self._by_name.get(wish.name, ()):
            runs = architecture == "all" or deb.architecture in (architecture, "all")
            if runs and wish.is_met_by(wish.name, version):
                yield deb

    def newest(self, wish: Wish, architecture: str) -> list[Deb]:
        """Return the newest package that meets a wish, one for each architecture that will do."""
        best: dict[str, Deb] = {}
        for deb in self.meeting(wish, architecture):
            other = best.get(deb.architecture)
            if other is None or (deb.name == wish.name, deb.version_order()) > (other.name == wish.name, other.version_order()):
                best[deb.architecture] = deb
        return [best[name] for name in sorted(best)]
