"""`entrepot serve`: the whole engine; `entrepot scheduler`: its background loops alone."""

from __future__ import annotations

import typer

from entrepot.cli.administrator import ensure_administrator
from entrepot.cli.api import HostOption, PortOption
from entrepot.cli.logs import start_logging
from entrepot.cli.session import Session
from entrepot.cli.worker import ProcessesOption, ThreadsOption
from entrepot.version import __version__


def serve(
    ctx: typer.Context,
    *,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8080,
    processes: ProcessesOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Run the engine: REST API and content over HTTP, and workers.

    Until SIGTERM or Ctrl-C. Makes the data folder and the database if they are missing.

    Example: entrepot serve --port 8080
    """
    session = Session.of(ctx)
    with session.unchecked_engine() as engine, engine.visit():
        engine.initialise()
        ensure_administrator(engine)
        settings = engine.settings
        from entrepot.processes.supervisor import run_serve
        from entrepot.web.server import bound_socket
        from entrepot.web.tls import tls_context

        tls_context(engine)  # says what is wrong before anything is started, as the next line does
    bound_socket(host, port).close()
    processes, threads = processes or settings.worker_processes, threads or settings.worker_threads
    start_logging()
    typer.echo(f"entrepot {__version__}: data in {settings.data_dir}, {processes} workers of {threads} threads", err=True)
    raise typer.Exit(run_serve(settings, host=host, port=port, processes=processes, threads=threads))


def scheduler(ctx: typer.Context) -> None:
    """Run the background loops, and nothing else.

    Until SIGTERM or Ctrl-C. `serve` and `worker` run them as well; any number may run at the same time.

    Example: entrepot scheduler
    """
    session = Session.of(ctx)
    with session.engine() as engine:  # says what is wrong before anything is started
        settings = engine.settings
    from entrepot.processes.scheduler import run

    start_logging()
    typer.echo(f"entrepot {__version__}: data in {settings.data_dir}, background loops", err=True)
    raise typer.Exit(run(settings))
