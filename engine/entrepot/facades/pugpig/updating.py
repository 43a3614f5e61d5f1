"""An update is asked for: a sync, and what publishes behind it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from entrepot.errors import JSON, InvalidValue, MissingResource
from entrepot.events import record_activity
from entrepot.facades.pugpig import refusals
from entrepot.facades.pugpig.actions import edition_key
from entrepot.facades.pugpig.masking import masked
from entrepot.facades.pugpig.refusals import Refusal
from entrepot.repositories import publish, sync
from entrepot.tasking import Call

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.facades.pugpig.monitor import Publication
    from entrepot.tenants import TenantPrincipal

#: Characters of an edition's id.
_LONGEST_EDITION = 200


def request_update(
    engine: Engine, publication: Publication, edition: str | None, who: TenantPrincipal
) -> dict[str, JSON] | Refusal:
    """Enqueue a sync, and a publish behind it if the distributor does not publish by itself; say what was enqueued.

    Without an importer there is only the publish. A sync brings in all that changed: `edition` says what it was asked for.
    """
    if edition is not None and (len(edition) > _LONGEST_EDITION or "\0" in edition):
        return refusals.bad_request(f"an edition's id has at most {_LONGEST_EDITION} characters, none of them NUL")
    repository_id = publication.repository_id
    if repository_id is None:
        return refusals.conflict("the publication has no source: there is nothing to update")
    try:
        with engine.transaction() as database:
            calls = _calls(engine, repository_id, publication.distributor_id)
            keys = [edition_key(who.token_id, secrets.token_hex(8), edition) for _ in calls]
            tasks = [
                engine.tasks.enqueue(replace(call, idempotency_key=key)).task_id for call, key in zip(calls, keys, strict=True)
            ]
            if not tasks:
                return refusals.conflict("the publication has neither an importer nor a distributor: nothing can be updated")
            of_edition = "" if edition is None else f" of edition {edition!r}"
            message = masked(f"An update{of_edition} was asked for by the key {who.token_name!r}.")
            record_activity(database, "notice", repository_id, message, task_id=tasks[0])
    except MissingResource:
        return refusals.conflict("what the publication shows is not there")
    except InvalidValue as error:
        return refusals.bad_request(error.message)
    return {
        "id": tasks[0],
        "action": "update_content",
        "target": edition,
        "state": "queued",
        "tasks": [f"/pulp/api/v2/tasks/{task_id}/" for task_id in tasks],
    }


def _calls(engine: Engine, repository_id: str, distributor_id: str | None) -> list[Call]:
    """Return what an update takes; raises `MissingResource` if the repository or the distributor is not there."""
    repository = engine.repositories.get(repository_id)
    syncs = [Call(sync.TASK_TYPE, (repository_id, None))] if repository.importers() else []
    distributors = [one for one in repository.distributors() if distributor_id in (None, one.distributor_id)]
    if distributor_id is not None and not distributors:
        raise MissingResource(distributor_id=distributor_id)
    options: dict[str, JSON] = {"automatic": True} if syncs else {}
    publishes = [
        Call(publish.TASK_TYPE, (repository_id, one.distributor_id, None), options)
        for one in distributors
        if not (syncs and one.auto_publish)
    ]
    return syncs + publishes
