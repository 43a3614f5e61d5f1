"""`entrepot worker …`: run processes that run tasks; see, drain and resume those that do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.logs import start_logging
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.values import seconds
from entrepot.version import __version__

if TYPE_CHECKING:
    from entrepot.tasking import WorkerReport

ProcessesOption = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Worker processes [default: ENTREPOT_WORKER_PROCESSES or 2].")
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Tasks that one process runs at once [default: ENTREPOT_WORKER_THREADS or 4]."),
]
WorkerArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        autocompletion=completion.workers,
        show_default=False,
        help="A worker's name, or as much of it as no other has.",
    ),
]
HostOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST", autocompletion=completion.hosts, help="All workers on this host, also those that start later."
    ),
]
AllOption = Annotated[bool, typer.Option("--all", help="All workers, also those that start later.")]

#: Queues, and tasks, that a line of the table names at most.
_MOST_NAMES = 2

app = typer.Typer(
    help="Run workers, and nothing else; see, drain and resume them.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@app.callback()
def worker(
    ctx: typer.Context,
    *,
    processes: ProcessesOption = None,
    threads: ThreadsOption = None,
    queue: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUEUE",
            help="Run only tasks of this queue; may be given several times [default: ENTREPOT_WORKER_QUEUES or all].",
        ),
    ] = None,
) -> None:
    """Run workers, and nothing else; see, drain and resume them.

    Without a command it runs workers until SIGTERM or Ctrl-C; what they run is finished first. `serve` has workers of its
    own.

    Example: entrepot worker --processes 4 --threads 2
    """
    if ctx.invoked_subcommand is not None:
        return
    session = Session.of(ctx)
    with session.engine() as engine:  # says what is wrong before anything is started
        settings = engine.settings
    from entrepot.processes.supervisor import run_workers
    from entrepot.tasking.task_type import require_queue_name

    if queue:
        settings = settings.model_copy(update={"worker_queues": [require_queue_name(name) for name in queue]})
    processes, threads = processes or settings.worker_processes, threads or settings.worker_threads
    start_logging()
    typer.echo(f"entrepot {__version__}: data in {settings.data_dir}, {processes} workers of {threads} threads", err=True)
    raise typer.Exit(run_workers(settings, processes=processes, threads=threads))


@app.command("list")
def list_workers(
    ctx: typer.Context,
    *,
    tasks: Annotated[bool, typer.Option("--tasks", help="Print the tasks that they run as well, one a line.")] = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print the workers of all hosts, and what they are doing.

    Example: entrepot worker list

    Example: entrepot worker list --tasks
    """
    from entrepot import clock
    from entrepot.cli.output import write_json, write_line, write_table
    from entrepot.tasking.short_ids import SHOWN_LENGTH
    from entrepot.tasking.waiting import rough_text
    from entrepot.wording import size_text

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.workers()
        running = [(report, engine.tasks.get(task_id)) for report in reports for task_id in report.tasks] if tasks else []
    if session.as_json:
        write_json(reports)
        return
    now = clock.now()
    rows = [
        (
            report.short_name,
            report.host,
            report.pid,
            report.state,
            report.version,
            f"{len(report.tasks)}/{report.threads}",
            _few(report.queues) or "all",
            rough_text(now - report.started),
            rough_text(now - report.beat),
            "-" if report.rss_bytes is None else size_text(report.rss_bytes),
            report.tasks_ended,
            _few([task_id[:SHOWN_LENGTH] for task_id in report.tasks]),
        )
        for report in reports
    ]
    columns = ("NAME", "HOST", "PID#", "STATE", "VERSION", "BUSY#", "QUEUES", "UP#", "BEAT#", "RSS#", "ENDED#", "RUNS")
    write_table(columns, rows, flexible="RUNS", empty="There are no workers. Start some: entrepot worker")
    if running:
        write_line("")
        write_table(
            ("WORKER", "TASK", "FOR#", "WHAT"),
            [
                (report.short_name, task.task_id, rough_text(now - (task.started or now)), task.title)
                for report, task in running
            ],
            flexible="WHAT",
        )


@app.command()
def drain(
    ctx: typer.Context,
    name: WorkerArgument = None,
    *,
    host: HostOption = None,
    every: AllOption = False,
    wait: Annotated[
        float | None,
        typer.Option(
            parser=seconds, metavar="SECONDS", help="Return when nothing runs there any more, at most after this time."
        ),
    ] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Let workers claim nothing new; what they run goes on.

    Until they are resumed; a process that takes the place of another on a drained host is drained as well.

    Example: entrepot worker drain --host web-3 --wait 600
    """
    from entrepot.cli.output import write_json, write_line

    _require_one(name, host, every=every)
    session = Session.of(ctx)
    with session.service() as engine:
        found = engine.drain_workers(name, host=host, wait=None if wait is None else timedelta(seconds=wait))
        names = {report.name for report in found}
        reports = [report for report in engine.workers() if report.name in names]
    if session.as_json:
        write_json(reports)
        return
    running = sum(len(report.tasks) for report in reports)
    write_line(f"Told to claim nothing new: {_names(found)}. Tasks that still run there: {running}.")
    write_line(f"Let them claim again: entrepot worker resume {name or (f'--host {host}' if host else '--all')}")


@app.command()
def resume(
    ctx: typer.Context,
    name: WorkerArgument = None,
    *,
    host: HostOption = None,
    every: AllOption = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Let drained workers claim again.

    Example: entrepot worker resume --host web-3
    """
    from entrepot.cli.output import write_json, write_line

    _require_one(name, host, every=every)
    session = Session.of(ctx)
    with session.service() as engine:
        found = engine.resume_workers(name, host=host)
    if session.as_json:
        write_json(found)
        return
    write_line(f"Told to claim tasks again: {_names(found)}.")


def worker_process(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Option(help="The worker's name.")],
    threads: Annotated[int, typer.Option(min=1, help="Tasks that it runs at once.")] = 4,
    supervised: Annotated[bool, typer.Option("--supervised", help="The parent looks after what it leaves behind.")] = False,
) -> None:
    """Be one worker process; the supervisor starts it."""
    from entrepot.processes.worker import run

    start_logging()
    raise typer.Exit(run(Session.of(ctx).settings(), name=name, threads=threads, is_supervised=supervised))


def bury_worker(ctx: typer.Context, *, name: Annotated[str, typer.Option(help="The worker's name.")]) -> None:
    """Hand on what a worker ran when it is dead; one without a supervisor starts this when it ends at once."""
    from entrepot.processes.undertaker import run

    start_logging()
    raise typer.Exit(run(Session.of(ctx).settings(), name=name))


def _require_one(name: str | None, host: str | None, *, every: bool) -> None:
    """Raise `InvalidValue` unless exactly one of the three says which workers are meant."""
    from entrepot.errors import InvalidValue

    if (name is not None) + (host is not None) + every != 1:
        raise InvalidValue("worker", why="say which workers are meant: a name, --host HOST or --all, and one of them only")


def _few(names: Sequence[str]) -> str:
    """Return the names if they are few, else the first one and how many more there are."""
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{names[0]}, +{len(names) - 1}"


def _names(reports: list[WorkerReport]) -> str:
    return ", ".join(report.short_name for report in reports) or "nobody yet"
