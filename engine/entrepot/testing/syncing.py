"""Tests of what an importer does with a feed that is as it should be."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from entrepot.testing.feed import Feed
from entrepot.testing.hooks import Hooks, Survey
from entrepot.testing.workshop import Workshop, require_success

#: At most so many moments of a run are tried for a cancel: the first ones and the last ones.
_MOMENTS = 16
#: Of the units of a large feed, the part that may be made before it is asked for: 1,500 of 2,000 are three batches of 500.
_MOST_AHEAD = 3 / 4


class SyncTests(Hooks):
    """What a sync has to bring, whatever the format."""

    def test_a_sync_holds_every_unit_of_the_feed_with_its_bytes(self, workshop: Workshop, feed: Feed) -> None:
        """All units come, and all their files are in the store."""
        offered = self.write_feed(feed, 1)

        require_success(workshop.sync())

        assert len(workshop.held()) >= (offered or 2), "make_feed(version=1) offers more units than were held"
        assert offered is None or len(workshop.held()) == offered
        assert workshop.downloaded()

    def test_a_unit_is_the_same_in_every_engine(self, workshops: Callable[[], Workshop], survey: Survey) -> None:
        """The key decides, and no chance, no clock and no order: two engines give a unit the same identity."""
        first, second = workshops(), workshops()

        require_success(first.sync())
        require_success(second.sync())

        assert first.held() == second.held()
        for unit in survey.units:
            again = type(unit).from_json(unit.fields_json())
            assert (again, again.uid) == (unit, unit.uid), f"{unit!r} is another after its fields went through JSON"

    def test_a_second_sync_adds_nothing_and_downloads_nothing(self, workshop: Workshop, survey: Survey) -> None:
        """Even when it is forced to read all of the feed anew."""
        require_success(workshop.sync())
        held = workshop.held()
        for force in (False, True):
            workshop.feed.requests.clear()

            require_success(workshop.sync(force_full=force))

            last = workshop.last_sync()
            assert (last.added_count, last.updated_count, last.removed_count) == (0, 0, 0), f"force_full={force}"
            assert workshop.held() == held
            assert survey.content.isdisjoint(workshop.feed.requests), f"force_full={force} fetched files that are there already"

    def test_a_change_of_the_feed_adds_what_is_new_and_keeps_the_rest(self, workshop: Workshop, feed: Feed) -> None:
        """The feed is at version 2 now; a token for `unchanged` has to be another one, too."""
        require_success(workshop.sync())
        before = workshop.keys()
        self.write_feed(feed, 2)

        require_success(workshop.sync())

        after = workshop.keys()
        assert before <= after
        assert len(after) > len(before), "make_feed(version=2) has to offer one more unit at least"

    def test_remove_missing_leaves_what_a_fresh_sync_brings(self, workshops: Callable[[], Workshop], feed: Feed) -> None:
        """What the feed offers no longer leaves, and nothing else; without the option it stays."""
        old, fresh = workshops(), workshops()
        self.write_feed(feed, 2)
        require_success(old.sync())
        before = old.keys()
        self.write_feed(feed, 3)

        require_success(old.sync())
        kept = old.keys()
        require_success(old.sync(remove_missing=True))
        require_success(fresh.sync())

        assert before <= kept
        assert old.held() == fresh.held()
        assert before - fresh.keys(), "make_feed(version=3) has to offer one unit less than version 2"

    def test_all_policies_bring_the_same_units_and_publish_the_same_files(
        self, workshops: Callable[[], Workshop], feed: Feed
    ) -> None:
        """When files are fetched later, the publication has the same paths at once, and the same bytes when they are here."""
        if not self.importer.can_defer:
            pytest.skip("can_defer is False: there is one policy only")
        self.write_feed(feed, 1)
        held, trees, deferred = {}, {}, {}
        for policy in ("immediate", "background", "on_demand"):
            workshop = workshops()
            require_success(workshop.sync(download_policy=policy))
            if self.distributor is not None:
                require_success(workshop.publish())
                deferred[policy] = workshop.tree().keys()
            if policy != "immediate":
                require_success(workshop.download())
            held[policy] = workshop.held()
            trees[policy] = self.timeless_tree(workshop.tree()) if self.distributor is not None else {}
            assert workshop.downloaded(), f"{policy}: files are missing after a download"

        assert held["background"] == held["immediate"]
        assert held["on_demand"] == held["immediate"]
        for policy in ("background", "on_demand"):
            assert deferred.get(policy) == deferred.get("immediate"), f"{policy}: other paths are published before the download"
            assert trees[policy] == trees["immediate"], f"{policy}: another publication after the download"

    def test_on_demand_downloads_no_content(self, workshop: Workshop, survey: Survey) -> None:
        """An importer declares the files of its units by `.file()`, and leaves it to the engine to fetch them."""
        if not self.importer.can_defer:
            pytest.skip("can_defer is False: files are needed at once")

        require_success(workshop.sync(download_policy="on_demand"))

        fetched = survey.content.intersection(workshop.feed.requests)
        assert fetched == set(), "the importer fetched files of units"
        assert workshop.held()

    def test_a_cancel_at_any_moment_leaves_the_repository_as_it_was(
        self, workshops: Callable[[], Workshop], feed: Feed
    ) -> None:
        """A cancel may come out of every call of the conduit and of every `yield`; it must not be taken for an end."""
        workshop, probe = workshops(), workshops()
        self.write_feed(feed, 2)
        require_success(probe.sync())
        moments = probe.watch.moments
        self.write_feed(feed, 1)
        require_success(workshop.sync())
        before = workshop.held()
        self.write_feed(feed, 2)

        for moment in _some(moments):
            workshop.watch.begin(stop_at=moment)
            report = workshop.sync(force_full=True)
            if workshop.watch.was_stopped:
                assert report.state == "canceled", f"a cancel at moment {moment} of {moments} was swallowed: {report.state}"
                assert workshop.held() == before, f"a cancel at moment {moment} of {moments} changed the repository"

        workshop.watch.begin()
        require_success(workshop.sync())
        assert probe.held().items() <= workshop.held().items()

    def test_an_upload_makes_the_unit_that_a_sync_makes(self, workshops: Callable[[], Workshop], survey: Survey) -> None:
        """The same bytes are the same unit, whether they were uploaded or synced."""
        sample = self.upload_sample()
        if sample is None:
            pytest.skip("upload_sample() returns none")
        synced, filled = workshops(), workshops()
        require_success(synced.sync())
        repository = filled.repository()
        upload = filled.engine.content.create_upload()
        filled.engine.content.write_upload(upload.upload_id, 0, sample.data)

        report = filled.run(
            repository.import_upload(upload.upload_id, sample.unit_type.type_id, dict(sample.key), dict(sample.metadata))
        )

        require_success(report)
        made = self.without_feed(filled.held(of_type=sample.unit_type.type_id))
        assert made, "the upload made no unit"
        assert survey.units
        offered = self.without_feed(synced.held())
        assert {unit: fields for unit, fields in made.items() if offered.get(unit) != fields} == {}
        assert filled.downloaded()

    def test_many_units_need_little_memory(self, workshop: Workshop, feed: Feed) -> None:
        """Units are yielded as they are read, and neither kept in a list nor read all at once."""
        feed.clear()
        units = self.make_large_feed(feed)
        if units is None:
            pytest.skip("make_large_feed() writes none")
        workshop.repository()
        policy = "on_demand" if self.importer.can_defer else "immediate"
        with workshop.watch.counting_ahead():
            tracemalloc.start()
            try:
                report = workshop.sync(download_policy=policy)
                peak = tracemalloc.get_traced_memory()[1] / 1_000_000
            finally:
                tracemalloc.stop()

        require_success(report)
        assert workshop.repository().report().content_unit_counts
        ahead = workshop.watch.most_ahead
        assert ahead <= units * _MOST_AHEAD, (
            f"{ahead} of {units} units were made before they were asked for: yield each when it is read"
        )
        assert peak <= self.memory_limit_mb, f"{peak:.0f} MB at the peak of a sync of {units} units"


def _some(moments: int) -> list[int]:
    """Return the moments that are tried: all of a few, else the first and the last."""
    return sorted({*range(min(moments, _MOMENTS // 2)), *range(max(0, moments - _MOMENTS // 2), moments)})
