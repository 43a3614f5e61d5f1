"""Workers are killed while they push to edge servers: what each holds is a whole version, and every deploy comes to its end."""

from __future__ import annotations

import csv
import hashlib
import io
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from .feed import Digests, Feed
from .plan import Campaign, campaigns
from .process import wait_for
from .stage import Stage
from .traffic import unfinished_tasks

MANIFEST = "PULP_MANIFEST"
#: Servers of each of the two POPs; as many are pushed to at once as there are threads, or fewer.
SERVERS = 3

_MISCOUNTED = """
SELECT deploy, pop FROM deploy_pop JOIN deploy_server USING (deploy, pop)
GROUP BY deploy, pop, server_count, done_count, failed_count
HAVING server_count <> COUNT(*) OR done_count <> SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END) OR failed_count <> 0
"""


class Edge:
    """A repository that is deployed to folders whenever its feed has changed."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.stage = stage
        self.feed = Feed("farm", chance)
        self.servers = [stage.folder / "edge" / str(number) for number in range(2 * SERVERS)]
        self._versions: dict[Path, int] = {}
        self._shares: dict[int, float] = {}
        web = {"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}
        edge = {"distributor_type_id": "edge_distributor", "distributor_id": "edge", "auto_publish": True}
        stage.engine.repositories.create(
            "farm",
            importer_type_id="iso_importer",
            importer_config={"feed": self.feed.url, "remove_missing": True},
            distributors=[web, edge | {"distributor_config": {"source": "web"}}],
        )
        for number, folder in enumerate(self.servers):
            folder.mkdir(parents=True)
            if number % SERVERS == 0:
                pop = stage.engine.edges.add_pop(f"Europe : Place {number}", max_pushes=2)
            stage.engine.edges.add_server(pop.pop_id, str(folder))

    def change(self) -> None:
        """Offer something else, and have it deployed."""
        self.feed.change()
        self.stage.engine.repositories.get("farm").sync()

    def keep_busy(self) -> None:
        """Hand on what a dead worker holds; offer something else when all is done."""
        self.stage.engine.rescue()
        self.stage.engine.edges.settle()
        if self.stage.unfinished() == 0:
            self.change()

    def behind(self) -> list[Path]:
        """Return the servers that do not hold what the feed offers now."""
        return [folder for folder in self.servers if self._held(folder) != self.feed.versions[-1]]

    def findings(self) -> list[str]:
        """Find servers that hold no whole version or an older one than before, deploys that are miscounted or went back."""
        found = [f"pop {pop} of deploy {deploy} is miscounted" for deploy, pop in self.stage.rows(_MISCOUNTED)]
        for deploy in self.stage.engine.edges.list_deploys():
            share = deploy.done / deploy.servers
            if share < self._shares.get(deploy.deploy_id, 0):
                found.append(f"deploy {deploy.deploy_id} fell to {share}")
            self._shares[deploy.deploy_id] = share
        for folder in self.servers:
            held = self._held(folder)
            version = self.feed.versions.index(held) if held in self.feed.versions else -1
            if held is not None and version < self._versions.get(folder, 0):
                found.append(f"{folder} holds version {version}, after {self._versions.get(folder)}")
            self._versions[folder] = max(version, 0)
        return found

    def _held(self, folder: Path) -> Digests | None:
        """Return the files that readers of a server find, and check them against its manifest; None before the first push."""
        current = folder / "farm/edge/current"
        if not current.exists():
            return None
        release = current.resolve()
        lines = csv.reader(io.StringIO((release / MANIFEST).read_text()))
        listed = {name: sha256 for name, sha256, _ in lines}
        files = {path.relative_to(release).as_posix(): path for path in release.rglob("*") if path.is_file()}
        assert set(files) == {MANIFEST, *listed}, folder
        assert {name: hashlib.sha256(files[name].read_bytes()).hexdigest() for name in listed} == listed, folder
        return listed


@pytest.fixture
def edge(stage: Stage) -> Iterator[Edge]:
    made = Edge(stage, random.Random(11))
    yield made
    made.feed.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_kind", "campaign"), [(each.database, each) for each in campaigns("pushes")], indirect=["database_kind"], ids=str
)
def test_killed_pushes_leave_whole_versions_and_every_deploy_comes_to_its_end(
    stage: Stage, edge: Edge, campaign: Campaign
) -> None:
    chance = random.Random(campaign.seed)

    for fault in campaign.faults:
        victim = stage.start_worker(armed=fault.armed(chance), threads=3)
        stage.await_kill(victim, fault, edge.keep_busy, chance)
        assert edge.findings() == []
        assert stage.standing() == []
        stage.hand_on(victim, chance)
    with stage.supervised():
        wait_for(lambda: stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(stage))
        edge.change()
        wait_for(lambda: stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(stage))

    assert edge.findings() == []
    assert edge.behind() == []
    ended = [deploy.state for deploy in stage.engine.edges.list_deploys(limit=1000)]
    assert ended[0] == "propagated"
    assert set(ended) <= {"propagated", "superseded"}
    assert stage.blunders() == []
