"""`entrepot facade …`: the status facades, and one group of commands for each; what these share is in `facade_tenants`."""

from __future__ import annotations

import typer

from entrepot.cli import facade_edgecast, facade_livingdocs, facade_pugpig
from entrepot.cli.session import OutputOption, Session

app = typer.Typer(
    help="Let other tools see the state of content in the form that they read.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(facade_edgecast.app, name="edgecast")
app.add_typer(facade_livingdocs.app, name="livingdocs")
app.add_typer(facade_pugpig.app, name="pugpig")


@app.command("list")
def list_all(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print the accounts and projects of all facades.

    Never the secrets.

    Example: entrepot facade list
    """
    from entrepot.cli.facade_tenants import sources_text
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.tenants.list()
    if session.as_json:
        write_json(reports)
        return
    rows = [
        (
            one.facade,
            one.name,
            [channel.handle for channel in one.channels if channel.handle],
            len(one.tokens),
            sources_text(one),
        )
        for one in reports
    ]
    columns = ("FACADE", "NAME", "CHANNELS", "TOKENS#", "SHOWS")
    write_table(columns, rows, flexible="SHOWS", empty="There are none. Make one: entrepot facade --help")
