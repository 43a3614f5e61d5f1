"""Forms of repositories: what was typed of name, description and notes, and the configuration of a plugin."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from entrepot.dashboard.configuration import Field, errors_of, fields_of, others_of, read_fields, typed
from entrepot.errors import EntrepotError, InvalidValue, RefusedConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from entrepot.dashboard.page import Asked
    from entrepot.errors import JSON

Part = Literal["importer", "distributor"]

#: What a page of these forms can mend; anything else that is wrong has a page of its own.
MENDABLE = (400, 409)


@dataclass(frozen=True, slots=True)
class PluginForm:
    """The fields of a plugin's configuration on a page, and why they were refused, by key; `others` have no field."""

    part: Part
    type_id: str
    fields: list[Field]
    errors: dict[str, str] = field(default_factory=dict)
    others: dict[str, JSON] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """What the names of the form's fields begin with."""
        return f"{self.part}."


def model_of(asked: Asked, part: Part, type_id: str) -> type[BaseModel]:
    """Return the declared configuration of a plugin; raises `UnknownImporterType`, `UnknownDistributorType`, `BrokenPlugin`."""
    plugins = asked.engine.plugins
    return plugins.importer(type_id).Config if part == "importer" else plugins.distributor(type_id).Config


def plugin_form(asked: Asked, part: Part, type_id: str, stored: Mapping[str, JSON] | None = None) -> PluginForm:
    """Return the form of a plugin with what is stored, secrets masked; raises as `model_of`."""
    model = model_of(asked, part, type_id)
    server = asked.engine.settings.plugins.get(type_id)
    return PluginForm(part, type_id, fields_of(model, stored, server=server), others=others_of(model, stored or {}))


def typed_form(
    asked: Asked, part: Part, type_id: str, error: EntrepotError | None = None, stored: Mapping[str, JSON] | None = None
) -> PluginForm:
    """Return the form of a plugin as it was typed, with what the plugin has refused of it, if it has; raises as `model_of`."""
    model = model_of(asked, part, type_id)
    is_its = isinstance(error, RefusedConfiguration) and error.plugin_kind in (None, part)
    errors = errors_of(error, model) if is_its and isinstance(error, RefusedConfiguration) else {}
    values = typed(model, asked.form, f"{part}.")
    server = asked.engine.settings.plugins.get(type_id)
    fields = fields_of(model, values, server=server, is_typed=True)
    return PluginForm(part, type_id, fields, errors, others_of(model, stored or {}))


def read_plugin(asked: Asked, part: Part, type_id: str, stored: Mapping[str, JSON] | None = None) -> dict[str, JSON]:
    """Return what the form says of a plugin's configuration, as the engine takes it; raises as `model_of`."""
    server = asked.engine.settings.plugins.get(type_id)
    return read_fields(model_of(asked, part, type_id), asked.form, f"{part}.", stored=stored, server=server)


def read_notes(text: str, stored: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the change that makes notes what was typed, a JSON object; what is no longer in it is taken away by null.

    Raises `InvalidValue`.
    """
    try:
        given = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise InvalidValue("notes", why=f"they are no JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidValue("notes", why='they must be a JSON object, such as {"team": "zoo"}')
    return {**dict.fromkeys(stored.keys() - given.keys()), **given}


def refused_names(error: EntrepotError) -> set[str]:
    """Return the names of the fields that an error is about."""
    names = error.data.get("property_names")
    return {str(name) for name in names} if isinstance(names, list) else set()


def types_of(asked: Asked, part: Part) -> list[str]:
    """Return the types of plugins that work, sorted."""
    return sorted({info.type_id for info in asked.engine.plugins.listing() if info.kind == part and info.error is None})
