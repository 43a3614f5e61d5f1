"""An engine whose servers are dictionaries, with faults on demand, and a repository that is deployed to them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import PushFailed
from entrepot.propagation import DeployReport, pushes
from entrepot.propagation.targets.tree import Pushed, Tree
from entrepot.repositories import Repository
from entrepot.settings import Settings
from entrepot.tasking import due
from entrepot.testing import drain


class Network:
    """What each server holds, by its URL: (revision, {path: bytes}); and what goes wrong with which of them."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[int, dict[str, bytes]]] = {}
        self.down: set[str] = set()
        self.pushed: list[str] = []
        self.during: Callable[[str], object] = lambda _url: None

    def open(self, url: str, options: Mapping[str, object], *, timeout_seconds: float) -> Server:
        return Server(self, url)


class Server:
    """One server while it is pushed to."""

    def __init__(self, network: Network, url: str) -> None:
        self._network, self._url = network, url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Hang up."""

    def push(self, tree: Tree) -> Pushed:
        self._network.pushed.append(self._url)
        self._network.during(self._url)
        tree.checkpoint()
        if self._url in self._network.down:
            msg = f"{self._url} does not answer."
            raise PushFailed(msg)
        before, files = self._network.held.get(self._url, (None, {}))
        changes = None if before is None else tree.changes(before)
        if changes is None:
            come, gone = list(tree.files()), [*files]
        else:
            come, gone = [*changes.added, *changes.replaced], changes.removed
        kept = {path: data for path, data in files.items() if path not in gone}
        fresh = {file.path: tree.blob(file.sha256).read_bytes() for file in come}
        assert all(hashlib.sha256(fresh[file.path]).hexdigest() == file.sha256 for file in come)
        self._network.held[self._url] = (tree.revision, kept | fresh)
        return Pushed(len(come), sum(file.size for file in come), was_current=before == tree.revision)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    made = Network()
    monkeypatch.setattr(pushes.targets, "open_target", made.open, raising=False)
    monkeypatch.setattr(pushes.targets, "check", lambda _url, _options: None, raising=False)
    monkeypatch.setattr(pushes.targets, "masked", dict, raising=False)
    return made


@pytest.fixture
def engine(settings: Settings, tmp_path: Path) -> Iterator[Engine]:
    changed = {"allowed_file_roots": [tmp_path], "push_retries": 2, "push_retry_seconds": 60}
    with Engine(settings=settings.model_copy(update=changed)) as made:
        made.initialise()
        yield made


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A folder with three files and their manifest."""
    folder = tmp_path / "feed"
    folder.mkdir()
    offer(folder, a="a", b="bb", c="ccc")
    return folder


@pytest.fixture
def zoo(engine: Engine, feed: Path) -> Repository:
    """A repository that mirrors the feed, with a distributor `edge` that deploys what `web` serves; both publish by hand."""
    web = {"distributor_type_id": "iso_distributor", "distributor_id": "web"}
    edge = {"distributor_type_id": "edge_distributor", "distributor_id": "edge", "distributor_config": {"source": "web"}}
    return engine.repositories.create(
        "zoo",
        importer_type_id="iso_importer",
        importer_config={"feed": feed.as_uri(), "remove_missing": True},
        distributors=[web, edge],
    )


def offer(folder: Path, **files: str) -> None:
    """Let the feed offer these text files and no others."""
    for path in folder.iterdir():
        path.unlink()
    lines = [f"{name},{hashlib.sha256(text.encode()).hexdigest()},{len(text)}\n" for name, text in files.items()]
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "PULP_MANIFEST").write_text("".join(lines))


def sync(engine: Engine, zoo: Repository) -> None:
    """Bring in what the feed offers and let `web` publish it."""
    zoo.sync()
    zoo.publish("web")
    drain(engine)


def begin(engine: Engine, zoo: Repository) -> DeployReport:
    """Sync, publish and begin a deploy; nothing is pushed yet."""
    sync(engine, zoo)
    zoo.publish("edge")
    drain(engine, limit=1)
    return latest(engine)


def latest(engine: Engine) -> DeployReport:
    return engine.edges.list_deploys(limit=1)[0]


def add_pops(engine: Engine, sizes: Mapping[str, int], *, max_pushes: int = 4) -> dict[str, int]:
    """Add POPs by name with so many servers each, called like `/Europe : Berlin/0`; return their ids."""
    made = {}
    for name, size in sizes.items():
        made[name] = engine.edges.add_pop(name, max_pushes=max_pushes).pop_id
        engine.edges.add_servers(made[name], [f"/{name}/{number}" for number in range(size)])
    return made


def pass_time(engine: Engine, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the wall clock go ahead, and what is due by then become ready."""
    now = clock.now_us() + int(seconds * 1_000_000)
    monkeypatch.setattr(clock, "now_us", lambda: now)
    due.make_due(engine.database, engine.doorbell.ring)


def states(engine: Engine, deploy_id: int) -> list[str]:
    return [push.state for push in engine.edges.list_pushes(deploy_id)]


def shares(deploy: DeployReport) -> Iterable[float]:
    """Return the share of each POP's servers that are done, as the status facades compute it."""
    return [pop.done / pop.servers * 100 for pop in deploy.pops]
