"""What comes along when units are copied: what groups, advisories and modules list, and what packages require."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from entrepot.plugin import Unit
from entrepot_rpm.dependencies import requirements
from entrepot_rpm.modules import nevra_of
from entrepot_rpm.signatures import Rules
from entrepot_rpm.units import (
    UNIT_TYPES,
    Drpm,
    Erratum,
    Modulemd,
    ModulemdDefaults,
    Package,
    PackageCategory,
    PackageEnvironment,
    PackageGroup,
    PackageLangpacks,
    Rpm,
    Srpm,
    YumMetadataFile,
)
from entrepot_rpm.updateinfo import merged, packages_of

if TYPE_CHECKING:
    from entrepot.plugin import CopyConduit


#: Units that name their repository: a copy is a unit of its own.
_OWNED = (PackageGroup, PackageCategory, PackageEnvironment, PackageLangpacks, ModulemdDefaults, YumMetadataFile)
_PACKAGES: tuple[type[Rpm | Srpm], ...] = (Rpm, Srpm)


def copied_as_they_are(config: Any) -> tuple[type[Unit], ...]:  # noqa: ANN401 - a YumConfig, which is above this module
    """Return the unit types that come without a look under a configuration."""
    looked_at: set[type[Unit]] = {*_OWNED, Erratum}
    if _is_recursive(config):
        looked_at |= {Rpm, Modulemd}
    if config.copy_children:
        looked_at.add(Modulemd)
    if Rules.of(config):
        looked_at |= {Rpm, Srpm, Drpm}
    return tuple(unit_type for unit_type in UNIT_TYPES if unit_type not in looked_at)


def copied(ctx: CopyConduit, units: Iterable[Unit]) -> Iterator[Unit]:
    """Yield what comes into a repository when `units` of another one are copied; each unit once.

    Packages that the rules about signatures do not let in are left out, as in Pulp.
    """
    return _Copy(ctx).units(units)


class _Copy:
    """One copy: what was yielded, and what is still to be looked for."""

    def __init__(self, ctx: CopyConduit) -> None:
        self._ctx = ctx
        self._rules = Rules.of(ctx.config)
        self._brings_children = ctx.config.copy_children or _is_recursive(ctx.config)
        self._done: set[tuple[str, str]] = set()
        self._chosen: dict[int, Rpm] = {}  # by row id: packages whose requirements are looked for
        self._group_ids: set[str] = set()
        self._names: set[str] = set()
        self._nevras: dict[str, set[tuple[str, ...]]] = {}  # name -> packages of advisories and modules
        self._errata: list[Erratum] = []

    def units(self, units: Iterable[Unit]) -> Iterator[Unit]:
        for unit in units:
            yield from self._unit(unit)
        yield from self._united()
        if self._brings_children:
            yield from self._groups()
            yield from self._packages()
        if _is_recursive(self._ctx.config):
            is_conservative = self._ctx.config.recursive_conservative
            for package in requirements(self._ctx, list(self._chosen.values()), is_conservative=is_conservative):
                yield from self._once(package)

    def _unit(self, unit: Unit) -> Iterator[Unit]:
        if isinstance(unit, Erratum):
            if not self._is_new(unit):
                return
            self._errata.append(unit)
        elif isinstance(unit, Package | Drpm):
            yield from self._once(unit)
        elif isinstance(unit, _OWNED):
            yield from self._owned(unit)
        else:
            yield from self._once(unit)
            if isinstance(unit, Modulemd):
                self._list(nevra_of(artifact) for artifact in unit.artifacts)
                if _is_recursive(self._ctx.config):
                    yield from self._required_modules(unit)

    def _owned(self, unit: Unit) -> Iterator[Unit]:
        if not self._is_new(unit):
            return
        if isinstance(unit, PackageGroup):
            self._names |= unit.package_names
        elif isinstance(unit, PackageCategory):
            self._group_ids |= {*unit.packagegroupids}
        elif isinstance(unit, PackageEnvironment):
            self._group_ids |= {*unit.group_ids, *(str(option.get("group")) for option in unit.options)}
        yield self._ctx.renewed(unit, repo_id=self._ctx.repository_id)

    def _groups(self) -> Iterator[Unit]:
        """Yield the groups of the categories and environments that come."""
        if self._group_ids:
            for group in self._ctx.source_units(PackageGroup, names=self._group_ids):
                yield from self._owned(group)

    def _united(self) -> Iterator[Unit]:
        """Yield the advisories, united with those that the repository holds."""
        if not self._errata:
            return
        held = {erratum.id: erratum for erratum in self._ctx.units(Erratum, names={erratum.id for erratum in self._errata})}
        for erratum in self._errata:
            union = merged(held[erratum.id], erratum) if erratum.id in held else erratum
            yield erratum if union == erratum else self._ctx.renewed(erratum, **union.model_dump())
        self._list(packages_of(self._errata))

    def _packages(self) -> Iterator[Unit]:
        """Yield the packages that are listed: by name the newest of each architecture, else the very version."""
        newest: dict[tuple[str, str], Rpm] = {}
        if self._names:
            for package in self._ctx.source_units(Rpm, names=self._names):
                known = newest.get((package.name, package.arch))
                if known is None or known.version_order() < package.version_order():
                    newest[package.name, package.arch] = package
        for package in newest.values():
            yield from self._once(package)
        if self._nevras:
            for unit_type in _PACKAGES:
                for unit in self._ctx.source_units(unit_type, names=self._nevras.keys()):
                    if (unit.name, unit.epoch, unit.version, unit.release, unit.arch) in self._nevras[unit.name]:
                        yield from self._once(unit)

    def _required_modules(self, module: Modulemd) -> Iterator[Unit]:
        wanted: dict[str, set[str]] = {}
        for choice in module.dependencies:
            for name, streams in choice.items():
                wanted.setdefault(name, set()).update(streams)
        if wanted:
            for other in self._ctx.source_units(Modulemd, names=wanted.keys()):
                if other.stream in wanted[other.name]:
                    yield from self._unit(other) if (other.type_id, other.uid) not in self._done else ()

    def _list(self, nevras: Iterable[tuple[str, ...]]) -> None:
        for nevra in nevras:
            self._nevras.setdefault(nevra[0], set()).add(nevra)

    def _once(self, unit: Unit) -> Iterator[Unit]:
        """Yield a unit as it is, if it was not yet; a package only if the rules let it in."""
        if not self._is_new(unit):
            return
        if isinstance(unit, Rpm | Srpm) and self._rules and self._rules.problem(unit.signing_key) is not None:
            return
        if isinstance(unit, Drpm) and self._rules.is_required:
            return  # nobody has looked into it
        if isinstance(unit, Rpm) and unit.stored_row is not None:
            self._chosen[unit.stored_row] = unit
        yield unit

    def _is_new(self, unit: Unit) -> bool:
        key = unit.type_id, unit.uid
        is_new = key not in self._done
        self._done.add(key)
        return is_new


def _is_recursive(config: Any) -> bool:  # noqa: ANN401 - as above
    return bool(config.recursive or config.recursive_conservative)
