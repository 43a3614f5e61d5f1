"""Which packages of a repository others of it require: by name, version and file, the newest that will do.

Weak dependencies (recommends, suggests) bring nothing along. Of rich ones, all that stands before `if` and `unless` counts,
and the first of alternatives that can be had.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import createrepo_c

from entrepot_rpm.snippets import unpack
from entrepot_rpm.units import Rpm
from entrepot_rpm.versions import package_order

if TYPE_CHECKING:
    from entrepot.plugin import CopyConduit

_RICH = re.compile(r"[()]|(?:and|or|with|without|if|else|unless)(?=[\s()])|[^\s()]+(?:\([^\s()]*\))*")
_OPERATORS = {"<": "LT", "<=": "LE", "=": "EQ", ">=": "GE", ">": "GT"}


class Relation(NamedTuple):
    """A name, perhaps with a version: `flags` is LT, LE, EQ, GE or GT, None for any version."""

    name: str
    flags: str | None = None
    epoch: str | None = None
    version: str | None = None
    release: str | None = None


class _Provider(NamedTuple):
    row: int
    package: str
    order: Any  # of the package's own version
    relation: Relation


class _Index:
    """What the packages of a repository provide, and of some what they require."""

    def __init__(self, packages: Iterable[Rpm], wanted: Collection[int] | None = None) -> None:
        """Read the documents of `packages`; requirements are kept of those whose row is `wanted`, None: of all."""
        self.provides: dict[str, list[_Provider]] = {}
        self.requires: dict[int, list[list[Relation]]] = {}
        self.names: dict[int, str] = {}
        for package in packages:
            if package.document is None or package.stored_row is None:
                continue
            self._add(
                package, package.stored_row, unpack(package.document)[0], keeps=wanted is None or package.stored_row in wanted
            )

    def _add(self, package: Rpm, row: int, primary: bytes, *, keeps: bool) -> None:
        order = package.version_order()
        for parsed in _parsed(primary):
            relations = [Relation(*entry[:5]) for entry in parsed.provides]
            relations += [Relation(folder + name) for _, folder, name, *_ in parsed.files]
            relations.append(Relation(package.name, "EQ", package.epoch, package.version, package.release))
            for relation in relations:
                self.provides.setdefault(relation.name, []).append(_Provider(row, package.name, order, relation))
            if keeps:
                self.requires[row] = [alternatives for entry in parsed.requires for alternatives in _alternatives(entry)]
        self.names[row] = package.name

    def find(self, relation: Relation) -> list[_Provider]:
        """Return who provides what is required, the best last: of the same name, and the newest."""
        providers = [one for one in self.provides.get(relation.name, ()) if _satisfies(one.relation, relation)]
        return sorted(providers, key=lambda one: (one.package == relation.name, one.order, -one.row))


def requirements(ctx: CopyConduit, chosen: list[Rpm], *, is_conservative: bool) -> Iterator[Rpm]:
    """Yield what `chosen` packages of the source require of it, and what those require, and so on.

    `is_conservative`: not what the destination provides already.
    """
    if not chosen:
        return
    index = _Index(ctx.source_units(Rpm, documents=True))
    _add_files(ctx, index)
    held = _Index(ctx.units(Rpm, documents=True), wanted=()) if is_conservative else None
    rows = {package.stored_row for package in chosen if package.stored_row is not None}
    waiting, found = list(rows), set[int]()
    while waiting:
        for alternatives in index.requires.get(waiting.pop(), ()):
            row = _needed(alternatives, index, rows, held)
            if row is not None:
                rows.add(row)
                found.add(row)
                waiting.append(row)
    names = {index.names[row] for row in found}
    if names:
        yield from (package for package in ctx.source_units(Rpm, names=names) if package.stored_row in found)


def _needed(alternatives: list[Relation], index: _Index, rows: set[int], held: _Index | None) -> int | None:
    """Return the row of the package to bring for a requirement; None if there is one already, or none to be had."""
    best = None
    for relation in alternatives:
        if held is not None and held.find(relation):
            return None
        providers = index.find(relation)
        if any(provider.row in rows for provider in providers):
            return None
        if best is None and providers:
            best = providers[-1].row
    return best


def _add_files(ctx: CopyConduit, index: _Index) -> None:
    """Add the packages that have files which are required, and which primary does not name."""
    wanted = {
        relation.name
        for requires in index.requires.values()
        for alternatives in requires
        for relation in alternatives
        if relation.name.startswith("/") and relation.name not in index.provides
    }
    if not wanted:
        return
    for package in ctx.source_units(Rpm, documents=True):
        if package.document is None or package.stored_row is None:
            continue
        for path in wanted & set(re.findall(r"<file[^>]*>([^<]*)</file>", unpack(package.document)[1].decode())):
            provider = _Provider(package.stored_row, package.name, package.version_order(), Relation(path))
            index.provides.setdefault(path, []).append(provider)


def _parsed(primary: bytes) -> list[Any]:
    packages: list[Any] = []
    createrepo_c.xml_parse_primary_snippet(primary.decode(), pkgcb=packages.append, do_files=1)
    return packages


def _alternatives(entry: tuple[Any, ...]) -> Iterator[list[Relation]]:
    """Yield what an entry of requires asks for: each time one of several will do."""
    name = str(entry[0])
    if name.startswith("rpmlib("):
        return
    if not name.startswith("("):
        yield [Relation(*entry[:5])]
        return
    yield from _rich(name)


def _rich(text: str) -> Iterator[list[Relation]]:
    """Yield the alternatives of a rich dependency, read from left to right until a condition."""
    group: list[Relation] = []
    tokens = iter(_RICH.findall(text))
    for token in tokens:
        if token in ("if", "unless", "without", "else"):
            break
        if token in ("and", "with"):
            if group:
                yield group
            group = []
        elif token in _OPERATORS and group:
            epoch, version, release = _evr(next(tokens, ""))
            group[-1] = Relation(group[-1].name, _OPERATORS[token], epoch, version, release)
        elif token not in ("(", ")", "or"):
            group.append(Relation(token))
    if group:
        yield group


def _evr(text: str) -> tuple[str | None, str | None, str | None]:
    epoch, _, rest = text.rpartition(":")
    version, _, release = rest.partition("-")
    return epoch or "0", version or None, release or None


def _satisfies(provided: Relation, required: Relation) -> bool:
    """Say whether the versions of two relations of one name overlap. Source: rpm, `rpmdsCompare`."""
    if required.flags is None or provided.flags is None:
        return True
    order = _compared(provided, required)
    if order < 0:
        return provided.flags in ("GT", "GE") or required.flags in ("LT", "LE")
    if order > 0:
        return provided.flags in ("LT", "LE") or required.flags in ("GT", "GE")
    return bool(_EQUAL[provided.flags] & _EQUAL[required.flags])


#: What a flag lets pass where both versions are equal: equality itself, or the same direction.
_EQUAL = {"LT": {"L"}, "LE": {"L", "E"}, "EQ": {"E"}, "GE": {"G", "E"}, "GT": {"G"}}


def _compared(one: Relation, other: Relation) -> int:
    """Return -1, 0 or 1; a release that one of the two leaves out does not count."""
    releases = (one.release, other.release) if one.release and other.release else ("", "")
    first = package_order(one.epoch or "0", one.version or "", releases[0] or "")
    second = package_order(other.epoch or "0", other.version or "", releases[1] or "")
    return (first > second) - (first < second)
