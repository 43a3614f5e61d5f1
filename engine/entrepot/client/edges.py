"""The edge of a server: `client.edges`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.client.documents import Document
from entrepot.errors import InvalidValue
from entrepot.propagation.reports import DeployReport, PopProgress, PopReport, ServerPush, ServerReport

if TYPE_CHECKING:
    from entrepot.client.connection import Connection
    from entrepot.errors import JSON


class Edges:
    """POPs and their servers, and the deploys that go to them."""

    def __init__(self, connection: Connection) -> None:
        """Speak of the edge of the server that `connection` leads to."""
        self._connection = connection

    def add_pop(self, name: str, *, network: str = "default", max_pushes: int = 4) -> PopReport:
        """Add a point of presence: `Region : Location`, or `Region : Location (ABC)` where a location has several.

        At most `max_pushes`, from 1 to 100, go to its servers at once. Raises `InvalidValue`, `DuplicateResource`.
        """
        body = {"name": name, "network": network, "max_pushes": max_pushes}
        return _pop(self._connection.post("edge", "pops", body=body))

    def list_pops(self, network: str | None = None) -> list[PopReport]:
        """Return the POPs of one network, or of all, in the order of network and name."""
        query = [] if network is None else [("network", network)]
        return list(map(_pop, self._connection.get("edge", "pops", query=query)))

    def remove_pop(self, pop_id: int) -> None:
        """Remove a POP with its servers, as `remove_server` does; raises `MissingResource`."""
        self._connection.delete("edge", "pops", str(pop_id))

    def add_server(self, pop_id: int, url: str, *, options: Mapping[str, JSON] | None = None) -> ServerReport:
        """Add a server to a POP: the URL to push to, and what it takes to do so; deploys under way do not go there.

        Nothing is connected to. Raises `MissingResource`, `InvalidValue`, `DuplicateResource`.
        """
        return _server(self._connection.post("edge", "servers", body={"pop_id": pop_id, "url": url, "options": options}))

    def add_servers(self, pop_id: int, urls: Iterable[str]) -> list[ServerReport]:
        """Add servers without options, all or none; see `add_server`."""
        given = list(urls)
        if not given:
            self.list_servers(pop_id)
            return []
        return list(map(_server, self._connection.post("edge", "servers", body={"pop_id": pop_id, "urls": given})))

    def list_servers(self, pop_id: int | None = None) -> list[ServerReport]:
        """Return the servers of a POP, or of all, in the order they were added; raises `MissingResource`."""
        return list(map(_server, self._connection.get("edge", "servers", query=_query(pop_id=pop_id))))

    def remove_server(self, server_id: int) -> None:
        """Remove a server; its push is stopped. Nothing is removed from the server itself.

        Deploys under way that have not reached it do so no more, and no longer count it. Raises `MissingResource`.
        """
        self._connection.delete("edge", "servers", str(server_id))

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

        The server writes down who asks it: `requested_by` must be left out. Raises `MissingResource`, `OperationConflict`
        if a deploy of this distributor is under way, and `InvalidValue` if it is none that deploys.
        """
        if requested_by is not None:
            raise InvalidValue("requested_by", why="the server writes down who asks it")
        body = {"repository_id": repository_id, "distributor_id": distributor_id, "revision": revision, "message": message}
        return _deploy(self._connection.post("edge", "deploys", body=body))

    def get_deploy(self, deploy_id: int) -> DeployReport:
        """Return one deploy and how far it has got; raises `MissingResource`."""
        return _deploy(self._connection.get("edge", "deploys", str(deploy_id)))

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
        Only those of repositories that may be read are told.
        """
        if (repository_ids is not None and not repository_ids) or (states is not None and not states):
            return []
        query = _query(distributor_id=distributor_id, environment=environment, before=before, limit=limit)
        query += [("latest", "true")] if latest else []
        query += [("repository_id", one) for one in repository_ids or ()] + [("state", one) for one in states or ()]
        return list(map(_deploy, self._connection.get("edge", "deploys", query=query)))

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
        if states is not None and not states:
            return []
        query = _query(pop_id=pop_id, skip=skip, limit=limit) + [("state", one) for one in states or ()]
        return list(map(_push, self._connection.get("edge", "deploys", str(deploy_id), "pushes", query=query)))

    def last_pushes(self, pop_id: int) -> list[ServerPush]:
        """Return the newest push to each server of a POP, of whatever deploy, by server; raises `MissingResource`.

        A server that nothing was pushed to yet is left out.
        """
        return list(map(_push, self._connection.get("edge", "pops", str(pop_id), "pushes")))

    def cancel(self, deploy_id: int) -> DeployReport:
        """Cancel a deploy: what is not done stays as it is on its server.

        Raises `MissingResource`, `OperationConflict` if it has ended.
        """
        return _deploy(self._connection.post("edge", "deploys", str(deploy_id), "actions", "cancel"))

    def push_again(self, deploy_id: int, *, pop_id: int | None = None, server_id: int | None = None) -> DeployReport:
        """Push again to the servers where a deploy failed or was canceled: all, those of a POP, or one.

        Raises `MissingResource`, and `OperationConflict` if there is none, or if something newer was deployed since.
        """
        body = {"pop_id": pop_id, "server_id": server_id}
        return _deploy(self._connection.post("edge", "deploys", str(deploy_id), "actions", "push_again", body=body))


def _query(**given: object) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in given.items() if value is not None]


def _pop(document: Document) -> PopReport:
    return PopReport(**_fields(PopReport, document))


def _server(document: Document) -> ServerReport:
    return ServerReport(**_fields(ServerReport, document) | {"created": datetime.fromisoformat(document["created"])})


def _deploy(document: Document) -> DeployReport:
    moments = {name: _exact(document[f"{name}_us"]) for name in ("created", "started", "finished")}
    pops = tuple(PopProgress(**_fields(PopProgress, pop)) for pop in document["pops"])
    return DeployReport(**_fields(DeployReport, document) | moments | {"pops": pops})


def _push(document: Document) -> ServerPush:
    moments = {name: _moment(document[name]) for name in ("next_attempt", "started", "acked")}
    return ServerPush(**_fields(ServerPush, document) | moments)


def _fields(kind: type, document: Document) -> Document:
    """Return what a report holds of a document, which may hold more."""
    return {field.name: document[field.name] for field in fields(kind)}


def _exact(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else clock.from_us(microseconds)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
