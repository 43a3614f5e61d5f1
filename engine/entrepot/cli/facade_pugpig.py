"""`entrepot facade pugpig …`: accounts, their publications, and the keys of those."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.cli.facade_tenants import (
    DaysOption,
    ScopesOption,
    SourceArgument,
    TenantName,
    TokenName,
    add_tenant_commands,
    add_token_commands,
    issue,
    remove_channel,
    source_of,
    write_tenant,
)
from entrepot.cli.session import OutputOption, Session

app = typer.Typer(help="What goes on, as Pugpig's monitoring tells it.", no_args_is_help=True, rich_markup_mode=None)
account = typer.Typer(help="Make, see and remove accounts.", no_args_is_help=True, rich_markup_mode=None)
publication = typer.Typer(help="Say what the publications of an account show.", no_args_is_help=True, rich_markup_mode=None)
token = typer.Typer(help="Make, see and revoke the keys of publications.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(account, name="account")
app.add_typer(publication, name="publication")
app.add_typer(token, name="token")

_FACADE = "pugpig"
_Publication = Annotated[str, typer.Argument(metavar="PUBLICATION", help="The code of the publication.")]


@account.command()
def add(ctx: typer.Context, name: TenantName, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Make an account by its code, the first part of its host's name.

    Example: entrepot facade pugpig account add acme
    """
    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.tenants.add(_FACADE, name)
    write_tenant(
        session, report, line=f"Made account {name}. Next: entrepot facade pugpig publication set {name} CODE REPOSITORY"
    )


add_tenant_commands(account, _FACADE, "account", "acme")


@publication.command("set")
def set_publication(
    ctx: typer.Context,
    name: TenantName,
    code: _Publication,
    source: SourceArgument,
    *,
    prefix: Annotated[
        str | None, typer.Option(metavar="CODE", help="How its endpoint begins; `main` until it is said.")
    ] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make a publication of an account, or change which repository it shows.

    Example: entrepot facade pugpig publication set acme weekly zoo/files --prefix prod
    """
    session = Session.of(ctx)
    settings = None if prefix is None else {"endpoint_prefix": prefix}
    with session.service() as engine:
        report = engine.tenants.set_channel(_FACADE, name, code, settings=settings, sources=[source_of(source)])
    write_tenant(session, report, line=f"Publication {code} of {name} shows {source}.")


@publication.command()
def remove(ctx: typer.Context, name: TenantName, code: _Publication, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Remove a publication; its keys count for nothing from now on.

    Example: entrepot facade pugpig publication remove acme weekly
    """
    remove_channel(Session.of(ctx), _FACADE, name, code, noun="publication")


@token.command("add")
def add_token(
    ctx: typer.Context,
    name: TenantName,
    code: _Publication,
    token: TokenName,
    *,
    scope: ScopesOption = None,
    days: DaysOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make a key of a publication, and print it this once.

    It may `monitor`; `act` lets it ask for updates.

    Example: entrepot facade pugpig token add acme weekly dashboard --scope monitor --scope act
    """
    issue(Session.of(ctx), _FACADE, name, token, handle=code, scopes=scope, days=days)


add_token_commands(token, _FACADE, "acme", "dashboard")
