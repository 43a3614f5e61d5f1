"""Repositories whose feeds change, and what must hold of them whenever one looks, whatever was killed.

Every check returns the list of its findings, empty if all is well.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from random import Random

from entrepot import TaskHandle
from entrepot.repositories.reports import PublishedDirectory, PublishedFile

from .feed import Digests, Feed
from .stage import Stage

MANIFEST = "PULP_MANIFEST"


class Warehouse:
    """Some repositories that are synced and published automatically, each from a feed of its own."""

    def __init__(self, stage: Stage, chance: Random, *, repositories: int) -> None:
        self.stage = stage
        self.feeds = [Feed(f"repo-{number}", chance) for number in range(repositories)]
        self.requested: list[TaskHandle] = []
        self._chance = chance
        self._turn = 0
        self._seen_version: dict[str, int] = {}
        for feed in self.feeds:
            feed.change()
            stage.engine.repositories.create(
                feed.name,
                importer_type_id="iso_importer",
                importer_config={"feed": feed.url, "remove_missing": True, "max_downloads": 4},
                distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
            )

    def change_and_sync(self) -> TaskHandle:
        """Change the next feed, though something may read it at this moment, and enqueue a sync."""
        feed = self.feeds[self._turn % len(self.feeds)]
        self._turn += 1
        feed.change()
        return self.sync(feed)

    def sync(self, feed: Feed) -> TaskHandle:
        """Enqueue a sync."""
        handle = self.stage.engine.repositories.get(feed.name).sync()
        self.requested.append(handle)
        return handle

    def keep_busy(self) -> None:
        """See to it that there is something to run, and hand on what a dead worker holds as soon as its lease runs out."""
        self.stage.engine.rescue()
        if not self.stage.has_work():
            self.change_and_sync()

    def badly_ended(self) -> list[str]:
        """Find syncs and publishes that were lost, or failed for another reason than a feed that changed while it was read."""
        found = []
        reports = [report for report in self.stage.engine.tasks.list(limit=100_000) if "effect" not in report.tags]
        for report in reports:
            data = (report.error or {}).get("data") or {}
            failed_well = report.state == "error" and "error_count" in data and report.task_type.endswith("sync")
            if not report.is_final or not (report.state == "finished" or failed_well):
                found.append(f"{report.task_type} {report.task_id} is {report.state}: {report.error}")
            if report.task_type.endswith("sync") and len(report.spawned) != (report.state == "finished"):
                found.append(f"sync {report.task_id} is {report.state} and asked for {len(report.spawned)} publishes")
        known = {report.task_id for report in reports}
        found += [
            f"sync {handle.task_id} was acknowledged and is lost" for handle in self.requested if handle.task_id not in known
        ]
        return found

    def badly_published(self) -> list[str]:
        """Find publications that are no whole version of their feed, or an older one than was seen before."""
        found = []
        for feed in self.feeds:
            live = self._live(feed.name, found)
            if live is None:
                continue
            versions = [number for number, version in enumerate(feed.versions) if version == live]
            if not versions:
                found.append(f"{feed.name}: the publication is no version that its feed ever offered")
            elif versions[0] < self._seen_version.get(feed.name, 0):
                found.append(f"{feed.name}: version {versions[0]} is published, after {self._seen_version[feed.name]}")
            else:
                self._seen_version[feed.name] = versions[0]
        return found

    def published_versions(self) -> list[int]:
        """Return which version of each feed is published, counted from 0."""
        return [feed.versions.index(self._live(feed.name, []) or {}) for feed in self.feeds]

    def behind(self) -> list[str]:
        """Find publications that are not what their feed offers now."""
        return [feed.name for feed in self.feeds if self._live(feed.name, []) != feed.versions[-1]]

    def badly_stored(self) -> list[str]:
        """Find blobs without a row's promise, rows without their bytes, and whatever dead processes left."""
        database, store, found = self.stage.engine.database, self.stage.engine.store, []
        for sha256, size in database.rows("SELECT sha256, size FROM blob"):
            if not store.has(sha256):
                found.append(f"the row of blob {sha256} has no bytes")
            elif store.path(sha256).stat().st_size != size:
                found.append(f"blob {sha256} has not the {size} bytes of its row")
        for path in (store.root / "blobs").glob("*/*"):
            found += [f"{path} is not what its name says"] if hashlib.sha256(path.read_bytes()).hexdigest() != path.name else []
        query = "SELECT unit, path FROM unit_file JOIN association USING (unit) WHERE blob IS NULL AND removed_revision IS NULL"
        found += [f"unit {unit} is in a repository, and {path} has no bytes" for unit, path in database.rows(query)]
        return found

    def badly_counted(self) -> list[str]:
        """Find repositories whose counts are not those of their units, or that hold a unit or a name twice."""
        database, found = self.stage.engine.database, []
        held = "FROM association JOIN unit ON unit.id = association.unit WHERE repository = ? AND removed_revision IS NULL"
        for row, name, counts in database.rows("SELECT id, repository_id, content_unit_counts FROM repository"):
            counted = dict(database.rows(f"SELECT unit_type, count(*) {held} GROUP BY unit_type", (row,)))
            if json.loads(counts) != counted:
                found.append(f"{name} says that it holds {counts}, and holds {counted}")
            changes = database.rows(
                "SELECT added_count, removed_count FROM sync_result WHERE repository = ? AND result = 'success'", (row,)
            )
            if sum(added - removed for added, removed in changes) != sum(counted.values()):
                found.append(f"{name} holds {counted}, and its history tells of {changes}")
            for what in ("unit.id", "unit.repository_key"):
                twice = database.rows(f"SELECT {what} {held} GROUP BY {what} HAVING count(*) > 1", (row,))
                found += [f"{name} holds {what} {value} more than once" for (value,) in twice]
        return found

    def badly_told(self) -> list[str]:
        """Find publications that are served without an event that says so, and events of what never was: each has one."""
        database = self.stage.engine.database
        served = dict(
            database.rows(
                "SELECT repository.repository_id, COALESCE(live_revision, 0) FROM distributor "
                "JOIN repository ON repository.id = distributor.repository"
            )
        )
        told = dict(database.rows("SELECT repository_id, COUNT(*) FROM publication_event GROUP BY repository_id"))
        return [
            f"{name}: publication {revision} is served, and {told.get(name, 0)} events tell of it and those before"
            for name, revision in served.items()
            if told.get(name, 0) != revision
        ]

    def left_behind(self) -> list[str]:
        """Sweep the store as the engine does now and then, and find temporary files and reservations that are still there."""
        self.stage.engine.store.sweep()
        left = [f"temporary file {path.name}" for path in (self.stage.engine.store.root / "tmp").iterdir()]
        held = self.stage.engine.database.rows("SELECT resource, task FROM reservation")
        return [*left, *(f"task {task} reserves {resource}" for resource, task in held)]

    def findings(self) -> list[str]:
        """Return what is wrong, once all tasks have ended."""
        return [
            *self.badly_ended(),
            *self.badly_published(),
            *self.badly_told(),
            *self.badly_stored(),
            *self.badly_counted(),
            *self.left_behind(),
            *damage(self.stage),
        ]

    def close(self) -> None:
        """Stop serving the feeds."""
        for feed in self.feeds:
            feed.close()

    def _live(self, name: str, found: list[str]) -> Digests | None:
        """Return what the manifest that is served says, None before the first publication; note what is not as it says.

        Workers may publish meanwhile: then it is looked at anew.
        """
        while True:
            revision, noted = self._revision(name), list[str]()
            live = self._live_now(name, noted)
            if self._revision(name) == revision:
                found += noted
                return live

    def _revision(self, name: str) -> object:
        return self.stage.engine.database.row("SELECT live_revision FROM distributor WHERE base_path = ?", (name,))

    def _live_now(self, name: str, found: list[str]) -> Digests | None:
        published = self.stage.engine.repositories.published
        if published(name) is None:
            return None
        manifest = published(f"{name}/{MANIFEST}")
        if not isinstance(manifest, PublishedFile) or not manifest.is_live:
            found.append(f"{name}: the manifest is served as {manifest}")
            return None
        lines = csv.reader(io.StringIO(manifest.file.read_text()))
        listed = {path: sha256 for path, sha256, _ in lines}
        served = set(self._files(name))
        if served != {*listed, MANIFEST}:
            found.append(f"{name}: the manifest and the publication name different files: {served ^ {*listed, MANIFEST}}")
        for path, sha256 in listed.items():
            file = published(f"{name}/{path}")
            if not isinstance(file, PublishedFile) or not file.is_live or file.sha256 != sha256:
                found.append(f"{name}: {path} is served as {file}, not as {sha256}")
            elif hashlib.sha256(file.file.read_bytes()).hexdigest() != sha256:
                found.append(f"{name}: the bytes of {path} are not those of the manifest")
        return listed

    def _files(self, base_path: str, folder: str = "") -> list[str]:
        directory = self.stage.engine.repositories.published(f"{base_path}/{folder}")
        assert isinstance(directory, PublishedDirectory)
        found = []
        for item in directory.items:
            path = f"{folder}{item.name}"
            found += self._files(base_path, f"{path}/") if item.is_directory else [path]
        return found


def damage(stage: Stage) -> list[str]:
    """Let the database look for damage in itself; PostgreSQL has no such check without an extension."""
    database = stage.engine.database
    if database.dialect != "sqlite":
        return []
    checks = [*database.rows("PRAGMA integrity_check"), *database.rows("PRAGMA foreign_key_check")]
    return [str(row) for row in checks if row != ("ok",)]
