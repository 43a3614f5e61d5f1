"""Everything that is printed: JSON documents, tables, records and lines; colour only on a terminal."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import JSON

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: The colour of a word that tells how something went.
STATE_STYLES = {
    "accepted": "yellow",
    "active": "green",
    "alive": "green",
    "broken": "red",
    "canceled": "magenta",
    "done": "green",
    "drained": "yellow",
    "error": "red",
    "failed": "red",
    "finished": "green",
    "live": "green",
    "lost": "red",
    "new": "yellow",
    "ok": "green",
    "pending": "yellow",
    "propagated": "green",
    "propagating": "cyan",
    "pushing": "cyan",
    "retiring": "cyan",
    "retrying": "yellow",
    "running": "cyan",
    "skipped": "dim",
    "success": "green",
    "superseded": "magenta",
    "waiting": "yellow",
}

Cell = object
_GAP = "  "
_LEAST_FLEXIBLE = 12


def console(*, stderr: bool = False) -> Console:
    """Return the console of standard output or standard error; lines are never cut or wrapped by it."""
    from rich.console import Console

    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


def is_live(*, stderr: bool = False) -> bool:
    """Say whether a display that redraws itself can be shown there."""
    stream = sys.stderr if stderr else sys.stdout
    there = console(stderr=stderr)
    return stream.isatty() and there.is_terminal and not there.is_dumb_terminal


def as_document(value: object) -> JSON:
    """Return a report (dataclasses, moments, paths, tuples) as JSON data; moments as the REST contract writes them."""
    if isinstance(value, Enum):
        return as_document(value.value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_document(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_document(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [as_document(item) for item in value]
    return str(value)


def write_json(value: object) -> None:
    """Print `value` as an indented JSON document on standard output."""
    sys.stdout.write(json.dumps(as_document(value), indent=2, ensure_ascii=False) + "\n")


def write_line(text: str, *, stderr: bool = False) -> None:
    """Print one line; a first word that tells how something went is coloured."""
    console(stderr=stderr).print(text)


def write_table(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, flexible: str | None = None, empty: str = ""
) -> None:
    """Print rows below their column names.

    Nothing is cut, but on a terminal the `flexible` column gives way to fit the width, or goes. Columns whose name ends in
    `#` are numbers, set to the right, and shown without the `#`; columns without any text are left out. `empty` is said on
    standard error when there are no rows.
    """
    cells = [[cell_text(cell) for cell in row] for row in rows]
    if not cells:
        if empty:
            write_line(empty, stderr=True)
        return
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    widths = [max(width, len(name.removesuffix("#"))) if width else 0 for name, width in zip(columns, widths, strict=True)]
    if flexible is not None and is_live():
        index = columns.index(flexible)
        others = sum(width + len(_GAP) for name, width in zip(columns, widths, strict=True) if width and name != flexible)
        room = console().width - others
        widths[index] = min(widths[index], room) if room >= _LEAST_FLEXIBLE else 0
    out = console()
    out.print(_row([name.removesuffix("#") for name in columns], columns, widths, style="bold"))
    for row in cells:
        out.print(_row(row, columns, widths))


def write_record(pairs: Iterable[tuple[str, Cell]]) -> None:
    """Print names and values, one pair a line; pairs without a value are left out."""
    shown = [(name, cell_text(value)) for name, value in pairs if value not in (None, "", (), {}, [])]
    width = max((len(name) for name, _ in shown), default=0)
    from rich.text import Text

    out = console()
    for name, text in shown:
        line = Text(name.ljust(width + len(_GAP)), style="bold")
        lines = text.split("\n")
        line.append(("\n" + " " * (width + len(_GAP))).join(lines), style=STATE_STYLES.get(text, "not bold"))
        out.print(line)


def cell_text(value: Cell) -> str:
    """Return a value as people read it in a table."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        texts = (cell_text(item) if isinstance(item, str) else json.dumps(item) for item in value.values())
        return ", ".join(f"{key}={text}" for key, text in zip(value, texts, strict=True)) or "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(cell_text, value)) or "-"
    return str(value)


def printable(text: str) -> str:
    """Return `text` without control characters other than line ends: names from feeds must not command the terminal."""
    return "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)


def _row(cells: Sequence[str], columns: Sequence[str], widths: Sequence[int], style: str = "") -> Text:
    """Return one line of a table; columns of width 0 are left out."""
    from rich.text import Text

    line = Text(style=style)
    for cell, column, width in zip(cells, columns, widths, strict=True):
        if not width:
            continue
        flat = cell.replace("\n", " ")
        cut = flat if len(flat) <= width else flat[: width - 1] + "…"
        line.append(_GAP if line else "")
        line.append(cut.rjust(width) if column.endswith("#") else cut.ljust(width), style=STATE_STYLES.get(cell, ""))
    line.rstrip()
    return line
