"""What is said of deploys: shares, bars, outcomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from entrepot.cli.deploy_display import LiveDisplay
from entrepot.cli.deploy_words import bar, error_text, outcome, share_text, trouble_text, troubled
from entrepot.propagation import DeployReport, PopProgress, ServerPush

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def deploy(*pops: PopProgress, state: str = "propagating", reason: str | None = None) -> DeployReport:
    """Return a deploy that was begun at `NOW` and has ended two seconds later."""
    return DeployReport(
        deploy_id=7,
        repository_id="zoo",
        distributor_id="edge",
        revision=1,
        environment="production",
        network="default",
        state=state,  # type: ignore[arg-type]  # one of the states
        message=None,
        reason=reason,
        requested_by=None,
        task_id=None,
        servers=sum(pop.servers for pop in pops),
        done=sum(pop.done for pop in pops),
        failed=sum(pop.failed for pop in pops),
        created=NOW,
        started=NOW,
        finished=NOW + timedelta(seconds=2),
        pops=pops,
    )


def push(state: str, error: str | None = None, *, attempts: int = 1, seconds: float | None = None) -> ServerPush:
    """Return a push to `/srv`, which is tried again in so many seconds."""
    again = None if seconds is None else NOW + timedelta(seconds=seconds)
    return ServerPush(5, 1, "Europe : Berlin", "/srv", state, attempts, 0, 0, error, again, NOW, None, None, 1)  # type: ignore[arg-type]  # one of the states


@pytest.mark.parametrize(
    ("done", "servers", "share", "full"),
    [(0, 4, "0 %", 0), (1, 4, "25 %", 5), (1, 1000, "1 %", 0), (2287, 2288, "99 %", 19), (4, 4, "100 %", 20), (0, 0, "-", 0)],
)
def test_a_share_is_whole_only_if_nothing_is_missing(done: int, servers: int, share: str, full: int) -> None:
    assert (share_text(done, servers), bar(done, servers).count("█"), len(bar(done, servers))) == (share, full, 20)


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("propagated", None, "propagated in 2.00 s: 3 of 4 servers"),
        ("failed", "1 of 4 servers could not be reached.", "failed in 2.00 s: 1 of 4 servers could not be reached"),
        ("superseded", "Deploy 8 took its place.", "superseded in 2.00 s: 3 of 4 servers. Deploy 8 took its place"),
    ],
)
def test_an_outcome_is_a_sentence(state: str, reason: str | None, said: str) -> None:
    assert outcome(deploy(PopProgress(1, "Europe : Berlin", 4, 3, 1), state=state, reason=reason)) == said


def test_only_servers_that_have_trouble_are_told_of_and_their_url_once() -> None:
    pushes = [push("done", "late"), push("pending"), push("retrying", "/srv: no room", attempts=2, seconds=8), push("failed")]

    assert troubled(pushes) == pushes[2:]
    assert trouble_text(pushes[2], NOW) == "retrying, tried 2 times, again in 8 s"
    assert [error_text(one) for one in pushes[2:]] == ["no room", "No reason is known."]


def test_more_pops_than_lines_leave_out_those_that_are_done() -> None:
    out = Console(width=60, height=10, force_terminal=True, color_system=None, record=True, file=StringIO())
    pops = [PopProgress(number, f"Asia : {number:02}", 2, 2 if number < 20 else 0, 0) for number in range(24)]
    display = LiveDisplay(out)
    display.show(deploy(*pops), [push("retrying", "no\nroom", seconds=8)])

    out.print(display)

    lines = out.export_text().splitlines()
    assert len(lines) <= 10
    assert [line.split()[3] for line in lines if "Asia" in line] == ["20", "21", "22", "23"]
    assert "  … and 20 more POPs, 20 of them done" in lines
    assert lines[-1].strip() == "no room"
