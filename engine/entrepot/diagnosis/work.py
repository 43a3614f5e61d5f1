"""Checks of what the engine does: plugins, workers, background loops, schedules, tasks; all but the first ask the database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.diagnosis.finding import Verdict, failed, ok, skipped, warning
from entrepot.schedules.figures import schedule_figures
from entrepot.tasking.figures import late_tasks, task_figures

if TYPE_CHECKING:
    from entrepot.engine import Engine

#: What a loop should have done by then, it has not done.
_LATE = timedelta(minutes=1)
#: A task that is ready for so long finds no worker.
_LONG_READY = timedelta(minutes=5)
#: The loop that measures the content, which goes round every ten minutes, should have left a trace by then.
_LOOPS_SILENT = timedelta(minutes=30)
_START = "Start one: entrepot serve, or entrepot worker."
_START_LOOPS = "Start them: entrepot serve, entrepot worker or entrepot scheduler; and look into its log."


def check_plugins(engine: Engine) -> Verdict:
    """Say which plugins are broken, and how they are mended."""
    plugins = engine.plugins.listing()
    broken = [plugin for plugin in plugins if plugin.error is not None]
    if broken:
        said = "; ".join(f"{plugin.type_id} ({plugin.kind.replace('_', ' ')}): {plugin.error}" for plugin in broken)
        return warning(
            f"{len(broken)} of {len(plugins)} plugins are broken: {said}",
            "Install what they need (pip install 'entrepot[rpm,deb,python]'), or a version that works here.",
        )
    return ok(f"{len(plugins)} importers, distributors and unit types can be used.")


def check_workers(engine: Engine) -> Verdict:
    """Say whether there are workers that claim tasks."""
    workers = engine.workers()
    alive = [worker for worker in workers if worker.alive]
    waiting = task_figures(engine.database).waiting
    if not alive:
        text = "No worker shows signs of life"
        return failed(f"{text}, and {waiting} tasks wait.", _START) if waiting else warning(f"{text}.", _START)
    if all(worker.state != "active" for worker in alive):
        return warning(f"{len(alive)} workers, and none of them claims tasks.", "Let them: entrepot worker resume --all")
    lost = len(workers) - len(alive)
    if lost:
        return warning(
            f"{len(alive)} workers are alive; {lost} show no signs of life any more.",
            "What they ran is handed on; look into their logs and for the kernel's out-of-memory killer.",
        )
    threads, busy = sum(worker.threads for worker in alive), sum(len(worker.tasks) for worker in alive)
    return ok(f"Workers alive: {len(alive)}, with {threads} threads; busy: {busy}.")


def check_loops(engine: Engine) -> Verdict:
    """Say whether the background loops go round, by what they should have done."""
    late = late_tasks(engine.database, by=_LATE)
    found = [
        f"{count} tasks {text}"
        for count, text in (
            (late.leases, "of lost workers have not been handed on"),
            (late.starts, "whose moment has come do not stand in line"),
        )
        if count
    ]
    if found:
        return failed(f"Background loops do not go round: {'; '.join(found)}.", _START_LOOPS)
    measured = engine.content.measures().measured
    if measured is None:
        return skipped("The background loops have not left a trace yet.", "They run in serve, worker and scheduler.")
    if clock.now() - measured > _LOOPS_SILENT:
        return warning(f"The background loops left their last trace at {clock.iso(measured)}.", _START_LOOPS)
    return ok(f"The background loops go round; their last trace is of {clock.iso(measured)}.")


def check_schedules(engine: Engine) -> Verdict:
    """Say whether schedules are overdue."""
    figures = schedule_figures(engine.database, overdue_by=_LATE)
    if figures.overdue:
        return failed(f"{figures.overdue} schedules should have run more than a minute ago.", _START_LOOPS)
    return ok(f"Schedules enabled: {figures.enabled}, disabled: {figures.disabled}; none is overdue.")


def check_tasks(engine: Engine) -> Verdict:
    """Say whether tasks that could run find no worker."""
    figures = task_figures(engine.database)
    stuck = [
        f"{queue!r} for {waited.total_seconds() / 60:.0f} min" for queue, waited in figures.oldest_ready if waited > _LONG_READY
    ]
    if stuck:
        return warning(
            f"Tasks are ready and nobody claims them: in the queue {', '.join(stuck)}.",
            "Run more workers, resume drained ones, or let some serve that queue (worker_queues).",
        )
    unfinished = sum(count for _, _, count in figures.unfinished)
    return ok(f"Tasks unfinished: {unfinished}; none that is ready has waited for long.")
