"""`entrepot serve`: the whole engine; `entrepot api`: its HTTP side alone; `entrepot scheduler`: its background loops alone."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.cli.administrator import ensure_administrator
from entrepot.cli.logs import start_logging
from entrepot.cli.session import Session
from entrepot.cli.worker import ProcessesOption, ThreadsOption
from entrepot.version import __version__

HostOption = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")]


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


def api(
    ctx: typer.Context,
    *,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8080,
    exit_with_parent: Annotated[bool, typer.Option("--exit-with-parent", help="Stop at the end of standard input.")] = False,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log each request.")] = False,
) -> None:
    """Serve the REST API and content over HTTP, and nothing else.

    Until SIGTERM or Ctrl-C. `serve` runs one; more of them, on other ports or hosts, are the same API.

    Example: entrepot api --port 8081
    """
    from entrepot.web.server import run_api

    start_logging()
    settings = Session.of(ctx).settings()
    raise typer.Exit(run_api(settings, host=host, port=port, exit_with_parent=exit_with_parent, access_log=access_log))


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
