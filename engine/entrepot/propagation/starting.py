"""A deploy begins: the distributor that deploys serves something else, and this is told within that very transaction.

The deploy, its frozen set of servers and a task for each are there when the publication is, or none of them. A deploy of the
same distributor that is still under way is superseded.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import BrokenPlugin, UnknownDistributorType
from entrepot.events import record_activity
from entrepot.events.numbers import take
from entrepot.models import Deploy
from entrepot.plugin import DeployConfig
from entrepot.propagation import progress
from entrepot.propagation.pushes import push_call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.errors import JSON
    from entrepot.events import Flip
    from entrepot.models import Database, Row
    from entrepot.propagation.reports import DeployState
    from entrepot.repositories import House

#: The POPs take turns: workers take tasks in this order, and a POP that does not answer must not keep them from the others.
_SERVERS = """
SELECT edge_server.id, pop.id, pop.max_pushes, pop.name, edge_server.url
FROM edge_server JOIN pop ON pop.id = edge_server.pop WHERE pop.network = ?
ORDER BY ROW_NUMBER() OVER (PARTITION BY pop.id ORDER BY edge_server.id), pop.id
"""
_INSERT_PUSH = "INSERT INTO deploy_server (deploy, server, pop, url, state, task_id) VALUES (?, ?, ?, ?, 'pending', ?)"
_INSERT_POP = "INSERT INTO deploy_pop (deploy, pop, name, server_count) VALUES (?, ?, ?, ?)"


def flipped(house: House, flip: Flip) -> None:
    """Deploy what is served from now on, if the distributor is one that deploys; stop what was deployed if it serves nothing.

    An automatic publish that found nothing new deploys nothing. Run again because its worker was lost, or canceled after it
    was asked for, a publish begins no second deploy.
    """
    database = house.database
    if flip.revision is None:
        _withdraw(house, flip)
        return
    config = deploy_config(house, flip.distributor_row, flip.distributor_type_id, flip.override_config)
    if config is None:
        return
    asked = _asked_for(database, flip.task_id)
    if asked is not None and asked[1] != "new":
        return
    if asked is None and flip.is_automatic and flip.revision == flip.previous:
        return
    deploy_id = asked[0] if asked is not None else _insert(database, flip, config)
    earlier = _hold_under_way(database, flip.distributor_row)  # rows first, then lines of tasks, then the log
    database.execute(
        "UPDATE deploy SET state = 'propagating', revision = ?, environment = ?, network = ?, started_at = ? WHERE id = ?",
        (flip.revision, config.environment, config.network, _start(database, flip), deploy_id),
    )
    size = _enqueue_pushes(house, deploy_id, config)
    for one in earlier:
        _stop(house, one, "superseded", f"Deploy {deploy_id} took its place.")
    message = f"Deploy {deploy_id} of publication {flip.revision} ({config.environment}) goes to {size}."
    ids = {"distributor_id": flip.distributor_id, "task_id": flip.task_id}
    record_activity(database, "notice", flip.repository_id, message, **ids)
    progress.conclude(database, deploy_id)


def deploy_config(
    house: House, distributor: int, type_id: str, override: Mapping[str, JSON] | None = None
) -> DeployConfig | None:
    """Return the configuration of the distributor with that row id if it is one that deploys, else None.

    Raises `RefusedConfiguration`.
    """
    try:
        plugin = house.plugins.distributor(type_id)
    except (BrokenPlugin, UnknownDistributorType):  # nobody can say that it does
        return None
    if not issubclass(plugin.Config, DeployConfig):
        return None
    row = house.database.row("SELECT config FROM distributor WHERE id = ?", (distributor,))
    server = house.settings.plugins.get(type_id)
    config = plugin.configure(json.loads(row[0]) if row else {}, override or {}, server=server)
    assert isinstance(config, DeployConfig)  # noqa: S101 - `configure` makes the class that was looked at
    return config


def _withdraw(house: House, flip: Flip) -> None:
    """Stop what the distributor deploys.

    Others of its repository may be removed by the same transaction: what they take is taken before the log is written.
    """
    database = house.database
    held = database.rows(
        "SELECT id, distributor FROM deploy WHERE repository_id = ? AND state IN ('new', 'propagating') "
        f"ORDER BY id{database.for_update}",
        (flip.repository_id,),
    )
    deploys = [deploy_id for deploy_id, distributor in held if distributor == flip.distributor_row]
    if deploys:
        for counter in ("publication", "publication_event"):
            take(database, counter, 0)
    for deploy_id in deploys:
        _stop(house, deploy_id, "canceled", "What it deployed is no longer served.")


def _asked_for(database: Database, task_id: str | None) -> Row | None:
    """Return (id, state) of the deploy that this very task was asked to make, and keep it."""
    if task_id is None:
        return None
    return database.row(f"SELECT id, state FROM deploy WHERE task_id = ?{database.for_update}", (task_id,))


def _insert(database: Database, flip: Flip, config: DeployConfig) -> int:
    deploy_id, now = take(database, "deploy")
    Deploy.insert(
        id=deploy_id,
        repository_id=flip.repository_id,
        distributor_id=flip.distributor_id,
        distributor=flip.distributor_row,
        environment=config.environment,
        network=config.network,
        state="new",
        task_id=flip.task_id,
        created_at=now,
    ).execute(database.peewee)
    return deploy_id


def _start(database: Database, flip: Flip) -> int:
    """Return when a deploy begins: after all others of its distributor, even if the wall clock was set back meanwhile."""
    query = "SELECT MAX(started_at) FROM deploy WHERE repository_id = ? AND distributor_id = ?"
    ((latest,),) = database.rows(query, (flip.repository_id, flip.distributor_id))
    return max(clock.now_us(), (latest or 0) + 1)


def _hold_under_way(database: Database, distributor: int) -> list[int]:
    """Return the deploys of the distributor with that row id that are propagating, which they stay."""
    found = database.rows(
        f"SELECT id FROM deploy WHERE distributor = ? AND state = 'propagating' ORDER BY id{database.for_update}",
        (distributor,),
    )
    return [deploy_id for (deploy_id,) in found]


def _stop(house: House, deploy_id: int, state: DeployState, reason: str) -> None:
    """End a deploy that is held, and cancel the tasks of its pushes after the commit."""
    tasks = progress.stop_pushes(house.database, deploy_id)
    progress.finish(house.database, deploy_id, state, reason, ("new", "propagating"))
    house.database.after_commit(partial(house.tasks.cancel_many, tasks))


def _enqueue_pushes(house: House, deploy_id: int, config: DeployConfig) -> str:
    """Freeze the set of servers, enqueue a push to each, and say how many there are."""
    database = house.database
    servers = database.rows(_SERVERS, (config.network,))
    retries = house.settings.push_retries if config.retries is None else config.retries
    calls = [push_call(deploy_id, server, pop, most, retries=retries) for server, pop, most, _, _ in servers]
    tasks = house.tasks.enqueue_many(calls)
    database.executemany(
        _INSERT_PUSH,
        [(deploy_id, server, pop, url, task.task_id) for (server, pop, _, _, url), task in zip(servers, tasks, strict=True)],
    )
    counts = Counter((pop, name) for _, pop, _, name, _ in servers)
    database.executemany(_INSERT_POP, [(deploy_id, pop, name, count) for (pop, name), count in counts.items()])
    return f"{len(servers)} servers in {len(counts)} POPs of network {config.network!r}"
