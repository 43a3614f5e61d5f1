"""`entrepot init` and `entrepot db …`: the data folder and the tables."""

from __future__ import annotations

import typer

from entrepot.cli.administrator import ensure_administrator
from entrepot.cli.session import OutputOption, Session

app = typer.Typer(help="Bring the database up to date, or check it.", no_args_is_help=True, rich_markup_mode=None)


def init(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Make the data folder and the database.

    Or bring them up to date; running it again does no harm.

    Example: entrepot --data-dir /srv/entrepot init
    """
    from entrepot.cli.output import write_json, write_line, write_record
    from entrepot.server_address import masked

    session = Session.of(ctx)
    with session.unchecked_engine() as engine, engine.visit():
        applied = [f"{migration.number:04d}_{migration.name}" for migration in engine.initialise()]
        ensure_administrator(engine)
        settings, database_url = engine.settings, masked(engine.settings.effective_database_url)
    if session.as_json:
        write_json({"data_dir": str(settings.data_dir.absolute()), "database_url": database_url, "migrations": applied})
        return
    write_record(
        [
            ("Data folder", str(settings.data_dir.absolute())),
            ("Database", database_url),
            ("Migrations", "\n".join(applied) or "none: it was up to date"),
        ]
    )
    write_line("Next: entrepot serve")


@app.command()
def migrate(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Apply the migrations that the database lacks.

    Example: entrepot db migrate
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.unchecked_engine() as engine, engine.visit():
        applied = [f"{migration.number:04d}_{migration.name}" for migration in engine.initialise()]
        ensure_administrator(engine)
    if session.as_json:
        write_json({"migrations": applied})
        return
    for name in applied:
        write_line(f"applied {name}")
    write_line("The database is up to date.")


@app.command()
def check(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Check that the database can be used.

    By this version of entrepot, and the data folder too; exit code 6 if not.

    Example: entrepot db check
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.server_address import masked

    session = Session.of(ctx)
    with session.engine() as engine:
        database_url = masked(engine.settings.effective_database_url)
    if session.as_json:
        write_json({"status": "ok", "database_url": database_url})
    else:
        write_line(f"ok: {database_url}")
