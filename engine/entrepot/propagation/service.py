"""The edge of one engine: `engine.edges`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from entrepot.propagation import asking, deploys, networks, settling, starting, stopping

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.events import Flip
    from entrepot.propagation.reports import DeployReport, PopReport, ServerPush, ServerReport
    from entrepot.repositories import House


class Edges:
    """POPs and their servers, and the deploys that go to them."""

    def __init__(self, house: House) -> None:
        """Serve the edge of the repositories in `house`."""
        self._house = house

    # -- POPs and servers ------------------------------------------------------------------------------------------

    def add_pop(self, name: str, *, network: str = "default", max_pushes: int = 4) -> PopReport:
        """Add a point of presence: `Region : Location`, or `Region : Location (ABC)` where a location has several.

        At most `max_pushes`, from 1 to 100, go to its servers at once. Raises `InvalidValue`, `DuplicateResource`.
        """
        return networks.add_pop(self._house.database, name, network=network, max_pushes=max_pushes)

    def list_pops(self, network: str | None = None) -> list[PopReport]:
        """Return the POPs of one network, or of all, in the order of network and name."""
        return networks.list_pops(self._house.database, network)

    def remove_pop(self, pop_id: int) -> None:
        """Remove a POP with its servers, as `remove_server` does; raises `MissingResource`."""
        stopping.remove_pop(self._house, pop_id)

    def add_server(self, pop_id: int, url: str, *, options: Mapping[str, JSON] | None = None) -> ServerReport:
        """Add a server to a POP: the URL to push to, and what it takes to do so; deploys under way do not go there.

        Nothing is connected to. Raises `MissingResource`, `InvalidValue`, `DuplicateResource`.
        """
        return networks.add_server(self._house.database, pop_id, url, options=options)

    def add_servers(self, pop_id: int, urls: Iterable[str]) -> list[ServerReport]:
        """Add servers without options, all or none; see `add_server`."""
        return networks.add_servers(self._house.database, pop_id, urls)

    def list_servers(self, pop_id: int | None = None) -> list[ServerReport]:
        """Return the servers of a POP, or of all, in the order they were added; raises `MissingResource`."""
        return networks.list_servers(self._house.database, pop_id)

    def remove_server(self, server_id: int) -> None:
        """Remove a server; its push is stopped. Nothing is removed from the server itself.

        Deploys under way that have not reached it do so no more, and no longer count it. Raises `MissingResource`.
        """
        stopping.remove_server(self._house, server_id)

    # -- deploys ---------------------------------------------------------------------------------------------------

    def request_deploy(
        self,
        repository_id: str,
        distributor_id: str,
        *,
        revision: int | None = None,
        message: str | None = None,
        requested_by: str | None = None,
    ) -> DeployReport:
        """Enqueue a publish, and return the deploy that it makes, new; with `revision` that publication is deployed again.

        Raises `MissingResource`, `OperationConflict` if a deploy of this distributor is under way, and `InvalidValue` if it
        is none that deploys.
        """
        return asking.request_deploy(
            self._house, repository_id, distributor_id, revision=revision, message=message, requested_by=requested_by
        )

    def get_deploy(self, deploy_id: int) -> DeployReport:
        """Return one deploy and how far it has got; raises `MissingResource`."""
        return deploys.get_deploy(self._house.database, deploy_id)

    def list_deploys(
        self,
        *,
        repository_ids: Collection[str] | None = None,
        distributor_id: str | None = None,
        environment: str | None = None,
        states: Collection[str] | None = None,
        before: int | None = None,
        limit: int = 50,
        latest: bool = False,
    ) -> list[DeployReport]:
        """Return deploys, newest first: of `repository_ids`, in one of `states`, older than deploy `before`.

        What is None does not narrow the choice. With `latest` those that are under way, and the newest of each distributor.
        """
        return deploys.list_deploys(
            self._house.database,
            repository_ids=repository_ids,
            distributor_id=distributor_id,
            environment=environment,
            states=states,
            before=before,
            limit=limit,
            latest=latest,
        )

    def list_pushes(
        self,
        deploy_id: int,
        *,
        pop_id: int | None = None,
        states: Collection[str] | None = None,
        skip: int = 0,
        limit: int | None = None,
    ) -> list[ServerPush]:
        """Return the pushes of a deploy, by POP name and server: `limit` of them, behind the first `skip`.

        Those to one POP, and in one of `states`, where these are given. Raises `MissingResource`, `InvalidValue`.
        """
        database = self._house.database
        return deploys.list_pushes(database, deploy_id, pop_id=pop_id, states=states, skip=skip, limit=limit)

    def last_pushes(self, pop_id: int) -> list[ServerPush]:
        """Return the newest push to each server of a POP, of whatever deploy, by server; raises `MissingResource`.

        A server that nothing was pushed to yet is left out.
        """
        return deploys.list_last_pushes(self._house.database, pop_id)

    def cancel(self, deploy_id: int) -> DeployReport:
        """Cancel a deploy: what is not done stays as it is on its server.

        Raises `MissingResource`, `OperationConflict` if it has ended.
        """
        return stopping.cancel(self._house, deploy_id)

    def push_again(self, deploy_id: int, *, pop_id: int | None = None, server_id: int | None = None) -> DeployReport:
        """Push again to the servers where a deploy failed or was canceled: all, those of a POP, or one.

        Raises `MissingResource`, and `OperationConflict` if there is none, or if something newer was deployed since.
        """
        return stopping.push_again(self._house, deploy_id, pop_id=pop_id, server_id=server_id)

    # -- what the engine calls -------------------------------------------------------------------------------------

    def flipped(self, flip: Flip) -> None:
        """Deploy what a distributor serves from now on, if it is one that does, in the transaction that flips."""
        starting.flipped(self._house, flip)

    def settle(self) -> int:
        """Write down what became of tasks that ended without doing so themselves; one round of a loop."""
        return settling.settle(self._house)
