"""`entrepot audit …`: see who has changed what, and who was refused."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.session import OutputOption, Session

app = typer.Typer(help="See who has changed what, and who was refused.", no_args_is_help=True, rich_markup_mode=None)


class Outcome(StrEnum):
    """What became of what was asked."""

    DONE = "done"
    REFUSED = "refused"


@app.command("list")
def list_audit(
    ctx: typer.Context,
    *,
    login: Annotated[
        str | None,
        typer.Option(
            metavar="LOGIN", autocompletion=completion.users, help="Only what this user has done; local:ann is ann here."
        ),
    ] = None,
    resource: Annotated[
        str | None,
        typer.Option(metavar="RESOURCE", help="Only what was done to this path, as /v2/repositories/zoo/, and below it."),
    ] = None,
    door: Annotated[
        str | None,
        typer.Option(metavar="DOOR", help="Only what came this way: rest, dashboard, cli, python, edgecast or pugpig."),
    ] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only what was changed, or what was refused.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How many are printed at most.")] = 50,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print who has changed what, the newest first.

    An entry names what was given and never says what. With `-o json` it says more: how it was proved who asks, from which
    address, and in which request.

    Example: entrepot audit list --resource /v2/repositories/zoo/ --limit 10

    Example: entrepot audit list --outcome refused -o json
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.access.list_audit(
            login=login, resource=resource, door=door, outcome=None if outcome is None else outcome.value, limit=limit
        )
    if session.as_json:
        write_json(reports)
        return
    rows = [(one.created, one.login, one.door, one.outcome, one.action, one.resource, ", ".join(one.fields)) for one in reports]
    columns = ("TIME", "USER", "DOOR", "OUTCOME", "ACTION", "RESOURCE", "GIVEN")
    write_table(columns, rows, flexible="GIVEN", empty="There is nothing of that kind in the audit log.")
