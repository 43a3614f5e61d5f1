"""`entrepot doctor`: look whether everything is as it must be, and say what is to be done where it is not."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli.failures import FAILED
from entrepot.cli.session import OutputOption, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.diagnosis import Finding

#: Sign and colour of each state; the word stands beside the sign.
_SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red"), "skipped": ("-", "dim")}
#: Columns of a line that is not printed on a terminal.
_WIDTH = 100


def doctor(
    ctx: typer.Context,
    *,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address that the API listens on, or is to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Its port; 0 looks at none.")] = 8080,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Check settings, database, broker, disk, plugins, clock and port.

    And workers, loops, schedules and tasks; says what to do about what is not well. Changes nothing, and works where there is
    no database yet. Exit code 1 if something does not work. It takes seconds.

    Example: entrepot doctor

    Example: entrepot doctor -o json
    """
    from entrepot.cli.output import write_json

    session = Session.of(ctx)
    findings = _findings(session, host, port or None)
    if session.as_json:
        write_json({"status": _worst(findings), "findings": findings})
    else:
        _write(findings)
    if _worst(findings) == "failed":
        raise typer.Exit(FAILED)


def _findings(session: Session, host: str, port: int | None) -> list[Finding]:
    """Return what was found; settings or plugins that let no engine be put together are the one finding then."""
    from entrepot.diagnosis import diagnose, refused
    from entrepot.errors import EntrepotError

    try:
        with session.unchecked_engine() as engine:
            return diagnose(engine, host=host, port=port)
    except EntrepotError as error:
        return [refused(error)]


def _worst(findings: Sequence[Finding]) -> str:
    states = {finding.state for finding in findings}
    return next((state for state in ("failed", "warning") if state in states), "ok")


def _write(findings: Sequence[Finding]) -> None:
    """Print a line for each finding, what to do below it, and a summary."""
    from rich.text import Text

    from entrepot.cli.output import console, is_live, printable

    out = console()
    width = out.width if is_live() else _WIDTH
    names = max(len(finding.name) for finding in findings)
    indent = " " * (len("✓ warning  ") + names + 2)
    for finding in findings:
        sign, style = _SIGNS[finding.state]
        line = Text(f"{sign} {finding.state.ljust(7)}", style=style)
        what = _wrapped(printable(finding.what), width - len(indent))
        line.append(f"  {finding.name.ljust(names)}  ", style="bold")
        line.append(f"\n{indent}".join(what), style="not bold default")
        out.print(line)
        if finding.what_next:
            out.print(f"{indent}-> " + f"\n{indent}   ".join(_wrapped(printable(finding.what_next), width - len(indent) - 3)))
    counts = {state: sum(finding.state == state for finding in findings) for state in ("failed", "warning")}
    said = [f"{counts[state]} {word}" for state, word in (("failed", "failed"), ("warning", "to look at")) if counts[state]]
    out.print(f"{', '.join(said)}." if said else "All is well.")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]
