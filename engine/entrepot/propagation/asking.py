"""A deploy is asked for: its number is known at once, and it begins when its publish has flipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.errors import InvalidValue, MissingResource, OperationConflict
from entrepot.events.numbers import take
from entrepot.models import Deploy
from entrepot.propagation import deploys
from entrepot.propagation.starting import deploy_config
from entrepot.repositories import entries, publication, publish, rolling_back, rows

if TYPE_CHECKING:
    from entrepot.propagation.reports import DeployReport
    from entrepot.repositories import House

#: Characters of what somebody says of a deploy, at most.
LONGEST_MESSAGE = 2000


def request_deploy(
    house: House,
    repository_id: str,
    distributor_id: str,
    *,
    revision: int | None,
    message: str | None,
    requested_by: str | None,
) -> DeployReport:
    """Enqueue a publish, or the roll-back to publication `revision`, and return its deploy.

    Raises `MissingResource`, `InvalidValue`, `RefusedConfiguration`, `OperationConflict`.
    """
    database = house.database
    if message is not None and len(message) > LONGEST_MESSAGE:
        raise InvalidValue("message", why=f"it has at most {LONGEST_MESSAGE} characters")
    with database.transaction():
        repository = rows.lock_repository(database, repository_id)
        distributor = rows.get_distributor(database, repository, distributor_id)
        publication.lock_live(database, distributor.id)  # before a number is taken, as whoever flips does
        config = deploy_config(house, distributor.id, distributor.distributor_type_id)
        if config is None:
            why = f"{distributor_id!r} is of type {distributor.distributor_type_id}, which deploys nothing; add one that does"
            raise InvalidValue("distributor_id", why=why)
        _refuse_second(house, distributor.id, distributor_id)
        if revision is None:
            task = publish.request_publish(house, repository_id, distributor_id)
        elif entries.is_kept(database, distributor.id, revision):
            task = rolling_back.request_roll_back(house, repository_id, distributor_id, revision)
        else:
            raise MissingResource(publication=str(revision))
        deploy_id, now = take(database, "deploy")
        Deploy.insert(
            id=deploy_id,
            repository_id=repository_id,
            distributor_id=distributor_id,
            distributor=distributor.id,
            revision=revision,
            environment=config.environment,
            network=config.network,
            state="new",
            message=message,
            requested_by=requested_by,
            task_id=task.task_id,
            created_at=now,
        ).execute(database.peewee)
    return deploys.get_deploy(database, deploy_id)


def _refuse_second(house: House, distributor: int, distributor_id: str) -> None:
    under_way = deploys.find_under_way(house.database, distributor)
    if under_way is not None:
        msg = f"Deploy {under_way} of the distributor {distributor_id!r} is under way. Wait for its end, or cancel it first."
        raise OperationConflict(msg, reasons=[{"deploy_id": under_way}])
