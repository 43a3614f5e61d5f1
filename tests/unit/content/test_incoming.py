"""What those see who read a file along while it comes into the store."""

from __future__ import annotations

import hashlib

import pytest

from entrepot.content.incoming import HELD_BACK_BYTES, Here, Incoming, TellingStore
from entrepot.content.store import BlobStore
from entrepot.errors import ChecksumDiffers

DATA = bytes(range(256)) * 1024


@pytest.fixture
def incoming() -> Incoming:
    return Incoming()


@pytest.fixture
def telling(store: BlobStore, incoming: Incoming) -> TellingStore:
    return TellingStore(store.root, incoming)


def test_what_has_come_is_shown_but_for_the_end(telling: TellingStore, incoming: Incoming) -> None:
    writer = telling.writer(size=len(DATA))
    shown = []
    for offset in range(0, len(DATA), 1000):
        writer.write(DATA[offset : offset + 1000])
        shown.append(incoming.available)

    assert max(shown) <= len(DATA) - HELD_BACK_BYTES
    assert shown == sorted(shown)
    assert incoming.attempt is not None
    assert incoming.attempt.read(0, shown[-1]) == DATA[: shown[-1]]
    assert len(DATA) - HELD_BACK_BYTES - shown[-1] < 34_000
    writer.abort()


def test_the_end_is_shown_when_the_bytes_are_in_the_store(telling: TellingStore, incoming: Incoming) -> None:
    with telling.writer(size=len(DATA), digests={"sha256": hashlib.sha256(DATA).hexdigest()}) as writer:
        writer.write(DATA)
        blob = writer.finish()
    telling.keep([blob])
    attempt = incoming.attempt

    incoming.arrive(Here(blob.sha256, blob.size))

    assert (incoming.available, incoming.is_over) == (len(DATA), True)
    assert attempt is not None
    assert attempt.read(len(DATA) - 10, 100) == DATA[-10:]


def test_an_attempt_that_failed_shows_nothing_and_stays_readable_for_who_holds_it(
    telling: TellingStore, incoming: Incoming
) -> None:
    with telling.writer(digests={"sha256": "0" * 64}) as writer:
        writer.write(DATA)
        attempt = incoming.attempt
        with pytest.raises(ChecksumDiffers):
            writer.finish()

    assert (incoming.attempt, incoming.available, incoming.is_over) == (None, 0, False)
    assert attempt is not None
    assert attempt.read(0, 10) == DATA[:10]


def test_a_listener_hears_of_each_change_until_it_leaves(incoming: Incoming) -> None:
    heard: list[int] = []
    listener = lambda: heard.append(incoming.available)  # noqa: E731 - a listener is told apart by what it is
    incoming.listen(listener)

    incoming.grow(HELD_BACK_BYTES)
    incoming.grow(HELD_BACK_BYTES + 5)
    incoming.leave(listener)
    incoming.grow(HELD_BACK_BYTES + 9)

    assert heard == [5]
