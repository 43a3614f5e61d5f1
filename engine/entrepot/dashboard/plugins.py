"""The plugins: which are installed and whether they can be used, what each is told, and the units that it knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.dashboard.configuration import Field, fields_of, read_fields, refused, typed
from entrepot.dashboard.page import Asked, Page, Route, segment
from entrepot.errors import BrokenPlugin, MissingResource
from entrepot.plugin import masked

if TYPE_CHECKING:
    from entrepot.discovery import Kind, PluginInfo
    from entrepot.plugin import Unit

#: The sections of the list: kind, heading, and the REST path that must be readable.
_SECTIONS: tuple[tuple[Kind, str, str], ...] = (
    ("importer", "Importers", "/v2/plugins/importers/"),
    ("distributor", "Distributors", "/v2/plugins/distributors/"),
    ("unit_type", "Unit types", "/v2/plugins/types/"),
)
#: A command that uses a plugin, and how that names a key that it must be told.
_EXAMPLES: dict[str, tuple[str, str]] = {
    "importer": ("entrepot repo create zoo --importer {type_id}", "--importer-config"),
    "distributor": ("entrepot repo distributor add zoo {type_id}", "--config"),
    "unit_type": ("entrepot repo content list zoo --type {type_id}", ""),
}


@dataclass(frozen=True, slots=True)
class Section:
    """The plugins of one kind."""

    kind: Kind
    heading: str
    plugins: tuple[PluginInfo, ...]


@dataclass(frozen=True, slots=True)
class TypeRow:
    """A unit type: what it is, what makes a unit the same as another, and its fields, those of the key first."""

    type_id: str
    description: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]


def show(asked: Asked) -> Page:
    """Show all that is installed, what is broken as well; of each kind if it may be read."""
    listing = asked.engine.plugins.listing()
    named = {info.type_id for info in listing if info.kind == "unit_type"}
    sections = [
        Section(kind, heading, tuple(info for info in listing if info.kind == kind))
        for kind, heading, resource in _SECTIONS
        if asked.may("READ", resource)
    ]
    if not sections:
        asked.require("READ", "/v2/plugins/")
    others = [unit_type for unit_type in asked.engine.plugins.unit_types() if unit_type.type_id not in named]
    values = {
        "sections": sections,
        "others": [_type_row(unit_type) for unit_type in others],
        "broken": [info for section in sections for info in section.plugins if info.error],
    }
    return Page("plugins.html", "Plugins", values)


def show_importer(asked: Asked) -> Page:
    """Show an importer."""
    return _plugin(asked, "importer")


def show_distributor(asked: Asked) -> Page:
    """Show a distributor."""
    return _plugin(asked, "distributor")


def check_importer_configuration(asked: Asked) -> Page:
    """Say whether an importer would take what was typed; nothing is kept."""
    return _plugin(asked, "importer")


def check_distributor_configuration(asked: Asked) -> Page:
    """Say whether a distributor would take what was typed; nothing is kept."""
    return _plugin(asked, "distributor")


def show_unit_type(asked: Asked) -> Page:
    """Show a unit type, and which plugins are for it."""
    engine, type_id = asked.engine, asked.names["type_id"]
    listing = engine.plugins.listing()
    info = next((one for one in listing if (one.kind, one.type_id) == ("unit_type", type_id)), None)
    found = next((one for one in engine.plugins.unit_types() if one.type_id == type_id), None)
    if found is None and info is None:
        raise MissingResource(unit_type=type_id)
    values = {
        "info": info,
        "type_id": type_id,
        "row": None if found is None else _type_row(found),
        "used_by": [one for one in listing if type_id in one.unit_types],
        "example": _example("unit_type", type_id, []),
    }
    return Page("plugin_unit_type.html", f"Unit type {type_id}", values)


def _plugin(asked: Asked, kind: Kind) -> Page:
    engine, type_id = asked.engine, asked.names["type_id"]
    info = next((one for one in engine.plugins.listing() if (one.kind, one.type_id) == (kind, type_id)), None)
    if info is None:
        raise MissingResource(**{kind: type_id})
    try:
        plugin = engine.plugins.importer(type_id) if kind == "importer" else engine.plugins.distributor(type_id)
    except BrokenPlugin:
        return Page("plugin.html", f"{kind.capitalize()} {info.display_name}", {"info": info, "about": "", "types": []})
    server = engine.settings.plugins.get(type_id)
    fields = fields_of(plugin.Config, server=server)
    given = read_fields(plugin.Config, asked.form, server=server)
    errors = refused(plugin, given, server=server) if asked.form else {}
    values = {
        "info": info,
        "about": _first_line(plugin),
        "fields": fields,
        "typed": fields_of(plugin.Config, typed(plugin.Config, asked.form), server=server, is_typed=True),
        "errors": errors,
        "given": masked(plugin.Config, given) if asked.form and not errors else None,
        "types": [_type_row(unit_type) for unit_type in plugin.unit_types],
        "example": _example(kind, type_id, fields),
        "path": f"/plugins/{kind}/{segment(type_id)}",
    }
    return Page("plugin.html", f"{kind.capitalize()} {info.display_name}", values, 400 if errors else 200)


def _type_row(unit_type: type[Unit]) -> TypeRow:
    key = unit_type.unit_key
    fields = sorted(fields_of(unit_type), key=lambda field: field.name not in key)
    return TypeRow(unit_type.type_id, _first_line(unit_type), key, tuple(fields))


def _first_line(found: type) -> str:
    return (found.__doc__ or "").strip().partition("\n")[0].replace("`", "")


def _example(kind: str, type_id: str, fields: list[Field]) -> str:
    """Return a command that uses the plugin, with what it must be told."""
    command, option = _EXAMPLES[kind]
    parts = [command.format(type_id=type_id)]
    for field in fields:
        if field.name == "feed":
            parts.append("--feed https://example.org/zoo/")
        elif field.is_required:
            parts.append(f"{option} {field.name}=VALUE")
    return " ".join(parts)


_READ = Operation.READ

_IMPORTER, _DISTRIBUTOR = "/v2/plugins/importers/{type_id}/", "/v2/plugins/distributors/{type_id}/"

ROUTES = (
    Route("GET", "/plugins", show),
    Route("GET", "/plugins/importer/{type_id}", show_importer, _READ, _IMPORTER),
    Route("POST", "/plugins/importer/{type_id}", check_importer_configuration, _READ, _IMPORTER),
    Route("GET", "/plugins/distributor/{type_id}", show_distributor, _READ, _DISTRIBUTOR),
    Route("POST", "/plugins/distributor/{type_id}", check_distributor_configuration, _READ, _DISTRIBUTOR),
    Route("GET", "/plugins/unit_type/{type_id}", show_unit_type, _READ, "/v2/plugins/types/{type_id}/"),
)
