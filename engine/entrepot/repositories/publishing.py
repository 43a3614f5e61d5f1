"""One publish: what it is about is settled first; then it serves the latest publication again, or builds one and flips.

Step 10 of the walk of a sync, between `publish` and `publish_run`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from entrepot import failpoints
from entrepot.errors import JSON
from entrepot.plugin import unmasked
from entrepot.repositories import entries, flips, publication, rows, sources
from entrepot.repositories.publish_run import PreviousUnreadable, PublishRun
from entrepot.tasking import current_task

if TYPE_CHECKING:
    from entrepot.models import Database, Distributor, Publication, Repository
    from entrepot.plugin import Distributor as DistributorPlugin
    from entrepot.plugin import DistributorConfig
    from entrepot.repositories.history import Record
    from entrepot.repositories.house import House
    from entrepot.repositories.sources import Source


class _NoBase(Exception):
    """The publication that this one was built on is none to start from any more: a unit that it shows was deleted."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """What a publish is about. `fingerprint` stands for the configuration and the plugin that reads it."""

    house: House
    record: Record
    repository: Repository
    distributor: Distributor
    plugin: type[DistributorPlugin]
    config: DistributorConfig
    source: Source | None
    fingerprint: str
    override: dict[str, JSON]
    is_forced: bool
    is_automatic: bool

    @classmethod
    def settle(
        cls,
        house: House,
        record: Record,
        repository: Repository,
        distributor: Distributor,
        *,
        override_config: Mapping[str, JSON],
        automatic: bool,
    ) -> Self:
        """Read what is to be published, and how.

        Raises `UnknownDistributorType`, `BrokenPlugin`, `RefusedConfiguration`, `PublishFailed` (no source).
        """
        type_id = distributor.distributor_type_id
        plugin = house.plugins.distributor(type_id)
        override = unmasked(override_config, distributor.config)
        is_forced = str(override.pop("force_full", False)).lower() in ("true", "1", "yes", "on")
        config = plugin.configure(distributor.config, override, server=house.settings.plugins.get(type_id))
        source = sources.find_source(house.database, repository, distributor, config)
        return cls(
            house,
            record,
            repository,
            distributor,
            plugin,
            config,
            source,
            _fingerprint(plugin, config, source),
            override,
            is_forced,
            automatic,
        )

    def can_build_on(self, latest: Publication) -> bool:
        """Say whether a new publication may begin as a copy of `latest`."""
        if self.is_forced or latest.fingerprint != self.fingerprint:
            return False
        return self.is_automatic or not _has_lost_files(self.house, latest)

    def is_met_by(self, base: Publication) -> bool:
        """Say whether `base`, which one may build on, shows already what is to be published."""
        shown = self.repository.revision if self.source is None else self.source.repository_revision
        return bool(base.repository_revision == shown)

    def serve(self, latest: Publication) -> dict[str, JSON]:
        """Close the history entry; a publish by hand serves `latest` again, if it was rolled back from."""
        with current_task().transaction() as database:
            previous = publication.lock_live(database, self.distributor.id)
            served = previous if self.is_automatic else latest.revision
            if served is not None and served != previous:
                publication.make_live(database, self.distributor.id, served)
            counts = (latest.entry_count, 0, 0, 0)
            return self._close(database, served, previous, latest.revision, counts, unchanged=True)

    def build_on(self, base: Publication) -> dict[str, JSON] | None:
        """Build what differs from `base`, and flip; or return None, and change nothing, if that is none to start from."""
        try:
            return self._build(base)
        except (_NoBase, PreviousUnreadable):
            return None

    def build_anew(self) -> dict[str, JSON]:
        """Build all of it, and flip."""
        return self._build(None)

    def _build(self, base: Publication | None) -> dict[str, JSON]:
        house = self.house
        with PublishRun(
            house.database,
            house.store,
            current_task(),
            repository=self.repository,
            distributor_id=self.distributor.distributor_id,
            config=self.config,
            distributor=self.distributor.id,
            previous=base,
            source=self.source,
        ) as run:
            self.plugin().publish(run)
            with house.store.keeping():
                run.keep_written()
                failpoints.reach("publish.built")
                return self._flip(run, base)

    def _flip(self, run: PublishRun, base: Publication | None) -> dict[str, JSON]:
        """Write what was built, serve it, and close the history entry, in one transaction; return the entry."""
        with current_task().transaction() as database:
            previous = publication.lock_live(database, self.distributor.id)
            if base is not None and not publication.is_as_it_was(database, base):
                raise _NoBase
            new = publication.write(database, run.result(self.fingerprint))
            counts = (new.entry_count, new.added_count, new.updated_count, new.removed_count)
            return self._close(database, new.revision, previous, new.revision, counts, unchanged=False)

    def _close(
        self,
        database: Database,
        served: int | None,
        previous: int | None,
        revision: int,
        counts: tuple[int, int, int, int],
        *,
        unchanged: bool,
    ) -> dict[str, JSON]:
        flips.flipped(
            self.house,
            self.repository,
            self.distributor,
            revision=served,
            previous=previous,
            is_automatic=self.is_automatic,
            override_config=self.override,
        )
        rows.close_publish(database, self.distributor.id)
        files, added, updated, removed = counts
        self.record.summary = {
            "revision": revision,
            "files": files,
            "added": added,
            "updated": updated,
            "removed": removed,
            "unchanged": unchanged,
        }
        return self.record.close(database, "success")


def _has_lost_files(house: House, latest: Publication) -> bool:
    """Say whether bytes are lost that only a publish brings back; damaged ones are, once somebody has asked for them."""
    made = entries.made_files(house.database, latest.distributor, latest.revision)
    return not all(map(house.store.has, made))


def _fingerprint(plugin: type[DistributorPlugin], config: DistributorConfig, source: Source | None) -> str:
    """Return what stands for a configuration, the plugin that reads it, and the publication that it copies, if it does."""
    values: list[object] = [plugin.__module__, plugin.__qualname__, plugin.api, config.model_dump(mode="json")]
    if source is not None:
        values += [source.distributor, source.revision, source.made]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
