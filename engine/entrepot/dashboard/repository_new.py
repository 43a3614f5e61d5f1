"""The form that makes a repository: first which plugins, then what they are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from entrepot.access import Operation
from entrepot.dashboard.page import Asked, Page, Redirect, Route
from entrepot.dashboard.repository_forms import (
    MENDABLE,
    Part,
    PluginForm,
    plugin_form,
    read_plugin,
    refused_names,
    typed_form,
    types_of,
)
from entrepot.dashboard.repository_page import path_of
from entrepot.errors import EntrepotError

_RESOURCE = "/v2/repositories/"
#: No repository's id holds a plus: none can stand in the way of this page.
PATH = "/repositories/+new"
_NONE = "none"
_SHOW = "show"
_PARTS: tuple[Part, ...] = ("importer", "distributor")
_TEXTS = ("id", "display_name", "description", "distributor_id")


def show(asked: Asked) -> Page:
    """Show the form for the plugins that were chosen, at first for those of plain files."""
    chosen = {part: asked.asks(part) or _first(types_of(asked, part)) for part in _PARTS}
    forms = {part: plugin_form(asked, part, type_id) for part, type_id in chosen.items() if type_id != _NONE}
    return _page(asked, chosen, forms)


def create(asked: Asked) -> Page | Redirect:
    """Make the repository with its importer and distributor, or nothing: what was not shown is shown first."""
    chosen = {part: asked.given(part) or _NONE for part in _PARTS}
    unseen = [part for part, type_id in chosen.items() if asked.given(f"shown_{part}", type_id) != type_id]
    if unseen or asked.given("do") == _SHOW:
        return _again(asked, chosen, unseen)
    importer, distributor = chosen["importer"], chosen["distributor"]
    engine, repository_id = asked.engine, asked.given("id").strip()
    options: dict[str, Any] = {"display_name": name} if (name := asked.given("display_name").strip()) else {}
    if importer != _NONE:
        options["importer_type_id"] = importer
        options["importer_config"] = read_plugin(asked, "importer", importer)
    if distributor != _NONE:
        entry: dict[str, Any] = {
            "distributor_type_id": distributor,
            "distributor_config": read_plugin(asked, "distributor", distributor),
            "distributor_id": asked.given("distributor_id").strip() or distributor,
            "auto_publish": asked.given("auto_publish") == "true",
        }
        options["distributors"] = [entry]
    try:
        with engine.transaction():
            engine.repositories.create(repository_id, description=asked.given("description").strip() or None, **options)
            if not asked.principal.is_superuser:
                engine.access.grant_creator(asked.principal.login, f"{_RESOURCE}{repository_id}/")
    except EntrepotError as error:
        if error.status not in MENDABLE:
            raise
        forms = {part: typed_form(asked, part, type_id, error) for part, type_id in chosen.items() if type_id != _NONE}
        return _page(asked, chosen, forms, error)
    return Redirect(path_of(repository_id), f"{repository_id} is made.{' Sync it next.' if importer != _NONE else ''}")


def _again(asked: Asked, chosen: dict[Part, str], unseen: list[Part]) -> Page:
    """Show the form with what was typed and the settings of the plugins that were chosen; say why if nobody asked for them."""
    forms = {part: typed_form(asked, part, type_id) for part, type_id in chosen.items() if type_id != _NONE}
    page = _page(asked, chosen, forms)
    if asked.given("do") == _SHOW:
        return page
    message = (
        f"Nothing is made yet: another {' and '.join(unseen)} was chosen than the one whose settings were shown. "
        "The form fits the choice now; look at it, and press the button once more."
    )
    return replace(page, values={**page.values, "message": message}, status=400)


def _page(asked: Asked, chosen: dict[Part, str], forms: dict[Part, PluginForm], error: EntrepotError | None = None) -> Page:
    values = {
        "types": {part: types_of(asked, part) for part in _PARTS},
        "chosen": chosen,
        "forms": forms,
        "typed": {name: asked.given(name) for name in _TEXTS},
        "auto_publish": asked.given("auto_publish", "true") == "true",
        "message": error.message if error else "",
        "refused": refused_names(error) if error else set(),
        "no_plugin": _NONE,
        "action": PATH,
    }
    return Page("repository_new.html", "New repository", values, error.status if error else 200)


def _first(types: list[str]) -> str:
    """Return the plugin of plain files, which needs nothing else, or any."""
    return next((type_id for type_id in types if type_id.startswith("iso_")), types[0] if types else _NONE)


ROUTES = (
    Route("GET", PATH, show, Operation.CREATE, _RESOURCE),
    Route("POST", PATH, create, Operation.CREATE, _RESOURCE),
)
