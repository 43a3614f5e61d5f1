"""What a list of tasks is narrowed by, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from entrepot.tasking import STATES, TaskFilter

if TYPE_CHECKING:
    from entrepot.tasking import TaskReport

#: A row id is no larger; an address may say anything.
_LAST = 2**63 - 1
#: Tags that a list may be narrowed by; each costs a look-up of each task that is looked at.
_MOST_TAGS = 10
_REPOSITORY = "pulp:repository:"
#: States that people choose from; the others come from Pulp's agents only.
SHOWN_STATES = ("waiting", "running", "finished", "error", "canceled", "skipped")


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for, as it was typed; what is empty narrows nothing."""

    states: tuple[str, ...] = ()
    task_type: str = ""
    repository: str = ""
    tag: str = ""
    id_beginning: str = ""
    group: str = ""
    queue: str = ""

    @classmethod
    def of(cls, given: Mapping[str, list[str]]) -> Filters:
        """Read the parameters of an address, or the fields of a form; a state that there is not is left out."""
        states = {state for state in given.get("state", []) if state in STATES}

        def last(name: str) -> str:
            return given.get(name, [""])[-1].strip()

        return cls(
            states=tuple(state for state in STATES if state in states),
            task_type=last("type"),
            repository=last("repository"),
            tag=last("tag"),
            id_beginning=last("id"),
            group=last("group"),
            queue=last("queue"),
        )

    @property
    def wanted(self) -> TaskFilter:
        """What the engine is asked for."""
        tags = [*self.tag.split()[:_MOST_TAGS], *([f"{_REPOSITORY}{self.repository}"] if self.repository else [])]
        return TaskFilter(
            states=self.states,
            tags=tags,
            task_types=[self.task_type] if self.task_type else (),
            queue=self.queue or None,
            group=self.group or None,
            id_beginning=self.id_beginning,
        )

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters of an address that asks for the same."""
        single = {
            "type": self.task_type,
            "repository": self.repository,
            "tag": self.tag,
            "id": self.id_beginning,
            "group": self.group,
            "queue": self.queue,
        }
        found = {name: [value] for name, value in single.items() if value}
        return ({"state": list(self.states)} if self.states else {}) | found

    @property
    def has_any(self) -> bool:
        """True if anything narrows the list."""
        return self != Filters()

    def address(self, path: str, **more: str) -> str:
        """Return `path` with the filters, and with what else it is to say."""
        query = self.query | {name: [value] for name, value in more.items()}
        return f"{path}?{urlencode(query, doseq=True)}" if query else path


def row_id(text: str) -> int | None:
    """Return the row id that an address names, None if it names none."""
    return min(int(text), _LAST) if text.isascii() and text.isdigit() and len(text) < 30 else None  # noqa: PLR2004 - digits of any


def repository_of(tags: tuple[str, ...]) -> str | None:
    """Return the repository that a task's tags name, None if they name none."""
    return next((tag.removeprefix(_REPOSITORY) for tag in tags if tag.startswith(_REPOSITORY)), None)


def name_of(report: TaskReport) -> str:
    """Return what a task is called where there is little room: of a function's path its last two names."""
    title = report.title
    return ".".join(title.split(".")[-2:]) if title == report.task_type else title
