"""How a running task looks: bars that redraw themselves on a terminal, else one line a step and state; nothing with JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from entrepot import clock
from entrepot.cli.output import STATE_STYLES, console, is_live, printable
from entrepot.cli.steps import outcome
from entrepot.tasking.steps import steps_of
from entrepot.wording import size_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from entrepot.tasking import TaskReport
    from entrepot.tasking.steps import Step

_REFRESHES_PER_SECOND = 8
_BAR_WIDTH = 28
_STEP_MARKS = {"FINISHED": ("✓", "green"), "FAILED": ("✗", "red"), "CANCELLED": ("✗", "magenta"), "NOT_STARTED": ("·", "dim")}
_TASK_MARKS = {"finished": "✓", "error": "✗", "canceled": "✗"}


class Display(Protocol):
    """Shows the reports of tasks as they come."""

    def show(self, title: str, report: TaskReport) -> None:
        """Show a report that has changed."""

    def end(self, title: str, report: TaskReport) -> None:
        """Show the final report of a task."""


@contextmanager
def open_display(*, as_json: bool, is_quiet: bool) -> Iterator[Display]:
    """Give the display that fits: bars on a terminal, lines when piped; with JSON bars on standard error or nothing."""
    if is_quiet or (as_json and not is_live(stderr=True)):
        yield NoDisplay()
    elif is_live(stderr=as_json):
        display = LiveDisplay(_wrapping_console(stderr=as_json))
        with display.live:
            yield display
    else:
        yield LineDisplay()


class NoDisplay:
    """Shows nothing."""

    def show(self, title: str, report: TaskReport) -> None:
        """Show nothing."""

    def end(self, title: str, report: TaskReport) -> None:
        """Show nothing."""


class LineDisplay:
    """One line for each state of the task and of its steps, for logs and pipes."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._shown: set[tuple[str, ...]] = set()

    def show(self, title: str, report: TaskReport) -> None:
        """Print what is new in this report."""
        if report.state == "waiting":
            why = _why(report)
            reason = report.waiting.reason if report.waiting and why else ""
            self._line(report, ("waiting", reason), f"{title}: waiting, task {report.task_id}{why and f': {why}'}")
        elif report.started is not None:
            where = f" by {report.worker_name}" if report.worker_name else ""
            self._line(report, ("running", str(report.attempt)), f"{title}: running{where}, task {report.task_id}")
        for step in steps_of(report):
            if step.state == "NOT_STARTED":
                continue
            text = f"{title}: {step.description}: {step.state.lower().replace('_', ' ')}"
            self._line(report, (step.key, step.state), text + (f"  {step.counts}" if step.counts else ""))

    def end(self, title: str, report: TaskReport) -> None:
        """Print how the task ended."""
        self._line(report, ("end",), f"{title}: {outcome(report)}")

    def _line(self, report: TaskReport, key: tuple[str, ...], text: str) -> None:
        if (report.task_id, *key) not in self._shown:
            self._shown.add((report.task_id, *key))
            out = console()
            out.print(printable(text))
            out.file.flush()


class LiveDisplay:
    """The task's steps as bars, redrawn in place; what has ended stays above as plain lines."""

    def __init__(self, out: Console) -> None:
        """Draw on `out`; `live` is to be open meanwhile."""
        from rich.live import Live
        from rich.spinner import Spinner

        self._spinner = Spinner("dots", style="cyan")
        self._shown: tuple[str, TaskReport] | None = None
        self._rate = _Rate()
        self.live = Live(console=out, get_renderable=self._picture, refresh_per_second=_REFRESHES_PER_SECOND, transient=True)

    def show(self, title: str, report: TaskReport) -> None:
        """Draw this report from the next refresh on."""
        self._shown = title, report

    def end(self, title: str, report: TaskReport) -> None:
        """Print the final picture above, for good."""
        self._shown = None
        self.live.console.print(self._task(title, report))

    def _picture(self) -> RenderableType:
        return self._task(*self._shown) if self._shown else ""

    def _task(self, title: str, report: TaskReport) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        head, words = Table.grid(padding=(0, 1)), Text(title, style="bold")
        colour = STATE_STYLES.get(report.state, "")
        if report.is_final:
            words.append(f"  {outcome(report)}", style=f"not bold {colour}")
        else:
            words.append(f"  {report.state}", style=f"not bold {colour}")
            if report.started is not None:
                words.append(f"  {_clock_text(clock.now() - report.started)}", style="not bold")
            words.append(f"  task {report.task_id}", style="not bold dim")
        mark = Text(_TASK_MARKS.get(report.state, "•"), style=colour) if report.is_final else self._spinner
        head.add_row(mark, words)
        body = Table.grid(padding=(0, 1))
        if why := _why(report):
            body.add_row(" ", Text(printable(why), style=colour))
        for step in steps_of(report):
            body.add_row(" ", *self._step(step, is_running=step.state == "IN_PROGRESS" and not report.is_final))
        return Group(head, body) if body.row_count else head

    def _step(self, step: Step, *, is_running: bool) -> Iterator[RenderableType]:
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        mark, colour = _STEP_MARKS.get(step.state, ("•", "cyan"))
        yield Text(mark, style=colour)
        yield Text(printable(step.description), no_wrap=True)
        if is_running:
            share = step.share
            yield ProgressBar(
                total=None if share is None else 1.0,
                completed=share or 0.0,
                width=_BAR_WIDTH,
                pulse=share is None,
                complete_style="cyan",
                finished_style="cyan",
                pulse_style="cyan",
            )
        else:
            yield ""
        speed = self._rate.of(step) if is_running else ""
        yield Text("  ".join(part for part in (step.counts, speed, printable(step.details)) if part), no_wrap=True)


class _Rate:
    """The speed of the step that runs, over the last seconds."""

    _WINDOW_SECONDS = 5.0

    def __init__(self) -> None:
        self._key = ""
        self._seen: list[tuple[float, int]] = []

    def of(self, step: Step) -> str:
        """Return the step's bytes a second, or an empty text while too little is known."""
        if step.key != self._key:
            self._key, self._seen = step.key, []
        moment = clock.monotonic()
        self._seen = [seen for seen in self._seen if moment - seen[0] <= self._WINDOW_SECONDS] + [(moment, step.bytes_done)]
        span, gain = moment - self._seen[0][0], step.bytes_done - self._seen[0][1]
        return f"{size_text(gain / span)}/s" if span > 1 and gain > 0 else ""


def _why(report: TaskReport) -> str:
    """Return why a task waits; nothing if it is only for the moment that a worker needs to take it."""
    return report.waiting.text if report.waiting and report.waiting.reason != "ready" else ""


def _clock_text(span: timedelta) -> str:
    """Return a span as a clock shows it: `0:07`, `12:30`."""
    minutes, seconds = divmod(max(int(span.total_seconds()), 0), 60)
    return f"{minutes}:{seconds:02}"


def _wrapping_console(*, stderr: bool) -> Console:
    """Return a console that knows its width, which a live display needs to redraw itself."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)
