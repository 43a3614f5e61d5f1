"""POPs and their servers: added, listed. How they are removed, while deploys may go there, is in `stopping`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import peewee

from entrepot import clock
from entrepot.errors import JSON, DuplicateResource, InvalidValue, MissingResource
from entrepot.models import EdgeServer, Pop
from entrepot.propagation import targets
from entrepot.propagation.pop_names import read_pop_name
from entrepot.propagation.reports import PopReport, ServerReport

if TYPE_CHECKING:
    from entrepot.models import Database, Row

#: How a network may be called.
_NETWORK = re.compile(r"[A-Za-z0-9_.-]{1,64}")
#: Pushes to one POP at once at most: no limit of tasks is larger.
_MOST_PUSHES = 100
_POPS = """
SELECT pop.id, network, name, region, location, code, max_pushes,
       (SELECT COUNT(*) FROM edge_server WHERE edge_server.pop = pop.id)
FROM pop
"""


def add_pop(database: Database, name: str, *, network: str, max_pushes: int) -> PopReport:
    """Add a POP; raises `InvalidValue`, `DuplicateResource`."""
    named = read_pop_name(name)
    if not _NETWORK.fullmatch(network):
        raise InvalidValue("network", why="a network's name has 1 to 64 letters, digits, '_', '.' and '-'")
    if isinstance(max_pushes, bool) or not 1 <= max_pushes <= _MOST_PUSHES:
        raise InvalidValue("max_pushes", why=f"at least 1 and at most {_MOST_PUSHES} pushes go to a POP at once")
    values = {"region": named.region, "location": named.location, "code": named.code, "max_pushes": max_pushes}
    try:
        with database.transaction():
            pop = Pop.insert(network=network, name=name, created_at=clock.now(), **values).execute(database.peewee)
    except peewee.IntegrityError as error:
        raise DuplicateResource(name) from error
    return _pops(database, "WHERE pop.id = ?", (pop,))[0]


def list_pops(database: Database, network: str | None) -> list[PopReport]:
    """Return the POPs of one network, or of all, by network and name."""
    found = _pops(database) if network is None else _pops(database, "WHERE network = ?", (network,))
    return sorted(found, key=lambda pop: (pop.network, pop.name))


def add_server(database: Database, pop_id: int, url: str, *, options: Mapping[str, JSON] | None) -> ServerReport:
    """Add a server; raises `MissingResource`, `InvalidValue`, `DuplicateResource`."""
    return _add(database, pop_id, [url], dict(options or {}))[0]


def add_servers(database: Database, pop_id: int, urls: Iterable[str]) -> list[ServerReport]:
    """Add servers without options, all or none; raises as `add_server`."""
    return _add(database, pop_id, list(urls), {})


def list_servers(database: Database, pop_id: int | None) -> list[ServerReport]:
    """Return the servers of a POP, or of all; raises `MissingResource`."""
    if pop_id is None:
        return _servers(database)
    _require_pop(database, pop_id)
    return _servers(database, "WHERE edge_server.pop = ?", (pop_id,))


def _add(database: Database, pop_id: int, urls: list[str], options: dict[str, JSON]) -> list[ServerReport]:
    for url in urls:
        targets.check(url, options)
    now, kept = clock.now_us(), EdgeServer.options.db_value(options)
    with database.transaction():
        _require_pop(database, pop_id)
        held: dict[str, int] = dict(database.rows("SELECT url, id FROM edge_server WHERE pop = ?", (pop_id,)))
        newest = max(held.values(), default=0)
        for url in urls:
            if url in held:
                raise DuplicateResource(url)
            held[url] = 0
        database.executemany(
            "INSERT INTO edge_server (pop, url, options, created_at) VALUES (?, ?, ?, ?)",
            [(pop_id, url, kept, now) for url in urls],
        )
    return _servers(database, "WHERE edge_server.pop = ? AND edge_server.id > ?", (pop_id, newest))


def _require_pop(database: Database, pop_id: int) -> None:
    """Raise `MissingResource` unless there is such a POP, which then stays until the transaction ends."""
    if database.row(f"SELECT 1 FROM pop WHERE id = ?{database.for_update}", (pop_id,)) is None:
        raise MissingResource(pop=str(pop_id))


def _pops(database: Database, condition: str = "", values: tuple[object, ...] = ()) -> list[PopReport]:
    return [PopReport(*row) for row in database.rows(f"{_POPS} {condition}", values)]


def _servers(database: Database, condition: str = "", values: tuple[object, ...] = ()) -> list[ServerReport]:
    rows = database.rows(
        "SELECT edge_server.id, edge_server.pop, pop.name, pop.network, url, options, edge_server.created_at "
        f"FROM edge_server JOIN pop ON pop.id = edge_server.pop {condition} ORDER BY edge_server.id",
        values,
    )
    return [_server(row) for row in rows]


def _server(row: Row) -> ServerReport:
    server_id, pop_id, pop, network, url, options, created = row
    shown = targets.masked(EdgeServer.options.python_value(options))
    return ServerReport(server_id, pop_id, pop, network, url, shown, clock.from_us(created))
