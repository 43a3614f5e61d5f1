"""Tests of what a distributor publishes."""

from __future__ import annotations

from collections.abc import Callable

from entrepot.plugin import PluginError
from entrepot.testing.feed import Feed
from entrepot.testing.hooks import Hooks
from entrepot.testing.shifted_clock import shifted_clock
from entrepot.testing.workshop import REPOSITORY, Workshop, require_success

#: At most so many moments of a publish are tried for an error and a cancel.
_MOMENTS = 6


class PublishTests(Hooks):
    """What a publication has to be, whatever the format."""

    def test_publishing_again_in_full_gives_the_same_bytes(self, workshop: Workshop) -> None:
        """Use `pub.date` and `pub.revision`, and neither the clock nor chance: a mirror then has nothing to fetch anew."""
        distributor = self.need_distributor()
        first = workshop.mirror()

        with shifted_clock([self.importer, distributor]):
            require_success(workshop.publish(force_full=True))

        assert workshop.tree() == first

    def test_the_order_in_which_units_came_does_not_matter(self, workshop: Workshop) -> None:
        """Sort what you write: two repositories with the same units publish the same."""
        self.need_distributor()
        first = workshop.mirror()

        workshop.watch.begin(reverse=True)
        require_success(workshop.publish(force_full=True))

        assert workshop.tree() == first

    def test_an_incremental_publish_equals_a_full_one(self, workshop: Workshop, feed: Feed) -> None:
        """After units came and after units left: remove what `pub.removed` yields, then add what `pub.added` yields."""
        self.need_distributor()
        trees = [workshop.mirror()]
        for version in (2, 3):
            self.write_feed(feed, version)
            incremental = workshop.mirror(remove_missing=True)

            require_success(workshop.publish(force_full=True))

            assert workshop.tree() == incremental, f"version {version} of the feed"
            assert incremental != trees[-1], f"version {version} of the feed is published as the version before it"
            trees.append(incremental)

    def test_publishing_nothing_new_is_skipped(self, workshop: Workshop) -> None:
        """The same units under the same configuration are not built again."""
        self.need_distributor()
        workshop.mirror()
        before = workshop.publications()

        require_success(workshop.publish())

        assert workshop.publications() == before

    def test_a_publish_that_fails_or_is_canceled_changes_nothing(self, workshop: Workshop, feed: Feed) -> None:
        """Whenever it is stopped, the publication that was served is served, and the next publish is whole."""
        self.need_distributor()
        served = workshop.mirror()
        self.write_feed(feed, 2)
        require_success(workshop.sync())

        for moment in range(_MOMENTS):
            workshop.watch.begin(stop_at=moment)
            canceled = workshop.publish()
            was_canceled = workshop.watch.was_stopped
            workshop.watch.begin(stop_at=moment, stop=lambda: PluginError("a fault that the test asked for"))
            failed = workshop.publish()
            if not (was_canceled and workshop.watch.was_stopped):
                break
            assert (canceled.state, failed.state) == ("canceled", "error"), f"moment {moment} was swallowed"
            assert workshop.tree() == served, f"stopped at moment {moment}, and another publication is served"

        workshop.watch.begin()
        require_success(workshop.publish())
        whole = workshop.tree()
        require_success(workshop.publish(force_full=True))
        assert workshop.tree() == whole
        assert whole != served

    def test_an_empty_repository_can_be_published(self, workshop: Workshop) -> None:
        """Clients find an index that lists nothing."""
        self.need_distributor()

        require_success(workshop.publish())

        assert workshop.tree(), "clients need an index, even of nothing"

    def test_a_mirror_of_the_publication_has_the_same_units(self, workshops: Callable[[], Workshop], feed: Feed) -> None:
        """The importer reads what the distributor writes: the same units, with the same bytes, published the same."""
        self.need_distributor()
        self.write_feed(feed, 1)
        origin, mirror = workshops(), workshops()
        tree = origin.mirror()
        feed.clear()
        self.mirror_feed(feed, tree)

        mirrored = mirror.mirror()

        assert self.without_feed(mirror.held()) == self.without_feed(origin.held())
        assert mirror.downloaded()
        assert self.timeless_tree(mirrored) == self.timeless_tree(tree)

    def test_two_repositories_publish_side_by_side(self, workshop: Workshop) -> None:
        """Nothing of a repository's name is in what it publishes but where it says so: both trees have the same paths."""
        self.need_distributor()

        first = workshop.mirror(REPOSITORY)
        second = workshop.mirror("another")

        assert second.keys() == first.keys()
