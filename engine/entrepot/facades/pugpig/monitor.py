"""What goes on with a publication and what has ended, read at one moment for all who ask.

Progress and completed come of the same reading: an action is in one of them, and in one only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.facades.door import json_bytes
from entrepot.facades.pugpig.actions import VERSION, Action, deploy_action, never_less, task_action
from entrepot.facades.pugpig.polling import BUSY_SECONDS, IDLE_SECONDS
from entrepot.facades.snapshots import Snapshots
from entrepot.propagation.reports import OPEN_DEPLOYS
from entrepot.repositories import publish, sync
from entrepot.repositories.task_tags import repository_tag

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.errors import JSON
    from entrepot.tenants import ChannelReport

#: How old a reading is at most, seconds.
MAX_AGE_SECONDS = 5.0
#: Actions that have ended and are told, those that are told unless more are asked for, and deploys among them.
MOST_COMPLETED, COMPLETED, _MOST_DEPLOYS = 200, 50, 50
#: Tasks that have ended and are read: they end in the order they began, but for those that are cancelled.
_READ = MOST_COMPLETED + 100
_ENDED_DEPLOYS = ("propagated", "failed", "canceled", "superseded")
#: In place of a distributor's id: whichever the repository has.
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication of an account: its codes, and the repository and distributor that it shows, None if it has no source."""

    account: str
    code: str
    prefix: str
    channel_id: int
    source: tuple[str, str] | None

    @property
    def repository_id(self) -> str | None:
        """The repository that it shows."""
        return None if self.source is None else self.source[0]

    @property
    def distributor_id(self) -> str | None:
        """The distributor that it shows, None for any."""
        return None if self.source is None or self.source[1] == _ANY else self.source[1]

    @property
    def head(self) -> dict[str, JSON]:
        """What every document begins with."""
        return {"version": VERSION, "publication": self.code, "account": self.account, "endpoint": self.prefix}


@dataclass(frozen=True, slots=True)
class Page:
    """What is sent, and the strong tag of all of it but of when it was made."""

    body: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class State:
    """A publication as it was at one moment; `completed` has the newest first. Pages that are often asked for are kept."""

    publication: Publication
    generated: datetime
    in_progress: tuple[Action, ...]
    completed: tuple[Action, ...]
    pages: dict[str, Page]

    @property
    def interval_seconds(self) -> int:
        """In how many seconds the next poll is useful."""
        return BUSY_SECONDS if self.in_progress else IDLE_SECONDS

    def progress_page(self) -> Page:
        """Return what goes on."""
        return self._kept("progress", lambda: self._page(self.in_progress))

    def completed_page(self, limit: int, since: datetime | None) -> Page:
        """Return what ended at `since` or later, None: whenever; the newest `limit`."""
        if since is None:
            return self._kept(f"completed {limit}", lambda: self._page(self.completed[:limit]))
        return self._page(tuple(one for one in self.completed if one.finished is not None and one.finished >= since)[:limit])

    def _page(self, actions: tuple[Action, ...]) -> Page:
        head = self.publication.head
        told: dict[str, JSON] = {"poll_interval": self.interval_seconds, "actions": [one.document for one in actions]}
        return Page(json_bytes(head | {"generated_at": clock.iso(self.generated)} | told), tag_of(json_bytes(head | told)))

    def _kept(self, name: str, make: Callable[[], Page]) -> Page:
        page = self.pages.get(name)
        if page is None:
            page = self.pages[name] = make()
        return page


class Monitor:
    """The states of publications, each read by one thread at a time and shared by all who ask."""

    def __init__(self, engine: Engine, seconds: Callable[[], float] = clock.monotonic) -> None:
        """Read from `engine`; `seconds` tells a time that only grows."""
        self._engine = engine
        self._snapshots: Snapshots[State] = Snapshots(MAX_AGE_SECONDS, seconds)
        #: Channel id -> what its actions that go on were told to have reached, by action id.
        self._percents: dict[int, Mapping[str, float]] = {}

    def state(self, publication: Publication) -> State:
        """Return a publication as it is, or as it was some seconds ago."""
        return self._snapshots.get(publication, partial(self._read, publication))

    def forget(self, publication: Publication) -> None:
        """Let the next who asks see a publication as it is then."""
        self._snapshots.forget(publication)

    def _read(self, publication: Publication) -> State:
        actions = read_actions(self._engine, publication)
        ended = sorted((one for one in actions if one.finished is not None), key=_when_finished, reverse=True)
        in_progress = sorted((one for one in actions if one.finished is None), key=_when_begun, reverse=True)
        before = dict(self._percents.get(publication.channel_id, {}))
        reached = {one.action_id: never_less(one, before) for one in in_progress}
        percents = {action_id: percent for action_id, percent in reached.items() if percent is not None}
        self._percents[publication.channel_id] = percents
        return State(publication, clock.now(), tuple(in_progress), tuple(ended[:MOST_COMPLETED]), {})


def read_actions(engine: Engine, publication: Publication) -> list[Action]:
    """Return the actions that a publication shows, each once: all that go on, and the last that ended."""
    repository_id, distributor_id = publication.repository_id, publication.distributor_id
    if repository_id is None:
        return []
    # A deploy begins when its publish ends: read after the tasks it is in one of them at least.
    first = (repository_id,) if distributor_id is None else (repository_id, distributor_id)
    calls = [(sync.TASK_TYPE, (repository_id,)), (publish.TASK_TYPE, first)]
    called = engine.tasks.list_called(repository_tag(repository_id), calls, ended=_READ)
    actions = [
        task_action(one, "update_content" if one.report.task_type == sync.TASK_TYPE else "publish", distributor_id)
        for one in called
    ]
    return actions + _deploys(engine, repository_id, distributor_id)


def tag_of(content: bytes) -> str:
    """Return the strong entity tag of what is told."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def publication_of(account: str, channel: ChannelReport) -> Publication:
    """Return a tenant's channel as a publication."""
    prefix = channel.settings.get("endpoint_prefix") or "main"
    source = channel.sources[0] if channel.sources else None
    return Publication(account, channel.handle, str(prefix), channel.channel_id, source)


def _deploys(engine: Engine, repository_id: str, distributor_id: str | None) -> list[Action]:
    """Return the deploys that have begun; one that is only asked for is told by its publish."""
    found = {}
    for states in (OPEN_DEPLOYS, _ENDED_DEPLOYS):  # what ends meanwhile is read again
        some = engine.edges.list_deploys(
            repository_ids=[repository_id], distributor_id=distributor_id, states=states, limit=_MOST_DEPLOYS
        )
        found.update({deploy.deploy_id: deploy for deploy in some if deploy.started is not None})
    return [deploy_action(found[deploy_id]) for deploy_id in sorted(found)]


def _when_begun(action: Action) -> datetime:
    return action.began


def _when_finished(action: Action) -> tuple[datetime, datetime]:
    return action.finished or clock.EPOCH, action.began
