"""`entrepot plugin …`: what is installed, and the beginning of a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entrepot.cli.session import OutputOption, Session

app = typer.Typer(help="See what is installed, and begin a new plugin.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def plugin() -> None:
    """See what is installed, and begin a new plugin."""


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


@app.command("new")
def new_plugin(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What the format is called, in small letters; its unit type is called so, too.")],
    *,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder to make; by default entrepot-NAME where you are.")
    ] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make a project for a new format.

    An importer and a distributor that work, and tests that they pass.

    Example: entrepot plugin new apk --folder ~/src/entrepot-apk
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.plugin_project import write_project

    place = (folder if folder is not None else Path(f"entrepot-{name}")).expanduser()
    written = write_project(name, place)
    if Session.of(ctx).as_json:
        write_json({"folder": str(place), "files": [str(path) for path in written]})
        return
    for path in written:
        write_line(str(path))
    write_line(f"\nNext: cd {place} && python -m pip install -e '.[dev]' && python -m pytest")
