"""`entrepot facade edgecast …`: accounts, what they show, and their two tokens."""

from __future__ import annotations

import typer

from entrepot.cli.facade_tenants import (
    DaysOption,
    ScopesOption,
    SourceArgument,
    SourcesOption,
    TenantName,
    add_tenant_commands,
    add_token_commands,
    issue,
    made,
    source_of,
    sources_of,
    write_tenant,
)
from entrepot.cli.session import OutputOption, Session

app = typer.Typer(help="Status of deploys, as Edgecast tells it.", no_args_is_help=True, rich_markup_mode=None)
account = typer.Typer(help="Make, see and remove accounts.", no_args_is_help=True, rich_markup_mode=None)
token = typer.Typer(help="Make, see and revoke the two tokens of an account.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(account, name="account")
app.add_typer(token, name="token")

_FACADE = "edgecast"


@account.command()
def add(
    ctx: typer.Context,
    name: TenantName,
    *,
    source: SourcesOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make an account by its number: hexadecimal, in any letters; zeros in front count.

    Example: entrepot facade edgecast account add 0001 --source zoo/edges
    """
    session = Session.of(ctx)
    sources = sources_of(source)
    with session.service() as engine:
        report = engine.tenants.add(_FACADE, name)
        if sources:
            report = made(engine, _FACADE, name, "", sources)
    write_tenant(session, report, line=f"Made account {name}. Next: entrepot facade edgecast token rotate {name}")


@account.command("add-source")
def add_source(
    ctx: typer.Context,
    name: TenantName,
    source: SourceArgument,
    *,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Let an account see the deploys of a repository's distributor, or of any of its.

    Example: entrepot facade edgecast account add-source 0001 zoo/edges
    """
    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.tenants.add_source(_FACADE, name, *source_of(source))
    write_tenant(session, report, line=f"Account {name} sees {source}.")


@account.command("remove-source")
def remove_source(
    ctx: typer.Context,
    name: TenantName,
    source: SourceArgument,
    *,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Let an account no longer see what it was told to see.

    Example: entrepot facade edgecast account remove-source 0001 zoo/edges
    """
    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.tenants.remove_source(_FACADE, name, *source_of(source))
    write_tenant(session, report, line=f"Account {name} no longer sees {source}.")


add_tenant_commands(account, _FACADE, "account", "0001")


@token.command()
def rotate(
    ctx: typer.Context,
    name: TenantName,
    *,
    scope: ScopesOption = None,
    days: DaysOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make a new primary token of an account, and print it this once.

    The primary before becomes the backup, and the backup before is revoked. Without --scope it may what the one before may, the
    first one only read (status); `deploy` lets it ask for deploys.

    Example: entrepot facade edgecast token rotate 0001 --scope status --scope deploy
    """
    issue(Session.of(ctx), _FACADE, name, "primary", scopes=scope, days=days)


add_token_commands(token, _FACADE, "0001", "backup")
