"""What a failed task says to people: what went wrong, why, and what to do next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.dashboard.task_filters import repository_of

if TYPE_CHECKING:
    from entrepot.tasking import TaskReport

#: What to do next, by the code of the error. The message of the error says what happened.
_HINTS = {
    "PLP2020": "Look at the feed's address and at the network between this server and the feed, then retry.",
    "PLP2021": "The server's settings do not let it go there. Another feed, or the settings that allow it, would help.",
    "PLP2022": "Open the feed's address in a browser or with curl: it answers with this error there, too. Then retry.",
    "PLP2023": "The feed is slow or away. Retry later, or give the importer more time.",
    "PLP2024": "The feed may have changed in the middle of the transfer. Retry; if it stays, the feed itself is inconsistent.",
    "PLP1013": "The feed may have changed in the middle of the transfer. Retry; if it stays, the feed itself is inconsistent.",
    "PLP2030": "Look at the disk of the data folder: entrepot doctor. Then retry.",
    "PLP2031": "Make room on the disk of the data folder, for instance by removing orphans. Then retry.",
    "PLP2032": "The user that the workers run as needs to be able to write to the data folder. Then retry.",
    "PLP2033": "Let the repository's files be checked and fetched again: entrepot repo download REPOSITORY --verify",
    "PLP2003": "Install the plugin again, or mend it, and restart the workers. The page Plugins says what is broken.",
    "PLP2004": "The plugin did something that it must not. The traceback below says where; its author needs it.",
    "PLP0049": "The worker's process or its machine went away. The server's log says whether it ran out of memory. Then retry.",
    "PLP2014": "It took longer than its time limit. Retry, or let the limit be longer.",
    "PLP2015": "Name the task's module in ENTREPOT_TASK_MODULES, and restart the workers. Then retry.",
    "PLP2016": "The function must return less, or keep it elsewhere and return where.",
    "PLP2017": "Let the limit of memory be larger, or let the task do less at once. Then retry.",
    "PLP0009": "It was removed before the task ran, or had never been there.",
    "PLP1000": "Mend the configuration that the message names, then retry.",
}
_UNFORESEEN = "This was not foreseen. The traceback below says where it happened."


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of a task: `what` happened, the `why` of its parts, and the `hint` what to do next."""

    code: str
    what: str
    why: tuple[str, ...]
    hint: str


def failure_of(report: TaskReport, most: int) -> Failure | None:
    """Return the error of a task, with up to `most` of its parts; None if it has none."""
    error = report.error
    if not error:
        return None
    subs = error.get("sub_errors")
    parts = [str(sub.get("description")) for sub in subs if isinstance(sub, dict)] if isinstance(subs, list) else []
    code = str(error.get("code") or "")
    hint = _HINTS.get(code, _UNFORESEEN if report.traceback else "")
    repository = repository_of(report.tags)
    if repository:
        hint = hint.replace("REPOSITORY", repository)
    return Failure(code, str(error.get("description") or ""), tuple(parts[:most]), hint)
