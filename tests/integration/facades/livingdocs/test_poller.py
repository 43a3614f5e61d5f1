"""The feed's first promise: who polls behind the last id that he saw misses nothing, whoever publishes (check L28)."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from entrepot.engine import Engine
from entrepot.events import Flip, UnitChange

from .conftest import FEED, Client, Newsroom

PUBLISHERS, FLIPS, UNITS = 8, 125, 10


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Both: only one of them lets writers run side by side."""
    kind: str = request.param
    return kind


def publish(engine: Engine, publisher: int) -> None:
    """Publish again and again, ten units at a time, on a connection of this thread."""
    with engine.visit():
        for revision in range(1, FLIPS + 1):
            names = [f"zoo/iso/{publisher}-{revision}-{unit}" for unit in range(UNITS)]
            changes = [UnitChange(name, "iso", "came") for name in names]
            flip = Flip(
                repository_id="zoo",
                distributor_id="web",
                distributor_row=1,
                distributor_type_id="iso_distributor",
                revision=revision,
                previous=revision - 1,
                content_type=None,
                unit_types=("iso",),
                task_id=None,
                is_automatic=False,
                is_rollback=False,
                unit_changes=lambda changes=changes: changes,
            )
            with engine.database.transaction():
                engine.events.flipped(flip)


def test_l28_a_poller_beside_eight_publishers_misses_none_of_ten_thousand_events(newsroom: Newsroom, client: Client) -> None:
    settings = newsroom.engine.settings.model_copy(update={"livingdocs_document_granularity": "unit"})
    publishing = Engine(settings=settings)
    threads = [threading.Thread(target=publish, args=(publishing, number)) for number in range(PUBLISHERS)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    polls_meanwhile = 0

    try:
        while True:
            are_all_done = not any(thread.is_alive() for thread in threads)
            told = client.ids(f"id.gt={seen[-1] if seen else 0}&limit=1000")
            seen += told
            polls_meanwhile += bool(told)
            if are_all_done and not told:
                break
    finally:
        for thread in threads:
            thread.join()
        publishing.close()

    # Of ten thousand, pytest would take minutes to show a difference.
    assert sorted(set(range(1, PUBLISHERS * FLIPS * UNITS + 1)) - set(seen))[:5] == []
    assert [pair for pair in pairwise(seen) if pair[0] >= pair[1]][:5] == []
    assert polls_meanwhile > 10
    assert client.get(f"{FEED}?id.gt={seen[-1]}").json() == []
