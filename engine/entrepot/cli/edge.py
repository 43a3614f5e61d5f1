"""`entrepot edge …`: POPs and their servers, which deploys go to; deploys themselves are in `deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.session import OutputOption, Session
from entrepot.errors import InvalidValue, MissingResource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.client import Client
    from entrepot.engine import Engine
    from entrepot.errors import JSON
    from entrepot.propagation import PopReport, ServerReport

app = typer.Typer(help="Say where content is deployed to.", no_args_is_help=True, rich_markup_mode=None)
pop = typer.Typer(help="Add, see and remove POPs.", no_args_is_help=True, rich_markup_mode=None)
server = typer.Typer(help="Add, see and remove the servers of POPs.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(pop, name="pop")
app.add_typer(server, name="server")

PopArgument = Annotated[
    str, typer.Argument(metavar="POP", autocompletion=completion.pops, help="The name of the POP, or its number.")
]
ServerArgument = Annotated[int, typer.Argument(metavar="SERVER", min=1, max=2**63 - 1, help="The number of the server.")]
_NetworkOption = Annotated[str | None, typer.Option(metavar="NAME", help="Only those of this network.")]


@pop.command("add")
def add_pop(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="`Region : Location`, or `Region : Location (ABC)`, in quotation marks.")
    ],
    *,
    network: Annotated[str, typer.Option(metavar="NAME", help="The network that it belongs to.")] = "default",
    max_pushes: Annotated[
        int, typer.Option(metavar="N", min=1, max=100, help="How many of its servers are pushed to at once.")
    ] = 4,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Add a POP, a place with servers.

    Example: entrepot edge pop add "Europe : Berlin"
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.edges.add_pop(name, network=network, max_pushes=max_pushes)
    if session.as_json:
        write_json(report)
    else:
        write_line(f"Added POP {report.pop_id}, {report.name}. Next: entrepot edge server add {report.pop_id} URL")


@pop.command("list")
def list_pops(ctx: typer.Context, *, network: _NetworkOption = None, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print the POPs, by network and name.

    Example: entrepot edge pop list --network default
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.edges.list_pops(network)
    if session.as_json:
        write_json(reports)
        return
    rows = [(one.pop_id, one.network, one.name, one.servers, one.max_pushes) for one in reports]
    columns = ("POP#", "NETWORK", "NAME", "SERVERS#", "AT ONCE#")
    write_table(columns, rows, flexible="NAME", empty="There are no POPs. Add one: entrepot edge pop add --help")


@pop.command("remove")
def remove_pop(ctx: typer.Context, which: PopArgument, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Remove a POP with its servers.

    What they have stays there. Deploys that have not reached them do so no more.

    Example: entrepot edge pop remove "Europe : Berlin"
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.service() as engine:
        report = find_pop(engine, which)
        engine.edges.remove_pop(report.pop_id)
    if session.as_json:
        write_json(report)
    else:
        count = "1 server" if report.servers == 1 else f"{report.servers:,} servers"
        write_line(f"Removed POP {report.pop_id}, {report.name}, with {count}.")


@server.command("add")
def add_server(
    ctx: typer.Context,
    which: PopArgument,
    url: Annotated[list[str], typer.Argument(metavar="URL…", help="Where is pushed to: a folder, or a URL; any number.")],
    *,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="What it takes to push there, such as password=@FILE; may be repeated."),
    ] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Add servers to a POP, all or none.

    A server is /a/folder, rsync+ssh://user@host/path, sftp://user@host/path, s3://bucket/prefix or https://host/path (WebDAV).
    Nothing is connected to before the next deploy.

    Example: entrepot edge server add "Europe : Berlin" sftp://web@berlin-1.example.org/srv/www --option password=@secret
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    options = pairs(option, option="--option")
    with session.service() as engine:
        pop_id = find_pop(engine, which).pop_id
        reports = _added(engine, pop_id, url, options) if options else engine.edges.add_servers(pop_id, url)
    if session.as_json:
        write_json(reports)
        return
    for one in reports:
        write_line(f"Added server {one.server_id} to {one.pop}: {one.url}")


@server.command("list")
def list_servers(
    ctx: typer.Context,
    *,
    which: Annotated[
        str | None,
        typer.Option(
            "--pop", metavar="POP", autocompletion=completion.pops, help="Only servers of this POP, by name or number."
        ),
    ] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print the servers, in the order they were added.

    Secrets among their options are masked.

    Example: entrepot edge server list --pop "Europe : Berlin"
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.edges.list_servers(None if which is None else find_pop(engine, which).pop_id)
    if session.as_json:
        write_json(reports)
        return
    rows = [(one.server_id, one.network, one.pop, one.url, one.options or "") for one in reports]
    columns = ("SERVER#", "NETWORK", "POP", "URL", "OPTIONS")
    write_table(columns, rows, flexible="OPTIONS", empty="There are no servers. Add one: entrepot edge server add --help")


@server.command("remove")
def remove_server(ctx: typer.Context, server_id: ServerArgument, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Remove a server.

    What it has stays there. Deploys that have not reached it count it no more.

    Example: entrepot edge server remove 12
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.service() as engine:
        engine.edges.remove_server(server_id)
    if session.as_json:
        write_json({"server_id": server_id, "removed": True})
    else:
        write_line(f"Removed server {server_id}.")


def find_pop(engine: Engine | Client, which: str) -> PopReport:
    """Return the POP of that name or number; raises `MissingResource`, `InvalidValue` if several networks have one so named."""
    found = [one for one in engine.edges.list_pops() if which in (one.name, str(one.pop_id))]
    if not found:
        raise MissingResource(pop=which)
    if len(found) > 1:
        several = ", ".join(f"{one.pop_id} of {one.network}" for one in found)
        raise InvalidValue("POP", why=f"several networks have a POP {which!r}; name it by its number: {several}")
    return found[0]


def _added(engine: Engine | Client, pop_id: int, urls: Sequence[str], options: dict[str, JSON]) -> list[ServerReport]:
    """Add servers with options; those before the one that is refused are removed again."""
    added: list[ServerReport] = []
    try:
        for url in urls:
            added.append(engine.edges.add_server(pop_id, url, options=options))  # noqa: PERF401 - those before are needed
    except BaseException:
        for one in added:
            engine.edges.remove_server(one.server_id)
        raise
    return added
