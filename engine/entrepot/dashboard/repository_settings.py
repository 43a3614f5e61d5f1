"""What of a repository can be changed: its name and notes, its importer, its distributors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.dashboard.page import Asked, Page, Redirect, Route
from entrepot.dashboard.repository_forms import (
    MENDABLE,
    PluginForm,
    plugin_form,
    read_notes,
    read_plugin,
    refused_names,
    typed_form,
    types_of,
)
from entrepot.dashboard.repository_page import ONE, path_of, repository_of, tab
from entrepot.dashboard.words import pretty, short
from entrepot.errors import EntrepotError, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.repositories import RepositoryReport


def show(asked: Asked) -> Page:
    """Show the form of the repository's own fields, and the way to those of its plugins."""
    report = repository_of(asked).report()
    typed = {
        "display_name": report.display_name or "",
        "description": report.description or "",
        "notes": pretty(report.notes) if report.notes else "",
    }
    return _page(asked, report, typed)


def change(asked: Asked) -> Page | Redirect:
    """Change name, description and notes."""
    repository = repository_of(asked)
    report = repository.report()
    typed = {name: asked.given(name) for name in ("display_name", "description", "notes")}
    try:
        repository.update(
            display_name=typed["display_name"].strip() or None,
            description=typed["description"].replace("\r\n", "\n").strip() or None,
            notes=read_notes(typed["notes"], report.notes),
        )
    except InvalidValue as error:
        return _page(asked, report, typed, error)
    return Redirect(path_of(report.repository_id), "The repository is changed.")


def show_importer(asked: Asked) -> Page:
    """Show the configuration of the importer."""
    repository = repository_of(asked)
    importer = repository.importer()
    return _plugin_page(asked, repository.report(), plugin_form(asked, "importer", importer.importer_type_id, importer.config))


def change_importer(asked: Asked) -> Page | Redirect:
    """Change the configuration of the importer at once."""
    repository = repository_of(asked)
    report = repository.report()
    importer = repository.importer()
    type_id = importer.importer_type_id
    try:
        repository.update(importer_config=read_plugin(asked, "importer", type_id, importer.config))
    except EntrepotError as error:
        _require_mendable(error)
        form = typed_form(asked, "importer", type_id, error, importer.config)
        return _plugin_page(asked, report, form, error=error)
    return Redirect(path_of(report.repository_id), "The importer's configuration is changed; the next sync uses it.")


def show_new_importer(asked: Asked) -> Page:
    """Show the form that sets an importer."""
    report = repository_of(asked).report()
    chosen = asked.asks("type") or next(iter(types_of(asked, "importer")), "")
    return _plugin_page(asked, report, plugin_form(asked, "importer", chosen), is_new=True)


def set_importer(asked: Asked) -> Page | Redirect:
    """Set an importer by a task."""
    repository = repository_of(asked)
    report, type_id = repository.report(), asked.given("type")
    try:
        handle = repository.request_set_importer(type_id, read_plugin(asked, "importer", type_id))
    except EntrepotError as error:
        _require_mendable(error)
        form = typed_form(asked, "importer", type_id, error)
        return _plugin_page(asked, report, form, is_new=True, error=error)
    return Redirect(path_of(report.repository_id), f"The importer is set by task {short(handle.task_id)}.")


def show_distributor(asked: Asked) -> Page:
    """Show the configuration of a distributor."""
    repository = repository_of(asked)
    distributor = repository.distributor(asked.names["distributor_id"])
    form = plugin_form(asked, "distributor", distributor.distributor_type_id, distributor.config)
    extra = {"distributor_id": distributor.distributor_id, "auto_publish": distributor.auto_publish}
    return _plugin_page(asked, repository.report(), form, extra)


def change_distributor(asked: Asked) -> Page | Redirect:
    """Change the configuration of a distributor at once, and by a task whether it publishes after each sync."""
    repository, distributor_id = repository_of(asked), asked.names["distributor_id"]
    report, distributor = repository.report(), repository.distributor(distributor_id)
    type_id, auto_publish = distributor.distributor_type_id, asked.given("auto_publish") == "true"
    notice = f"The configuration of {distributor_id} is changed; the next publish uses it."
    try:
        with asked.engine.transaction():
            changes = read_plugin(asked, "distributor", type_id, distributor.config)
            repository.update(distributor_configs={distributor_id: changes})
            if auto_publish != distributor.auto_publish:
                handle = repository.request_update_distributor(distributor_id, auto_publish=auto_publish)
                notice += f" Task {short(handle.task_id)} changes whether it publishes after each sync."
    except EntrepotError as error:
        _require_mendable(error)
        form = typed_form(asked, "distributor", type_id, error, distributor.config)
        extra = {"distributor_id": distributor_id, "auto_publish": auto_publish}
        return _plugin_page(asked, report, form, extra, error=error)
    return Redirect(path_of(report.repository_id), notice)


def show_new_distributor(asked: Asked) -> Page:
    """Show the form that adds a distributor."""
    report = repository_of(asked).report()
    chosen = asked.asks("type") or next(iter(types_of(asked, "distributor")), "")
    extra = {"distributor_id": "", "auto_publish": True}
    return _plugin_page(asked, report, plugin_form(asked, "distributor", chosen), extra, is_new=True)


def add_distributor(asked: Asked) -> Page | Redirect:
    """Add a distributor at once."""
    repository = repository_of(asked)
    report, type_id = repository.report(), asked.given("type")
    distributor_id = asked.given("distributor_id").strip() or type_id
    auto_publish = asked.given("auto_publish") == "true"
    try:
        if any(one.distributor_id == distributor_id for one in report.distributors):
            raise InvalidValue("distributor_id", why="the repository has a distributor of this id")
        with asked.engine.transaction():
            config = read_plugin(asked, "distributor", type_id)
            repository.add_distributor(type_id, config, distributor_id=distributor_id, auto_publish=auto_publish)
            if not asked.principal.is_superuser:
                resource = f"{ONE.format(repository_id=report.repository_id)}distributors/{distributor_id}/"
                asked.engine.access.grant_creator(asked.principal.login, resource)
    except EntrepotError as error:
        _require_mendable(error)
        form = typed_form(asked, "distributor", type_id, error)
        extra = {"distributor_id": asked.given("distributor_id"), "auto_publish": auto_publish}
        return _plugin_page(asked, report, form, extra, is_new=True, error=error)
    return Redirect(path_of(report.repository_id), f"The distributor {distributor_id} is added.")


def _page(asked: Asked, report: RepositoryReport, typed: Mapping[str, str], error: InvalidValue | None = None) -> Page:
    values = {"typed": typed, "message": error.message if error else "", "refused": refused_names(error) if error else set()}
    return tab(asked, report, "settings", "repository_settings.html", values, status=error.status if error else 200)


def _plugin_page(
    asked: Asked,
    report: RepositoryReport,
    form: PluginForm,
    extra: Mapping[str, object] | None = None,
    *,
    is_new: bool = False,
    error: EntrepotError | None = None,
) -> Page:
    """Return the page of a plugin's configuration; `extra` are the fields that a distributor has beside it."""
    values = {
        "form": form,
        "types": types_of(asked, form.part) if is_new else [],
        "is_new": is_new,
        "extra": extra or {"distributor_id": "", "auto_publish": False},
        "action": asked.path,
        "message": error.message if error else "",
        "refused": refused_names(error) if error else set(),
    }
    return tab(asked, report, "settings", "repository_plugin.html", values, status=error.status if error else 200)


def _require_mendable(error: EntrepotError) -> None:
    """Raise an error that nobody can mend in the form."""
    if error.status not in MENDABLE:
        raise error


_PAGE = "/repositories/{repository_id}/settings"
_DISTRIBUTOR = f"{_PAGE}/distributors/{{distributor_id}}"
_DISTRIBUTORS = f"{ONE}distributors/"

ROUTES = (
    Route("GET", _PAGE, show, Operation.UPDATE, ONE),
    Route("POST", _PAGE, change, Operation.UPDATE, ONE),
    Route("GET", f"{_PAGE}/importer", show_importer, Operation.UPDATE, ONE),
    Route("POST", f"{_PAGE}/importer", change_importer, Operation.UPDATE, ONE),
    Route("GET", f"{_PAGE}/importers", show_new_importer, Operation.CREATE, f"{ONE}importers/"),
    Route("POST", f"{_PAGE}/importers", set_importer, Operation.CREATE, f"{ONE}importers/"),
    Route("GET", _DISTRIBUTOR, show_distributor, Operation.UPDATE, ONE),
    Route("POST", _DISTRIBUTOR, change_distributor, Operation.UPDATE, ONE),
    Route("GET", f"{_PAGE}/distributors", show_new_distributor, Operation.CREATE, _DISTRIBUTORS),
    Route("POST", f"{_PAGE}/distributors", add_distributor, Operation.CREATE, _DISTRIBUTORS),
)
