"""What the conformance suite stands on: the feed that fails as it is told, the clock that goes wrong, a cheap start."""

from __future__ import annotations

import datetime as dt
import gc
import gzip
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain

import httpx
import pytest

from entrepot import clock
from entrepot.plugin import Importer, Unit
from entrepot.testing import Feed
from entrepot.testing.shifted_clock import shifted_clock
from entrepot.testing.watching import Watch, watched_importer


@pytest.fixture
def feed() -> Iterator[Feed]:
    with Feed() as feed:
        feed.put("a b.txt", b"ape" * 100, media_type="text/plain")
        yield feed


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Let nothing be collected that refers to itself, as if the collector came late."""
    gc.disable()
    yield
    gc.enable()


def get(feed: Feed, path: str = "a%20b.txt") -> httpx.Response:
    return httpx.get(feed.url + path, timeout=10, follow_redirects=True)


def test_a_feed_offers_what_was_put_and_remembers_what_was_asked_for(feed):
    found, absent = get(feed), get(feed, "other")
    feed.remove("a b.txt")

    assert (found.content, found.headers["content-type"]) == (b"ape" * 100, "text/plain")
    assert [absent.status_code, get(feed).status_code] == [404, 404]
    assert feed.requests == ["a b.txt", "other", "a b.txt"]


def test_a_feed_answers_with_a_status_as_often_as_it_is_told(feed):
    feed.answer("a b.txt", 503, times=2)

    assert [get(feed).status_code for _ in range(3)] == [503, 503, 200]


def test_a_feed_sends_other_bytes_of_the_same_length_until_it_is_mended(feed):
    feed.corrupt("a b.txt")
    wrong = get(feed).content
    feed.mend()

    assert (len(wrong), wrong == get(feed).content) == (300, False)


def test_a_feed_cuts_the_connection_in_the_middle(feed):
    feed.cut("a b.txt", after=100)

    with pytest.raises(httpx.RemoteProtocolError, match="received 100 bytes, expected 300"):
        get(feed)


def test_a_feed_is_slow_until_it_is_mended(feed):
    feed.slow("a b.txt", after=3)

    with httpx.stream("GET", feed.url + "a%20b.txt", timeout=10) as answer:
        pieces = answer.iter_raw()
        first = next(pieces)
        feed.mend("a b.txt")
        rest = b"".join(pieces)

    assert (first, first + rest) == (b"ape", b"ape" * 100)


def test_a_feed_redirects_for_ever(feed):
    feed.redirect_for_ever("a b.txt")

    with pytest.raises(httpx.TooManyRedirects):
        get(feed)

    assert len(feed.requests) > 5


def test_the_clock_is_wrong_for_modules_of_the_plugin_and_for_what_packs_only():
    engine = clock.now()

    with shifted_clock([TestedPlugin]):
        moments = [dt.datetime.now(dt.UTC), dt.datetime.fromtimestamp(time.time(), dt.UTC)]
        packed = gzip.compress(b"")
        is_still = isinstance(engine, dt.datetime)
        assert clock.now() - engine < dt.timedelta(days=1)

    assert all(moment - engine > dt.timedelta(days=365) for moment in moments)
    assert int.from_bytes(packed[4:8], "little") - engine.timestamp() > 365 * 86400
    assert is_still
    assert clock.now() - dt.datetime.now(dt.UTC) < dt.timedelta(days=1)


class Ape(Unit, type_id="ape", key=("number",)):
    number: int


def apes(first: int, last: int) -> Iterator[Ape]:
    return (Ape(number=number) for number in range(first, last))


def most_ahead(units: Callable[[], Iterator[Ape]], keep: list[Unit] | None = None) -> int:
    """Take what an importer yields, as the engine does, and say how many there were that it had not asked for."""

    class ApeImporter(Importer):
        def sync(self, ctx):
            yield from units()

    watch = Watch()
    importer = watched_importer(ApeImporter, watch)
    with watch.counting_ahead():
        for unit in importer.sync(importer(), None):
            if keep is not None:
                keep.append(unit)
    return watch.most_ahead


def test_units_that_other_tests_left_were_not_made_before_they_were_asked_for(without_collector):
    held = list(apes(0, 1000))
    garbage = [*apes(1000, 2000)]
    garbage.append(garbage)
    del garbage

    assert most_ahead(lambda: apes(0, 2000)) == 0
    assert len(held) == 1000


def test_units_that_wait_in_the_engine_were_asked_for(without_collector):
    waiting: list[Unit] = []

    assert most_ahead(lambda: apes(0, 2000), keep=waiting) == 0
    assert len(waiting) == 2000


@pytest.mark.parametrize("one_by_one", [0, 1, 249, 500])
def test_units_that_are_read_all_at_once_are_counted_even_when_others_came_and_went_before(one_by_one):
    units = lambda: chain(apes(0, one_by_one), iter([*apes(0, 2000)]))  # noqa: E731 - read when it is asked for

    assert most_ahead(units) >= 1750


def test_the_collector_looks_at_everything_again_when_the_count_ends():
    with pytest.raises(RuntimeError, match="broken"), Watch().counting_ahead():
        frozen = gc.get_freeze_count()
        raise RuntimeError("broken")

    assert frozen > 0
    assert gc.get_freeze_count() == 0


def test_what_pytest_loads_at_its_start_imports_nothing_of_the_engine():
    program = "import sys, entrepot.testing.pytest_plugin; print(*[name for name in sys.modules if 'entrepot' in name])"

    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert sorted(imported) == ["entrepot", "entrepot.testing", "entrepot.testing.pytest_plugin", "entrepot.version"]


class TestedPlugin:
    """Stands for a plugin of this module's package."""
