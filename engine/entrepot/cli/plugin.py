"""`entrepot plugin …`: what is installed."""

from __future__ import annotations

import typer

from entrepot.cli.session import OutputOption, Session

app = typer.Typer(help="See what is installed.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def plugin() -> None:
    """See what is installed."""


@app.command("list")
def list_plugins(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print importers, distributors and unit types.

    Broken ones are printed with their error.

    Example: entrepot plugin list
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.unchecked_engine() as engine:
        plugins = engine.plugins.listing()
    if session.as_json:
        write_json(plugins)
        return
    rows = [
        (
            one.type_id,
            one.kind,
            "broken" if one.error else "ok",
            one.display_name,
            one.distribution,
            one.version,
            one.error or "",
        )
        for one in plugins
    ]
    columns = ("TYPE", "KIND", "STATE", "NAME", "DISTRIBUTION", "VERSION", "ERROR")
    write_table(columns, rows, flexible="ERROR", empty="No plugin is installed.")
