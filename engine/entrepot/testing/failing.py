"""Tests of what becomes of a feed that fails, or that nobody should trust."""

from __future__ import annotations

from collections.abc import Callable

from entrepot import clock
from entrepot.tasking import TaskReport
from entrepot.testing.feed import Feed
from entrepot.testing.hooks import Hooks, Survey
from entrepot.testing.hostile import LOGIN_PAGE
from entrepot.testing.workshop import Workshop, require_success

#: The longest time that a hostile index may take, seconds; most are refused within a tenth of one.
_PATIENCE = 30.0


class FaultTests(Hooks):
    """Errors are clear, change nothing, and are mended by the next sync."""

    def test_a_corrupt_file_is_an_error_and_the_next_sync_repairs(self, workshop: Workshop, survey: Survey) -> None:
        """Promise the digest by `.file(…, sha256=…)`: then other bytes of the same length are never stored."""
        self._check_repaired(workshop, survey, lambda feed, path: feed.corrupt(path))

    def test_a_file_that_is_cut_short_is_an_error_and_the_next_sync_repairs(self, workshop: Workshop, survey: Survey) -> None:
        """The connection is closed in the middle of a file."""
        self._check_repaired(workshop, survey, lambda feed, path: feed.cut(path))

    def test_a_shorter_file_is_an_error_and_the_next_sync_repairs(self, workshop: Workshop, survey: Survey) -> None:
        """The server says that the file ends there; only what the feed promised tells otherwise."""
        whole = workshop.feed.files[survey.content_path]

        self._check_repaired(
            workshop,
            survey,
            lambda feed, path: feed.files.update({path: whole[:-1]}),
            lambda feed, path: feed.files.update({path: whole}),
        )

    def test_a_missing_file_is_an_error_and_the_next_sync_repairs(self, workshop: Workshop, survey: Survey) -> None:
        """The index names a file, and the server has none: 404."""
        self._check_repaired(workshop, survey, lambda feed, path: feed.answer(path, 404))

    def test_redirects_without_end_are_an_error_and_the_next_sync_repairs(self, workshop: Workshop, survey: Survey) -> None:
        """Each address leads to another one."""
        self._check_repaired(workshop, survey, lambda feed, path: feed.redirect_for_ever(path))

    def test_a_server_that_is_busy_once_is_asked_again(self, workshop: Workshop, survey: Survey) -> None:
        """A 503 passes; the file and the index are fetched at the second attempt."""
        workshop.feed.answer(survey.content_path, 503, times=1)
        workshop.feed.answer(survey.index_path, 503, times=1)

        require_success(workshop.sync(num_retries=2))

        assert workshop.feed.requests.count(survey.content_path) == 2  # noqa: PLR2004 - refused, and answered
        assert workshop.downloaded()

    def test_a_missing_index_is_a_clear_error(self, workshop: Workshop, survey: Survey) -> None:
        """There is nothing at the address of the feed."""
        require_success(workshop.sync())
        before = workshop.held()
        workshop.feed.clear()

        report = workshop.sync(remove_missing=True)

        assert report.state == "error", f"without {survey.index_path} there is no feed"
        _check_clear(report, "a missing index")
        assert workshop.held() == before

    def test_an_index_that_is_cut_short_by_the_server_is_an_error(self, workshop: Workshop, survey: Survey) -> None:
        """The connection is closed in the middle of the index."""
        require_success(workshop.sync())
        before = workshop.held()
        workshop.feed.cut(survey.index_path)

        report = workshop.sync(remove_missing=True)

        assert report.state == "error"
        _check_clear(report, "an index cut short")
        assert workshop.held() == before

    def test_a_hostile_index_ends_in_a_clear_error(self, workshop: Workshop, survey: Survey) -> None:
        """Raise `PluginError` for an index that is none: no traceback, nothing new, and no minutes.

        One that happens to be well-formed may be taken, as long as it brings nothing that the feed does not offer.
        """
        require_success(workshop.sync())
        known = workshop.keys()

        for name, index in self.hostile_indices(workshop.feed.files[survey.index_path]).items():
            self.write_feed(workshop.feed, 1)
            workshop.feed.put(survey.index_path, index)
            began = clock.monotonic()

            report = workshop.sync()

            assert clock.monotonic() - began < _PATIENCE, f"{name}: too slow"
            assert workshop.keys() == known, f"{name}: brought other units"
            if report.state != "finished":
                _check_clear(report, name)

    def test_a_login_page_removes_nothing(self, workshop: Workshop, survey: Survey) -> None:
        """What is no index at all must not be read as an empty one: `remove_missing` would remove everything."""
        require_success(workshop.sync())
        before = workshop.held()
        workshop.feed.put(survey.index_path, LOGIN_PAGE, media_type="text/html")

        report = workshop.sync(remove_missing=True)

        assert report.state == "error", f"a login page was taken for {survey.index_path}"
        _check_clear(report, "a login page")
        assert workshop.held() == before

    def _check_repaired(
        self,
        workshop: Workshop,
        survey: Survey,
        harm: Callable[[Feed, str], object],
        mend: Callable[[Feed, str], object] = lambda feed, path: feed.mend(path),
    ) -> None:
        """Check that a harmed file is an error that changes nothing, and that a sync brings it when it is mended."""
        harm(workshop.feed, survey.content_path)

        report = workshop.sync()

        assert report.state == "error", f"{survey.content_path} was taken as it came: promise its size and digest by .file()"
        _check_clear(report, survey.content_path)
        assert workshop.held() == {}, "a sync that failed changes no repository"

        mend(workshop.feed, survey.content_path)
        require_success(workshop.sync())
        assert workshop.held()
        assert workshop.downloaded()


def _check_clear(report: TaskReport, what: str) -> None:
    """Check that a task ended in an error that was meant."""
    assert report.state == "error", f"{what}: {report.state}"
    assert report.traceback is None, f"{what}: raise PluginError in clear words, and do not crash:\n{report.traceback}"
    assert report.error is not None
    assert str(report.error.get("description", "")).strip(), f"{what}: the error says nothing"
