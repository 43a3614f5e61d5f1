"""`entrepot token …`: make, see and revoke API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.user import Login

app = typer.Typer(help="Make, see and revoke API tokens.", no_args_is_help=True, rich_markup_mode=None)

TokenName = Annotated[str, typer.Argument(metavar="NAME", help="What the token is called: each of a user's differently.")]


@app.command()
def create(
    ctx: typer.Context,
    login: Login,
    name: TokenName,
    *,
    days: Annotated[
        float | None,
        typer.Option(metavar="N", min=0.0001, max=36500, help="How long it is valid [default: until it is revoked]."),
    ] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make an API token of a user's, and print it this once.

    Whoever sends it as `Authorization: Bearer TOKEN` may do what the user may do.

    Example: entrepot token create ann nightly --days 90
    """
    from entrepot import clock
    from entrepot.cli.output import as_document, write_json, write_line

    session = Session.of(ctx)
    expires = None if days is None else clock.now() + timedelta(days=days)
    with session.engine() as engine:
        report, secret = engine.access.create_token(login, name, expires=expires)
    if session.as_json:
        document = as_document(report)
        assert isinstance(document, dict)  # noqa: S101 - a report is an object
        write_json({**document, "token": secret})
        return
    until = f", valid until {clock.iso(report.expires)}" if report.expires else ""
    write_line(f"This is token {name} of {login}{until}; it is not shown again:", stderr=True)
    write_line(secret)


@app.command("list")
def list_tokens(
    ctx: typer.Context,
    login: Annotated[
        str | None,
        typer.Argument(metavar="LOGIN", autocompletion=completion.users, show_default=False, help="Only tokens of this user."),
    ] = None,
    *,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print the tokens of a user, or of all.

    Never the tokens themselves.

    Example: entrepot token list ann
    """
    from entrepot import clock
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.engine() as engine:
        reports = engine.access.list_tokens(login)
    if session.as_json:
        write_json(reports)
        return
    now = clock.now()
    rows = [
        (
            one.login,
            one.name,
            "expired" if one.expires is not None and one.expires <= now else "valid",
            one.created,
            one.expires or "never",
            one.last_used or "never",
        )
        for one in reports
    ]
    columns = ("USER", "TOKEN", "STATE", "CREATED", "EXPIRES", "LAST USED")
    write_table(columns, rows, empty="There are no tokens. Make one: entrepot token create --help")


@app.command()
def revoke(ctx: typer.Context, login: Login, name: TokenName, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Revoke a token: it counts for nothing from now on.

    Example: entrepot token revoke ann nightly
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.engine() as engine:
        engine.access.revoke_token(login, name)
    if session.as_json:
        write_json({"login": login, "name": name, "revoked": True})
        return
    write_line(f"Revoked token {name} of {login}.")
