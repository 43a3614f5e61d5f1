"""How a deploy under way looks: a bar for each POP on a terminal, else one line a change; nothing with JSON in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from entrepot import clock
from entrepot.cli.deploy_words import error_text, outcome, share_text, trouble_text
from entrepot.cli.output import STATE_STYLES, console, is_live, printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from entrepot.propagation import DeployReport, PopProgress, ServerPush

_REFRESHES_PER_SECOND = 8
#: Characters of a bar on a terminal of 100 columns or more, and on one of fewer.
_BAR_WIDTHS = 30, 16
_WIDE = 100
#: Servers that have trouble, of which the display tells.
_SHOWN_SERVERS = 3
#: Lines that the display never fills: the head, what is left out, and the cursor's.
_SPARE_LINES = 4
_MARKS = {"propagated": "✓", "failed": "✗", "canceled": "✗", "superseded": "✗"}


class Display(Protocol):
    """Shows a deploy as it goes."""

    def show(self, report: DeployReport, pushes: Sequence[ServerPush]) -> None:
        """Show how far it is now, and the servers that have trouble."""

    def end(self, report: DeployReport) -> None:
        """Show how it ended."""


@contextmanager
def open_display(*, as_json: bool) -> Iterator[Display]:
    """Give the display that fits: bars on a terminal, lines when piped; with JSON bars on standard error or nothing."""
    if is_live(stderr=as_json):
        from rich.console import Console

        display = LiveDisplay(Console(stderr=as_json, highlight=False, markup=False, emoji=False))
        with display.live:
            yield display
    else:
        yield NoDisplay() if as_json else LineDisplay()


class NoDisplay:
    """Shows nothing."""

    def show(self, report: DeployReport, pushes: Sequence[ServerPush]) -> None:
        """Show nothing."""

    def end(self, report: DeployReport) -> None:
        """Show nothing."""


class LineDisplay:
    """One line for each change: of the deploy's state, of a POP, of a server that has trouble; for logs and pipes."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._state = ""
        self._pops: dict[int, PopProgress] = {}
        self._troubles: dict[int, tuple[int, str]] = {}

    def show(self, report: DeployReport, pushes: Sequence[ServerPush]) -> None:
        """Print what has changed."""
        title = f"deploy {report.deploy_id}"
        if report.state != self._state and report.state in ("new", "propagating"):
            servers, pops = _counted(report.servers, "server"), _counted(len(report.pops), "POP")
            size = f"publication {report.revision} to {servers} in {pops}"
            what = f"is published, task {report.task_id}" if report.state == "new" else size
            self._line(f"{title}: {report.state}, {what}")
        self._state = report.state
        for pop in report.pops:
            if pop != self._pops.get(pop.pop_id) and pop.done + pop.failed:
                failed = f", {pop.failed:,} failed" if pop.failed else ""
                share = share_text(pop.done, pop.servers)
                self._line(f"{title}: {pop.name}: {pop.done:,}/{pop.servers:,} {share}{failed}")
            self._pops[pop.pop_id] = pop
        for push in pushes:
            if self._troubles.get(push.server_id) != (push.attempts, push.state) and push.state in ("retrying", "failed"):
                self._line(f"{title}: {push.pop}: {push.url} {trouble_text(push, clock.now())}: {error_text(push)}")
                self._troubles[push.server_id] = push.attempts, push.state

    def end(self, report: DeployReport) -> None:
        """Print how it ended."""
        self._line(f"deploy {report.deploy_id}: {outcome(report)}")

    def _line(self, text: str) -> None:
        out = console()
        out.print(printable(text))
        out.file.flush()


class LiveDisplay:
    """A bar for each POP, redrawn in place; those that are done give way where there are more than lines."""

    def __init__(self, out: Console) -> None:
        """Draw on `out`; `live` is to be open meanwhile."""
        from rich.live import Live
        from rich.spinner import Spinner

        self._spinner = Spinner("dots", style="cyan")
        self._shown: tuple[DeployReport, Sequence[ServerPush]] | None = None
        self.live = Live(console=out, get_renderable=lambda: self, refresh_per_second=_REFRESHES_PER_SECOND, transient=True)

    def show(self, report: DeployReport, pushes: Sequence[ServerPush]) -> None:
        """Draw this from the next refresh on."""
        self._shown = report, pushes

    def end(self, report: DeployReport) -> None:
        """Print the final picture above, for good."""
        shown, self._shown = (report, ()), None
        self.live.console.print(*_picture(*shown, mark=None, width=self.live.console.width, lines=len(report.pops)), sep="\n")

    def __rich_console__(self, out: Console, options: ConsoleOptions) -> RenderResult:
        """Draw what is shown now, on as many lines as there are."""
        if self._shown is not None:
            yield from _picture(*self._shown, mark=self._spinner, width=options.max_width, lines=out.height - _SPARE_LINES)


def _picture(
    report: DeployReport, pushes: Sequence[ServerPush], *, mark: RenderableType | None, width: int, lines: int
) -> Iterator[RenderableType]:
    """Yield the deploy, at most `lines` of its POPs, and below them the first servers that have trouble."""
    from rich.table import Table
    from rich.text import Text

    colour = STATE_STYLES.get(report.state, "")
    words = Text(f"deploy {report.deploy_id} of {report.repository_id}/{report.distributor_id}", style="bold")
    if mark is None:
        words.append(f"  {outcome(report)}", style=f"not bold {colour}")
    else:
        words.append(f"  {report.state}", style=f"not bold {colour}")
        sums = f"  {report.done:,}/{report.servers:,}  {share_text(report.done, report.servers)}" if report.servers else ""
        words.append(f"{sums}  {_clock_text(report)}", style="not bold")
    head = Table.grid(padding=(0, 1))
    head.add_row(Text(_MARKS.get(report.state, "•"), style=colour) if mark is None else mark, words)
    yield head
    told = pushes[:_SHOWN_SERVERS]
    shown = _fitting(report.pops, lines - 2 * len(told))
    yield _bars(shown, width)
    if len(shown) < len(report.pops):
        rest = set(report.pops).difference(shown)
        done = sum(pop.done == pop.servers for pop in rest)
        yield Text(f"  … and {len(rest):,} more POPs, {done:,} of them done", style="dim")
    for push in told:
        said = f"  ! server {push.server_id} in {push.pop}: {trouble_text(push, clock.now())}"
        yield Text(printable(said), style="yellow", no_wrap=True, overflow="ellipsis")
        yield Text(f"    {error_text(push)}", no_wrap=True, overflow="ellipsis")


def _fitting(pops: Sequence[PopProgress], lines: int) -> Sequence[PopProgress]:
    """Return as many POPs as there are lines, in their order; those that are done are the first to be left out."""
    if len(pops) <= lines:
        return pops
    unfinished = [pop for pop in pops if pop.done < pop.servers]
    return (unfinished if len(unfinished) >= lines else pops)[: max(lines, 1)]


def _bars(pops: Sequence[PopProgress], width: int) -> RenderableType:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    bar_width = _BAR_WIDTHS[width < _WIDE]
    body = Table.grid(padding=(0, 1))
    body.add_column(no_wrap=True)
    body.add_column(no_wrap=True, overflow="ellipsis")
    body.add_column(no_wrap=True, min_width=bar_width)
    for _ in range(3):
        body.add_column(no_wrap=True, justify="right")
    for pop in pops:
        mark, colour = _mark(pop)
        body.add_row(
            Text(f"  {mark}", style=colour),
            Text(printable(pop.name)),
            ProgressBar(
                total=float(pop.servers),
                completed=float(pop.done),
                width=bar_width,
                complete_style=colour or "cyan",
                finished_style="green",
            ),
            Text(f"{pop.done:,}/{pop.servers:,}"),
            Text(share_text(pop.done, pop.servers)),
            Text(f"{pop.failed:,} failed" if pop.failed else "", style="red"),
        )
    return body


def _mark(pop: PopProgress) -> tuple[str, str]:
    if pop.done == pop.servers:
        return "✓", "green"
    if pop.done + pop.failed == pop.servers:
        return "✗", "red"
    return ("•", "cyan") if pop.done + pop.failed else ("·", "dim")


def _clock_text(report: DeployReport) -> str:
    """Return how long a deploy has lasted as a clock shows it: `0:07`, `12:30`."""
    minutes, seconds = divmod(max(int((clock.now() - report.created).total_seconds()), 0), 60)
    return f"{minutes}:{seconds:02}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
