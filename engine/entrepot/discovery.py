"""Which plugins are installed: entry points -> importers, distributors and unit types.

The name of an entry point is the type id, so plugins are found without importing them; a class is imported when it is
first asked for, or when all are listed. Whatever goes wrong then makes that one plugin *broken*: it is listed with the
reason, the others and the engine go on.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from typing import Any, Literal, TypeAlias, cast

from entrepot.errors import BrokenPlugin, EntrepotError, MissingResource, UnknownDistributorType, UnknownImporterType
from entrepot.plugin import DeployConfig, Distributor, DistributorConfig, Importer, ImporterConfig, Unit
from entrepot.plugin.config import secret_keys

API = 1  # the version of `entrepot.plugin` that this engine offers

Kind: TypeAlias = Literal["importer", "distributor", "unit_type"]
Found: TypeAlias = Callable[[str], Iterable[EntryPoint]]  # group -> its entry points

_GROUPS: dict[Kind, str] = {
    "importer": "entrepot.importers",
    "distributor": "entrepot.distributors",
    "unit_type": "entrepot.unit_types",
}
_WORDS: dict[Kind, str] = {"importer": "importer", "distributor": "distributor", "unit_type": "unit type"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """An installed plugin, as people are shown it."""

    type_id: str
    kind: Kind
    display_name: str  # the type id when the plugin is broken or has no other
    distribution: str | None  # what was installed with pip; None for classes that were given directly
    version: str | None  # of the distribution
    error: str | None  # why it is broken, None when it is not
    unit_types: tuple[str, ...] = ()  # type ids that an importer or a distributor is for; none when it is broken


class Plugins:
    """The importers, distributors and unit types at hand; made once for an engine, safe to share between threads."""

    def __init__(self, slots: Iterable[_Slot]) -> None:
        """Take the plugins as `discover` or `of` found them."""
        self._lock = RLock()
        self._slots = tuple(slots)
        self._served: dict[tuple[str, str], bool] = {}

    @classmethod
    def discover(cls, found: Found = lambda group: entry_points(group=group)) -> Plugins:
        """Return the plugins of the installed distributions; nothing is imported yet.

        `found` returns the entry points of a group. Of two plugins with one type id the one found later is broken.
        """
        slots = []
        for kind, group in _GROUPS.items():
            first: dict[str, EntryPoint] = {}
            for point in found(group):
                rival = first.setdefault(point.name, point)
                taken = "" if rival is point else f"the type id is taken by {rival.value} of {_origin(rival)}"
                slots.append(_Slot(kind, point.name, point, taken=taken))
        return cls(slots)

    @classmethod
    def of(
        cls,
        *,
        importers: Mapping[str, type[Importer]] | None = None,
        distributors: Mapping[str, type[Distributor]] | None = None,
        unit_types: Iterable[type[Unit]] = (),
    ) -> Plugins:
        """Return the plugins given as classes by type id, for tests and embedding programs; what is installed is left out.

        The unit types of the given importers and distributors need not be given again.
        """
        slots = [_Slot("importer", type_id, given) for type_id, given in (importers or {}).items()]
        slots += [_Slot("distributor", type_id, given) for type_id, given in (distributors or {}).items()]
        slots += [_Slot("unit_type", unit_type.type_id, unit_type) for unit_type in unit_types]
        return cls(slots)

    def importer(self, type_id: str) -> type[Importer]:
        """Return the importer class.

        Raises:
            UnknownImporterType: none of that id is installed; the message lists what is.
            BrokenPlugin: it is installed and could not be loaded; the message says why.

        """
        return cast("type[Importer]", self._get("importer", type_id))

    def distributor(self, type_id: str) -> type[Distributor]:
        """Return the distributor class.

        Raises:
            UnknownDistributorType: none of that id is installed; the message lists what is.
            BrokenPlugin: it is installed and could not be loaded; the message says why.

        """
        return cast("type[Distributor]", self._get("distributor", type_id))

    def is_served_by_default(self, type_id: str, scheme: str) -> bool:
        """Say whether distributors of a type serve `scheme` (http, https) when they are not told; if nobody knows it, yes."""
        if (type_id, scheme) not in self._served:
            try:
                field = self.distributor(type_id).Config.model_fields.get(f"serve_{scheme}")
            except (BrokenPlugin, UnknownDistributorType):
                field = None
            self._served[type_id, scheme] = field is None or bool(field.default)
        return self._served[type_id, scheme]

    def unit_type(self, type_id: str) -> type[Unit]:
        """Return the class of a unit type, whether it has an entry point or only an importer that names it.

        Raises:
            MissingResource: no plugin offers it.
            BrokenPlugin: it is installed and could not be loaded; the message says why.

        """
        return cast("type[Unit]", self._get("unit_type", type_id))

    def secret_names(self) -> frozenset[str]:
        """Return what the plugins at hand call the secrets of their configurations."""
        with self._lock:
            loaded = [slot.loaded for slot in self._slots if slot.kind != "unit_type" and self._problem(slot) is None]
        plugins = [cast("type[Importer | Distributor]", plugin) for plugin in loaded]
        return frozenset[str]().union(*(secret_keys(plugin.Config) for plugin in plugins))

    def listing(self) -> tuple[PluginInfo, ...]:
        """Return all plugins, broken ones included, by kind and type id; imports those that were not needed so far."""
        with self._lock:
            order = sorted(self._slots, key=lambda slot: (list(_GROUPS).index(slot.kind), slot.type_id))
            return tuple(self._info(slot) for slot in order)

    def unit_types(self) -> tuple[type[Unit], ...]:
        """Return the unit types that can be used, by type id, whether they have entry points or only plugins that name them."""
        with self._lock:
            found: dict[str, type[Unit]] = {}
            for slot in self._slots:
                if self._problem(slot) is None:
                    plugin = cast("type[Importer | Distributor | Unit]", slot.loaded)
                    types = (plugin,) if issubclass(plugin, Unit) else plugin.unit_types
                    found |= {unit_type.type_id: unit_type for unit_type in types}
            return tuple(found[type_id] for type_id in sorted(found))

    def _get(self, kind: Kind, type_id: str) -> type:
        with self._lock:
            slot = self._find(kind, type_id)
            if slot is None and kind == "unit_type":
                declared = self._declared(type_id)
                if declared is not None:
                    return declared
            if slot is None:
                raise self._unknown(kind, type_id)
            problem = self._problem(slot)
            if problem is not None:
                next_step = f"install a version of {slot.distribution} that works here" if slot.distribution else "mend it"
                raise BrokenPlugin(
                    f"the {_WORDS[kind]} {type_id!r} is broken: {problem}; {next_step}", kind=kind, type_id=type_id
                )
            return cast("type", slot.loaded)

    def _find(self, kind: Kind, type_id: str) -> _Slot | None:
        return next((slot for slot in self._slots if slot.kind == kind and slot.type_id == type_id and not slot.taken), None)

    def _declared(self, type_id: str) -> type[Unit] | None:
        """Find a unit type among those that importers and distributors name."""
        for slot in self._slots:
            if slot.kind != "unit_type" and slot.problem is None:
                for unit_type in cast("type[Importer | Distributor]", slot.loaded).unit_types:
                    if unit_type.type_id == type_id:
                        return unit_type
        return None

    def _problem(self, slot: _Slot) -> str | None:
        """Say why a plugin may not be used: it did not load, or it has its own idea of another plugin's unit type."""
        if slot.problem is not None or slot.kind == "unit_type":
            return slot.problem
        for unit_type in cast("type[Importer | Distributor]", slot.loaded).unit_types:
            owner = self._find("unit_type", unit_type.type_id)
            known = owner.loaded if owner is not None and owner.problem is None else self._declared(unit_type.type_id)
            if known is not unit_type:
                return f"its unit type {unit_type.type_id!r} is not {_named(known)}, which has that type id already"
        return None

    def _unknown(self, kind: Kind, type_id: str) -> EntrepotError:
        if kind == "unit_type":
            return MissingResource(unit_type=type_id)
        installed = sorted({slot.type_id for slot in self._slots if slot.kind == kind})
        listed = f"installed are: {', '.join(installed)}" if installed else f"no {kind} is installed"
        message = f"there is no {kind} type {type_id!r}; {listed}"
        if kind == "importer":
            return UnknownImporterType(message, importer_type_id=type_id, installed=[*installed])
        return UnknownDistributorType(message, distributor_type_id=type_id, installed=[*installed])

    def _info(self, slot: _Slot) -> PluginInfo:
        problem = self._problem(slot)
        name = "" if problem else str(getattr(slot.loaded, "display_name", ""))
        types = () if problem else tuple(unit_type.type_id for unit_type in getattr(slot.loaded, "unit_types", ()))
        return PluginInfo(slot.type_id, slot.kind, name or slot.type_id, slot.distribution, slot.version, problem, types)


class _Slot:
    """One entry point, or one class that was given: loaded once, at its first use."""

    def __init__(self, kind: Kind, type_id: str, source: EntryPoint | type, *, taken: str = "") -> None:
        self.kind: Kind = kind
        self.type_id = type_id
        self.source = source
        self.taken = taken

    @property
    def distribution(self) -> str | None:
        return self.source.dist.name if isinstance(self.source, EntryPoint) and self.source.dist is not None else None

    @property
    def version(self) -> str | None:
        return self.source.dist.version if isinstance(self.source, EntryPoint) and self.source.dist is not None else None

    @property
    def loaded(self) -> type | None:
        return self._outcome[0]

    @property
    def problem(self) -> str | None:
        return self._outcome[1]

    @cached_property
    def _outcome(self) -> tuple[type | None, str | None]:
        if self.taken:
            return None, self.taken
        try:
            found = self.source.load() if isinstance(self.source, EntryPoint) else self.source
            return _checked(self.kind, self.type_id, found), None
        except _Unfit as error:
            return None, str(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a border: whatever a plugin does when loaded breaks only itself
            _log.debug("the plugin %s could not be loaded", self.type_id, exc_info=True)
            source = self.source.value if isinstance(self.source, EntryPoint) else _named(self.source)
            return None, f"{source} cannot be loaded: {type(error).__name__}: {error}{self._remedy(error)}"

    def _remedy(self, error: BaseException) -> str:
        """Return what brings the library that is missing, if the entry point names an extra of its distribution."""
        if not isinstance(error, ModuleNotFoundError) or not isinstance(self.source, EntryPoint) or not self.source.extras:
            return ""
        return f". Install what it needs: pip install '{self.distribution or 'DISTRIBUTION'}[{','.join(self.source.extras)}]'"


class _Unfit(Exception):
    """The object is not what its entry point promises."""


def _checked(kind: Kind, type_id: str, found: object) -> type:
    """Return the class bound to its type id, or raise `_Unfit`."""
    if kind == "importer":
        return _bound(type_id, _fit(found, Importer, "sync", ImporterConfig))
    if kind == "distributor":
        return _bound(type_id, _fit(found, Distributor, "publish", DistributorConfig))
    if not (isinstance(found, type) and issubclass(found, Unit)):
        raise _Unfit(f"{_named(found)} is no subclass of entrepot.plugin.Unit")
    if found.type_id != type_id:
        raise _Unfit(f"{_named(found)} has the type id {found.type_id!r}, but its entry point is named {type_id!r}")
    found.model_rebuild()  # raises when an annotation names something that is not there
    return found


def _fit(found: Any, parent: type, method: str, config: type) -> type:  # noqa: ANN401 - anything may stand behind an entry point
    """Return `found` when it is a usable subclass of `parent`: version, the one method, unit types, Config."""
    name = _named(found)
    if not _is_a(found, parent):
        raise _Unfit(f"{name} is no subclass of entrepot.plugin.{parent.__name__}")
    if found.api != API:
        raise _Unfit(f"{name} was written for version {found.api!r} of the plugin interface; this engine has version {API}")
    if getattr(found, method) is getattr(parent, method):
        raise _Unfit(f"{name} does not define {method}()")
    try:
        inspect.signature(getattr(found, method)).bind(None, None)
    except TypeError as error:
        raise _Unfit(f"{name}.{method}() must take self and one argument, the conduit") from error
    needs_none = _is_a(found.Config, DeployConfig)  # it copies another distributor
    if not isinstance(found.unit_types, tuple) or not (found.unit_types or needs_none):
        raise _Unfit(f"{name}.unit_types must be a tuple that names its unit types")
    for unit_type in found.unit_types:
        if not (_is_a(unit_type, Unit) and unit_type.type_id):
            raise _Unfit(f"{name}.unit_types holds {_named(unit_type)}, which is no subclass of Unit with a type_id and a key")
    if not _is_a(found.Config, config):
        raise _Unfit(f"{name}.Config must be a subclass of entrepot.plugin.{config.__name__}")
    for model in (found.Config, *found.unit_types):
        model.model_rebuild()  # raises when an annotation names something that is not there
    return cast("type", found)


def _is_a(found: object, parent: type) -> bool:
    return isinstance(found, type) and issubclass(found, parent)


def _bound(type_id: str, plugin: type) -> type:
    """Return the class with its type id: a subclass, since one class may be installed under several ids."""
    names = {name: getattr(plugin, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(plugin)(plugin.__name__, (plugin,), {**names, "type_id": type_id})


def _named(found: object) -> str:
    return f"{found.__module__}.{found.__qualname__}" if isinstance(found, type) else repr(found)


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown distribution"
