"""Take the importer, or a distributor, away from a repository: what goes with it, and the tasks that do it."""

from __future__ import annotations

from entrepot.access import Operation
from entrepot.dashboard.page import Asked, Page, Redirect, Route
from entrepot.dashboard.repository_page import ONE, path_of, repository_of
from entrepot.dashboard.words import short


def ask_importer(asked: Asked) -> Page:
    """Say what goes with the importer."""
    repository = repository_of(asked)
    importer = repository.importer(asked.names["importer_id"])
    count = len(asked.engine.schedules.list_sync(repository.repository_id, importer.importer_type_id))
    text = (
        f"Its configuration goes, and {_schedules(count)}. The repository keeps its units, and what is published is served on."
    )
    return _page(
        asked,
        repository.repository_id,
        f"Remove the importer {importer.importer_type_id} of {repository.repository_id}?",
        text,
        "Remove the importer",
    )


def remove_importer(asked: Asked) -> Redirect:
    """Remove the importer by a task."""
    repository = repository_of(asked)
    handle = repository.request_remove_importer(asked.names["importer_id"])
    return Redirect(path_of(repository.repository_id), f"Task {short(handle.task_id)} removes the importer.")


def ask_distributor(asked: Asked) -> Page:
    """Say what goes with the distributor."""
    repository = repository_of(asked)
    distributor = repository.distributor(asked.names["distributor_id"])
    count = len(asked.engine.schedules.list_publish(repository.repository_id, distributor.distributor_id))
    kept = len(repository.publications(distributor.distributor_id))
    text = (
        f"Its configuration goes, {_schedules(count)}, and the publications that are kept: {kept}. "
        f"/content/{distributor.base_path}/ is served no more. The repository keeps its units."
    )
    return _page(
        asked,
        repository.repository_id,
        f"Remove the distributor {distributor.distributor_id} of {repository.repository_id}?",
        text,
        "Remove it",
    )


def remove_distributor(asked: Asked) -> Redirect:
    """Remove a distributor by a task."""
    repository = repository_of(asked)
    handle = repository.request_remove_distributor(asked.names["distributor_id"])
    return Redirect(path_of(repository.repository_id), f"Task {short(handle.task_id)} removes the distributor.")


def _page(asked: Asked, repository_id: str, title: str, text: str, words: str) -> Page:
    values = {"text": text, "action": asked.path, "words": words, "back": path_of(repository_id, "settings")}
    return Page("confirm.html", title, values)


def _schedules(count: int) -> str:
    return f"{count} schedule{'' if count == 1 else 's'}"


_PAGE = "/repositories/{repository_id}/settings"
_IMPORTER = f"{_PAGE}/importers/{{importer_id}}/remove"
_DISTRIBUTOR = f"{_PAGE}/distributors/{{distributor_id}}/remove"
_IMPORTERS_PLACE, _DISTRIBUTORS_PLACE = f"{ONE}importers/{{importer_id}}/", f"{ONE}distributors/{{distributor_id}}/"

ROUTES = (
    Route("GET", _IMPORTER, ask_importer, Operation.DELETE, _IMPORTERS_PLACE),
    Route("POST", _IMPORTER, remove_importer, Operation.DELETE, _IMPORTERS_PLACE),
    Route("GET", _DISTRIBUTOR, ask_distributor, Operation.DELETE, _DISTRIBUTORS_PLACE),
    Route("POST", _DISTRIBUTOR, remove_distributor, Operation.DELETE, _DISTRIBUTORS_PLACE),
)
