"""How a running task looks: bars that redraw themselves on a terminal, else one line a step and state; nothing with JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from entrepot import clock
from entrepot.cli.output import STATE_STYLES, console, is_live, printable, size_text, span_text
from entrepot.errors import JSON

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from entrepot.tasking import TaskReport

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


@dataclass(frozen=True)
class Step:
    """One step of a sync or publish, read from a progress report that may lack anything."""

    key: str
    description: str
    state: str
    done: int
    total: int
    bytes_done: int
    bytes_total: int
    failures: int
    details: str
    errors: tuple[str, ...]

    @property
    def share(self) -> float | None:
        """How much of the step is done, 0 to 1, by bytes if it has any, else by items; None while its size is not known."""
        if self.bytes_total:
            return min(self.bytes_done / self.bytes_total, 1.0)
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def counts(self) -> str:
        """The step's items and bytes: `1,200/10,000  12.3 MB/40.0 MB`."""
        parts = []
        if self.total or self.done:
            parts.append(f"{self.done:,}/{self.total:,}" if self.total else f"{self.done:,}")
        if self.bytes_total or self.bytes_done:
            ends = [self.bytes_done, self.bytes_total] if self.bytes_total else [self.bytes_done]
            parts.append("/".join(dict.fromkeys(map(size_text, ends))))
        if self.failures:
            parts.append(f"{self.failures:,} failed")
        return "  ".join(parts)


def steps(report: TaskReport) -> list[Step]:
    """Return the steps that a report's progress tells of, in order.

    Source: the Pulp 2 REST contract, section 3.4 (`progress_report`: a list of steps for each plugin).
    """
    found = []
    for plugin, items in report.progress.items():
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict):
                found.append(_step(f"{plugin}/{item.get('step_id', index)}", item))
    return found


def final_lines(report: TaskReport) -> list[str]:
    """Return the errors of a report that belong to single units or steps, one line each."""
    lines = [line for step in steps(report) for line in step.errors]
    subs = (report.error or {}).get("sub_errors")
    found = [sub.get("description") for sub in subs if isinstance(sub, dict)] if isinstance(subs, list) else []
    lines += [printable(str(description)) for description in found if description]
    return list(dict.fromkeys(lines))


def outcome(report: TaskReport) -> str:
    """Return how a task ended, as one sentence without a full stop: `finished in 1.20 s: 3 added, 0 updated, 0 removed`."""
    took = f" in {span_text(report.finished - report.started)}" if report.finished and report.started else ""
    state = "failed" if report.state == "error" else report.state
    told = ", ".join(_counts(report.result))
    return f"{state}{took}" + (f": {told}" if told else "")


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
            self._line(report, ("waiting",), f"{title}: waiting, task {report.task_id}")
        elif report.started is not None:
            where = f" by {report.worker_name}" if report.worker_name else ""
            self._line(report, ("running", str(report.attempt)), f"{title}: running{where}, task {report.task_id}")
        for step in steps(report):
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
        for step in steps(report):
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


def _step(key: str, item: dict[str, JSON]) -> Step:
    details = item.get("error_details")
    errors = []
    for detail in details if isinstance(details, list) else ():
        text = detail.get("error") if isinstance(detail, dict) else detail
        errors.append(printable(str(text)))
    return Step(
        key=key,
        description=str(item.get("description") or item.get("step_type") or key),
        state=str(item.get("state") or "NOT_STARTED"),
        done=_whole(item.get("num_processed")),
        total=_whole(item.get("items_total")),
        bytes_done=_whole(item.get("bytes_done")),
        bytes_total=_whole(item.get("bytes_total")),
        failures=_whole(item.get("num_failures")),
        details=str(item.get("details") or ""),
        errors=tuple(errors),
    )


def _counts(result: JSON) -> list[str]:
    """Return what a sync or publish did, from its result. Source: the Pulp 2 REST contract, section 2.8."""
    if not isinstance(result, dict):
        return []
    summary = result.get("summary")
    counts = [(noun, result.get(f"{noun}_count")) for noun in ("added", "updated", "removed")]
    if isinstance(summary, dict):
        counts += [(noun, summary.get(noun)) for noun in ("files", "added", "updated", "removed")]
    texts = [f"{count:,} {noun}" for noun, count in counts if isinstance(count, int)]
    if isinstance(summary, dict) and summary.get("unchanged") is True:
        texts.append("unchanged")
    return texts


def _clock_text(span: timedelta) -> str:
    """Return a span as a clock shows it: `0:07`, `12:30`."""
    minutes, seconds = divmod(max(int(span.total_seconds()), 0), 60)
    return f"{minutes}:{seconds:02}"


def _whole(value: JSON) -> int:
    return int(value) if isinstance(value, (int, float)) else 0


def _wrapping_console(*, stderr: bool) -> Console:
    """Return a console that knows its width, which a live display needs to redraw itself."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)
