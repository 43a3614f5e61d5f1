"""`entrepot facade livingdocs …`: projects, their channels and tokens."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.cli.facade_tenants import (
    ChannelHandle,
    DaysOption,
    SourcesOption,
    TenantName,
    TokenName,
    add_tenant_commands,
    add_token_commands,
    issue,
    remove_channel,
    sources_of,
    write_tenant,
)
from entrepot.cli.session import OutputOption, Session

app = typer.Typer(help="Events of publications, as Livingdocs tells them.", no_args_is_help=True, rich_markup_mode=None)
project = typer.Typer(help="Make, see, change and remove projects.", no_args_is_help=True, rich_markup_mode=None)
channel = typer.Typer(help="Say what the channels of a project show.", no_args_is_help=True, rich_markup_mode=None)
token = typer.Typer(help="Make, see and revoke the tokens of a project.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(project, name="project")
app.add_typer(channel, name="channel")
app.add_typer(token, name="token")

_FACADE = "livingdocs"
_DocumentTypes = Annotated[
    list[str] | None,
    typer.Option(
        "--document-type",
        metavar="UNIT_TYPE=KIND",
        help="What a unit type is called: article, page or data-record; may be repeated.",
    ),
]


@project.command()
def add(
    ctx: typer.Context,
    name: TenantName,
    *,
    document_type: _DocumentTypes = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make a project by its id, a whole number.

    Example: entrepot facade livingdocs project add 12 --document-type iso=article
    """
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    kinds = pairs(document_type, option="--document-type")
    with session.service() as engine:
        report = engine.tenants.add(_FACADE, name, {"document_types": kinds} if kinds else None)
    write_tenant(session, report, line=f"Made project {name}. Next: entrepot facade livingdocs channel set {name} HANDLE")


@project.command("set")
def set_project(
    ctx: typer.Context,
    name: TenantName,
    *,
    document_type: _DocumentTypes = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Say what the unit types of a project are called, in place of what was said before.

    Example: entrepot facade livingdocs project set 12 --document-type iso=data-record
    """
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    kinds = pairs(document_type, option="--document-type")
    with session.service() as engine:
        report = engine.tenants.update(_FACADE, name, {"document_types": kinds or None})
    write_tenant(session, report, line=f"Changed project {name}.")


add_tenant_commands(project, _FACADE, "project", "12")


@channel.command("set")
def set_channel(
    ctx: typer.Context,
    name: TenantName,
    handle: ChannelHandle,
    *,
    source: SourcesOption = None,
    default: Annotated[
        bool | None, typer.Option("--default/--no-default", help="Whether it is meant where none is named; the first one is.")
    ] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make a channel of a project, or change what is given of one.

    Example: entrepot facade livingdocs channel set 12 web --source zoo/files --source farm
    """
    session = Session.of(ctx)
    sources = sources_of(source)
    with session.service() as engine:
        report = engine.tenants.set_channel(_FACADE, name, handle, is_default=default, sources=sources)
    number = next(one.channel_id for one in report.channels if one.handle == handle)
    write_tenant(session, report, line=f"Channel {handle} of project {name} has the id {number}.")


@channel.command()
def remove(ctx: typer.Context, name: TenantName, handle: ChannelHandle, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Remove a channel; its events are kept.

    Example: entrepot facade livingdocs channel remove 12 web
    """
    remove_channel(Session.of(ctx), _FACADE, name, handle, noun="channel")


@token.command("add")
def add_token(
    ctx: typer.Context,
    name: TenantName,
    token: TokenName,
    *,
    handle: Annotated[
        str | None, typer.Option("--channel", metavar="HANDLE", help="The only channel that it is good for [default: all].")
    ] = None,
    days: DaysOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make a token that may read the events of a project, and print it this once.

    Example: entrepot facade livingdocs token add 12 feed --days 90
    """
    issue(Session.of(ctx), _FACADE, name, token, handle=handle, scopes=None, days=days)


add_token_commands(token, _FACADE, "12", "feed")
