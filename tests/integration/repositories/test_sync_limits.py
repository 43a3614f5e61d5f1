"""A limit keeps syncs from one origin apart; see the setting `concurrency_limits`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from entrepot.engine import Engine
from entrepot.settings import Settings
from entrepot.testing import drain

from .conftest import Feed


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """An engine that syncs from one host at a time."""
    with Engine(settings=settings.model_copy(update={"concurrency_limits": {"sync-origin:*": 1}})) as made:
        made.initialise()
        yield made


def test_a_second_sync_from_the_same_host_waits_and_says_so(engine: Engine, feed: Feed) -> None:
    feed.put(a__txt="a")
    for name in ("zoo", "aquarium"):
        engine.repositories.create(name, importer_type_id="iso_importer", importer_config={"feed": feed.url})
    first, second = (engine.repositories.get(name).sync() for name in ("zoo", "aquarium"))

    waiting = second.report().waiting

    assert first.report().waiting is not None
    assert waiting is not None
    assert (waiting.reason, "sync-origin:127.0.0.1" in waiting.text) == ("limit", True)
    drain(engine)
    assert [handle.state for handle in (first, second)] == ["finished", "finished"]


@pytest.mark.parametrize("feed_url", ["http://[", 7, None])
def test_an_address_without_a_host_is_no_reason_not_to_ask_for_a_sync(engine: Engine, feed: Feed, feed_url: object) -> None:
    repository = engine.repositories.create("zoo", importer_type_id="iso_importer", importer_config={"feed": feed.url})

    handle = repository.sync({"feed": feed_url})  # type: ignore[dict-item]

    drain(engine)
    assert handle.state == "error" if feed_url is not None else handle.report().is_final
