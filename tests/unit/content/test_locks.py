"""Those who keep bytes and those who remove them, in one process and over several: flock knows no difference."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from entrepot.content.store import BlobStore
from entrepot.errors import StorageUnwritable


def is_free(store: BlobStore, operation: int, name: str = "lock") -> bool:
    with (store.root / name).open("a+") as file:
        try:
            fcntl.flock(file, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_many_may_keep_at_once_and_nobody_removes_meanwhile(store: BlobStore) -> None:
    with store.keeping():
        assert is_free(store, fcntl.LOCK_SH)
        assert not is_free(store, fcntl.LOCK_EX)

    assert is_free(store, fcntl.LOCK_EX)


def test_nobody_keeps_while_somebody_removes(store: BlobStore) -> None:
    with store.removing():
        assert not is_free(store, fcntl.LOCK_SH)

    assert is_free(store, fcntl.LOCK_EX)


def test_keeping_within_keeping_ends_with_the_outer_one(store: BlobStore) -> None:
    with store.keeping():
        with store.keeping():
            pass
        assert not is_free(store, fcntl.LOCK_EX)

    assert is_free(store, fcntl.LOCK_EX)


def test_a_failure_inside_lets_go(store: BlobStore) -> None:
    with pytest.raises(ZeroDivisionError), store.keeping():
        raise ZeroDivisionError

    assert is_free(store, fcntl.LOCK_EX)


def test_a_removal_that_waits_goes_before_those_who_come_to_keep_after_it(store: BlobStore) -> None:
    order = []

    def remove() -> None:
        with store.removing():
            order.append("removed")

    def keep() -> None:
        with store.keeping():
            order.append("kept")

    with store.keeping():
        removal = threading.Thread(target=remove)
        removal.start()
        while is_free(store, fcntl.LOCK_SH, "lock.next"):  # until it waits
            pass
        keepers = [threading.Thread(target=keep) for _ in range(3)]
        for keeper in keepers:
            keeper.start()
        with store.keeping():  # one who keeps already is never held up
            order.append("still keeping")
    for thread in (removal, *keepers):
        thread.join(10)

    assert order == ["still keeping", "removed", "kept", "kept", "kept"]


def test_a_store_that_cannot_be_locked_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(StorageUnwritable, match=r"lock\.next"), BlobStore(tmp_path / "missing").keeping():
        pass
