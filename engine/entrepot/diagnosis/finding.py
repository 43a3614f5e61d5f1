"""What a check says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check has found, and what is to be done; `what_next` is empty if nothing is."""

    state: State
    what: str
    what_next: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of the check called `name`, which took `seconds`.

    `ok`: as it must be. `warning`: it works, and somebody should look. `failed`: something does not work. `skipped`: it could
    not be looked at, or there is nothing to look at. `what` is a sentence about what was found, `what_next` one about what to
    do, empty if nothing is to be done.
    """

    name: str
    state: State
    what: str
    what_next: str
    seconds: float


def ok(what: str) -> Verdict:
    """Return the verdict that all is well."""
    return Verdict("ok", what)


def warning(what: str, what_next: str) -> Verdict:
    """Return the verdict that somebody should look."""
    return Verdict("warning", what, what_next)


def failed(what: str, what_next: str) -> Verdict:
    """Return the verdict that something does not work."""
    return Verdict("failed", what, what_next)


def skipped(what: str, what_next: str = "") -> Verdict:
    """Return the verdict that there was nothing to look at."""
    return Verdict("skipped", what, what_next)
