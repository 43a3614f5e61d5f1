"""Wait for a deploy: show how far it has got, and end as it ends.

The walk: `follow_deploy` -> `_changes` (the report as it is again and again, and the servers that have trouble now and then)
-> a display (`deploy_display`) -> the final report -> `_conclude`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from entrepot import clock
from entrepot.cli.deploy_display import open_display
from entrepot.cli.deploy_words import error_text, outcome, trouble_text, troubled
from entrepot.cli.failures import CANCELED, FAILED, INTERRUPTED, TIMED_OUT, UNAVAILABLE, CommandFailed, Failure
from entrepot.cli.following import is_any_alive
from entrepot.cli.output import write_json, write_line
from entrepot.errors import JSON, TaskCanceled, TaskError, TaskFailed, WaitTimeout

if TYPE_CHECKING:
    from entrepot.cli.following import Service
    from entrepot.propagation import DeployReport, ServerPush

#: Seconds between two looks at a deploy, and between two at its servers; the latter are as many as there are.
_LOOK_SECONDS = 0.25
_SERVERS_LOOK_SECONDS = 2.0
#: The share of the time that looking may take: a deploy to tens of thousands of servers is looked at less often.
_LOOKING_SHARE = 0.1
#: How long without any change before the workers are looked at, seconds.
_PATIENCE_SECONDS = 3.0
#: Servers shown below a deploy that failed; `deploy show` has more.
_SHOWN_SERVERS = 10
_OPEN = ("new", "propagating")


def start_deploy(
    engine: Service, report: DeployReport, timeout_seconds: float | None, *, background: bool, as_json: bool
) -> None:
    """Print the number of a deploy that was just asked for and return, if it is to go on in the background; else follow it."""
    if not background:
        follow_deploy(engine, report, timeout_seconds, as_json=as_json)
    elif as_json:
        write_json(report)
    else:
        write_line(str(report.deploy_id))


def follow_deploy(engine: Service, report: DeployReport, timeout_seconds: float | None, *, as_json: bool) -> None:
    """Show a deploy until it has ended, and print what came of it.

    Raises `CommandFailed` unless it reached all servers, or if time ran out, or if no worker is there; ends with exit code 130
    at Ctrl-C. The deploy goes on in the last three cases.
    """
    try:
        with open_display(as_json=as_json) as display:
            for changed, pushes in _changes(engine, report, timeout_seconds):
                report = changed
                display.show(report, pushes)
            display.end(report)
    except KeyboardInterrupt:
        again = f"Watch it again: entrepot deploy watch {report.deploy_id}"
        write_line(f"\nStopped waiting; the deploy goes on. {again}", stderr=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        write_json(report)
    if report.state != "propagated":
        raise CommandFailed(_failure(engine, report))


def _changes(
    engine: Service, report: DeployReport, timeout_seconds: float | None
) -> Iterator[tuple[DeployReport, Sequence[ServerPush]]]:
    """Yield the report and the servers that have trouble, again and again until the deploy has ended."""
    began = changed_at = look_at_servers = clock.monotonic()
    pause = _LOOK_SECONDS
    pushes: Sequence[ServerPush] = ()
    while report.state in _OPEN:
        now = clock.monotonic()
        if report.state == "propagating" and now >= look_at_servers:
            pushes = troubled(engine.edges.list_pushes(report.deploy_id))
            look_at_servers = now + max(_SERVERS_LOOK_SECONDS, (clock.monotonic() - now) / _LOOKING_SHARE)
        yield report, pushes
        left = pause if timeout_seconds is None else began + timeout_seconds - now
        if left <= 0:
            raise CommandFailed(_timed_out(report, timeout_seconds or 0))
        if now - changed_at >= _PATIENCE_SECONDS:
            changed_at = now
            if not is_any_alive(engine):
                raise CommandFailed(_no_worker(report))
        time.sleep(min(pause, left))
        asked = clock.monotonic()
        found = engine.edges.get_deploy(report.deploy_id)
        pause = max(_LOOK_SECONDS, (clock.monotonic() - asked) / _LOOKING_SHARE)
        if found != report:
            report, changed_at = found, clock.monotonic()
    yield report, ()


def _failure(engine: Service, report: DeployReport) -> Failure:
    """Return what to say of a deploy that did not reach all servers."""
    message = f"Deploy {report.deploy_id} {outcome(report)}."
    counts: dict[str, JSON] = {"done": report.done, "servers": report.servers}
    data = {"deploy_id": report.deploy_id, "state": report.state, **counts}
    again = f"Push to the others again: entrepot deploy push-again {report.deploy_id}"
    if report.state == "canceled":
        return Failure(message, CANCELED, TaskCanceled.code, data, [again] if report.servers else [])
    if report.state == "superseded":
        return Failure(message, FAILED, TaskFailed.code, data, ["Watch the newest: entrepot deploy watch"])
    now = clock.now()
    pushes = troubled(engine.edges.list_pushes(report.deploy_id))
    details = [f"{push.url} in {push.pop}, {trouble_text(push, now)}: {error_text(push)}" for push in pushes[:_SHOWN_SERVERS]]
    if len(pushes) > _SHOWN_SERVERS:
        details.append(f"… and {len(pushes) - _SHOWN_SERVERS:,} more")
    if not report.servers:
        hints = [f"More: entrepot task show {report.task_id}"] if report.task_id else []
    else:
        hints = [f"More: entrepot deploy show {report.deploy_id}", again]
    return Failure(message, FAILED, TaskFailed.code, data, hints, details)


def _timed_out(report: DeployReport, timeout_seconds: float) -> Failure:
    return Failure(
        f"Deploy {report.deploy_id} is still {report.state} after {timeout_seconds:g} s; it goes on.",
        TIMED_OUT,
        WaitTimeout.code,
        {"deploy_id": report.deploy_id, "state": report.state},
        [
            f"Wait again: entrepot deploy watch {report.deploy_id}",
            f"Or stop it: entrepot deploy cancel {report.deploy_id}",
        ],
    )


def _no_worker(report: DeployReport) -> Failure:
    return Failure(
        f"No worker is running, so deploy {report.deploy_id} waits; it is kept and goes on when one is there.",
        UNAVAILABLE,
        TaskError.code,
        {"deploy_id": report.deploy_id},
        [
            "Start one: entrepot worker    (or the whole engine: entrepot serve)",
            f"Then: entrepot deploy watch {report.deploy_id}",
        ],
    )
