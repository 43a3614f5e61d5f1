"""`entrepot worker`: processes that run tasks."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.cli.logs import start_logging
from entrepot.cli.session import Session
from entrepot.version import __version__

ProcessesOption = Annotated[int | None, typer.Option(min=1, help="Worker processes [default: ENTREPOT_WORKER_PROCESSES or 2].")]
ThreadsOption = Annotated[
    int | None, typer.Option(min=1, help="Tasks that one process runs at once [default: ENTREPOT_WORKER_THREADS or 4].")
]


def worker(ctx: typer.Context, *, processes: ProcessesOption = None, threads: ThreadsOption = None) -> None:
    """Run workers, and nothing else.

    Until SIGTERM or Ctrl-C; what they run is finished first. `serve` has workers of its own.

    Example: entrepot worker --processes 4 --threads 2
    """
    session = Session.of(ctx)
    with session.engine() as engine:  # says what is wrong before anything is started
        settings = engine.settings
    from entrepot.processes.supervisor import run_workers

    processes, threads = processes or settings.worker_processes, threads or settings.worker_threads
    start_logging()
    typer.echo(f"entrepot {__version__}: data in {settings.data_dir}, {processes} workers of {threads} threads", err=True)
    raise typer.Exit(run_workers(settings, processes=processes, threads=threads))


def worker_process(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Option(help="The worker's name.")],
    threads: Annotated[int, typer.Option(min=1, help="Tasks that it runs at once.")] = 4,
) -> None:
    """Be one worker process; the supervisor starts it."""
    from entrepot.processes.worker import run

    start_logging()
    raise typer.Exit(run(Session.of(ctx).settings(), name=name, threads=threads))
