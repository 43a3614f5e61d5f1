"""What is printed of a deploy: how far it has got in each POP, and what goes wrong on which server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.cli.output import printable, write_line, write_record, write_table
from entrepot.tasking.waiting import rough_text
from entrepot.wording import size_text, span_text

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.propagation import DeployReport, ServerPush

NO_DEPLOYS = "There are no such deploys. Ask for one: entrepot deploy start REPOSITORY"
#: Characters of a bar.
_BAR_WIDTH = 20
#: Servers that are told of below a deploy; `-o json` and `--pop` tell of all.
_SHOWN_SERVERS = 20
_FULL = 100


def share_text(done: int, servers: int) -> str:
    """Return a share as people read it, `100 %` only if nothing is missing, and not 0 once there is something."""
    if not servers:
        return "-"
    return f"{min(max(round(done / servers * _FULL), 1), _FULL - 1) if 0 < done < servers else done * _FULL // servers} %"


def bar(done: int, servers: int) -> str:
    """Return a share as a bar; it is full only if nothing is missing."""
    full = done * _BAR_WIDTH // servers if servers else 0
    return "█" * full + "░" * (_BAR_WIDTH - full)


def took(report: DeployReport) -> str:
    """Return how long a deploy took from its request to its end, or how long it has lasted so far."""
    if report.finished is not None:
        return span_text(report.finished - report.created)
    return rough_text(clock.now() - report.created)


def outcome(report: DeployReport) -> str:
    """Return how a deploy ended, as one sentence without a full stop: `propagated in 1.20 s: 12 of 12 servers`."""
    reason = (report.reason or "").rstrip(".")
    counts = "" if reason and report.state == "failed" else f"{report.done:,} of {report.servers:,} servers"
    return f"{report.state} in {took(report)}: {'. '.join(part for part in (counts, reason) if part)}"


def troubled(pushes: Iterable[ServerPush]) -> list[ServerPush]:
    """Return the pushes that failed, and those that are to be tried again."""
    return [push for push in pushes if push.state == "failed" or (push.error is not None and push.state != "done")]


def trouble_text(push: ServerPush, now: datetime) -> str:
    """Return what goes wrong on a server, but for the error itself: `retrying, tried 2 times, again in 8 s`."""
    tries = "once" if push.attempts == 1 else f"{push.attempts} times"
    return ", ".join(part for part in (push.state, f"tried {tries}", _again(push, now)) if part)


def error_text(push: ServerPush) -> str:
    """Return the error of a push, on one line, without the URL that most of them begin with."""
    error = (push.error or "No reason is known.").removeprefix(f"{push.url}: ")
    return printable(error.replace("\n", " "))


def write_deploy(report: DeployReport, pushes: Sequence[ServerPush]) -> None:
    """Print all that is known of a deploy: its POPs with bars, then the servers that fail."""
    pushes_failing, now = troubled(pushes), clock.now()
    sizes = f"{sum(push.files for push in pushes):,} files, {size_text(sum(push.bytes for push in pushes))}"
    write_record(
        [
            ("Deploy", report.deploy_id),
            ("What", f"{report.repository_id}/{report.distributor_id}"),
            ("Publication", report.revision),
            ("State", report.state),
            ("Why", report.reason),
            ("Servers", f"{report.done:,} of {report.servers:,} done, {report.failed:,} failed" if report.servers else None),
            ("Transferred", sizes if report.done else None),
            ("Network", report.network),
            ("Environment", report.environment),
            ("Message", report.message),
            ("Asked for by", report.requested_by),
            ("Created", report.created),
            ("Started", report.started),
            ("Finished", report.finished),
            ("Took", took(report) if report.finished else None),
            ("Task", report.task_id),
        ]
    )
    if report.pops:
        write_line("")
        rows = [
            (
                pop.name,
                bar(pop.done, pop.servers),
                f"{pop.done:,}/{pop.servers:,}",
                share_text(pop.done, pop.servers),
                pop.failed or "",
            )
            for pop in report.pops
        ]
        write_table(("POP", "", "SERVERS#", "DONE#", "FAILED#"), rows, flexible="POP")
    if pushes_failing:
        write_line("\nServers that have trouble:")
    for push in pushes_failing[:_SHOWN_SERVERS]:
        write_line(f"  server {push.server_id} in {push.pop}, {printable(push.url)}: {trouble_text(push, now)}")
        write_line(f"    {error_text(push)}")
    if len(pushes_failing) > _SHOWN_SERVERS:
        write_line(f"  … and {len(pushes_failing) - _SHOWN_SERVERS:,} more; --pop POP and -o json tell of all")
    if report.state in ("failed", "canceled") and report.servers:
        write_line(f"\nPush to them again: entrepot deploy push-again {report.deploy_id}")


def write_pushes(pushes: Sequence[ServerPush]) -> None:
    """Print the servers of a POP, one a line."""
    now = clock.now()
    rows = [
        (
            push.server_id,
            push.state,
            push.attempts or "",
            _again(push, now),
            f"{push.files:,}" if push.state == "done" else "",
            size_text(push.bytes) if push.state == "done" else "",
            push.url,
            error_text(push) if push.error is not None and push.state != "done" else "",
        )
        for push in pushes
    ]
    columns = ("SERVER#", "STATE", "TRIES#", "NEXT", "FILES#", "SIZE#", "URL", "ERROR")
    write_table(columns, rows, flexible="ERROR", empty="The deploy goes to no server there.")


def _again(push: ServerPush, now: datetime) -> str:
    if push.next_attempt is None:
        return ""
    return f"again in {rough_text(push.next_attempt - now)}" if push.next_attempt > now else "again now"
