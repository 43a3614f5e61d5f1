"""A witness records a change in the transaction that does it: there is a record if and only if something was changed."""

from __future__ import annotations

import threading

import pytest
from tests.integration.models.test_transactions import Refusal, add_group, groups

from entrepot.errors import DatabaseError
from entrepot.models import Database


class Book:
    """Keeps what the witness records as a group `record 1`, `record 2`, …"""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.calls = 0

    def write(self, condition: str) -> bool:
        self.calls += 1
        query = f"INSERT INTO task_group (group_id, created_at) SELECT ?, 0 WHERE {condition}"
        return self.database.execute(query, (f"record {self.calls}",)).rowcount > 0

    @property
    def records(self) -> int:
        return sum(group.startswith("record") for group in groups(self.database))


@pytest.fixture
def book(database: Database) -> Book:
    return Book(database)


@pytest.mark.parametrize("is_single", [False, True])
def test_a_change_and_its_record_are_in_one_transaction(database: Database, book: Book, is_single: bool) -> None:
    with database.witnessed(book.write), database.transaction(is_single=is_single):
        add_group(database, "one")
        assert book.calls == 0

    assert groups(database) == ["one", "record 1"]


def test_several_transactions_write_one_record(database: Database, book: Book) -> None:
    with database.witnessed(book.write):
        with database.transaction(is_single=True):
            database.execute("DELETE FROM task_group")  # of nothing
        with database.transaction(), database.transaction():
            add_group(database, "one")
        database.close()
        with database.transaction(is_single=True):
            add_group(database, "two")

    assert book.records == 1
    assert len(groups(database)) == 3


def test_what_only_reads_is_not_recorded(database: Database, book: Book) -> None:
    add_group(database, "before")
    with database.witnessed(book.write):
        groups(database)
        with database.transaction():
            database.lock_resources(["access"])
            groups(database)

    assert groups(database) == ["before"]


@pytest.mark.parametrize("is_swallowed", [False, True])
def test_what_is_undone_is_not_recorded_and_what_comes_after_it_is(database: Database, book: Book, is_swallowed: bool) -> None:
    def change() -> None:
        with database.transaction():
            add_group(database, "undone")
            if not is_swallowed:
                raise Refusal
            with pytest.raises(Refusal), database.transaction():
                raise Refusal

    with database.witnessed(book.write):
        with pytest.raises((Refusal, DatabaseError)):
            change()
        assert groups(database) == []
        with database.transaction():
            add_group(database, "kept")

    assert (book.records, len(groups(database))) == (1, 2)


def test_a_commit_that_fails_keeps_neither_and_the_next_one_keeps_both(
    database: Database, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing() -> None:
        raise Refusal

    with database.witnessed(book.write):
        with monkeypatch.context() as patch:
            patch.setattr(database, "_commit", failing)
            with pytest.raises(Refusal), database.transaction():
                add_group(database, "undone")
        assert book.calls == 1
        with database.transaction():
            add_group(database, "kept")

    assert groups(database) == ["kept", "record 2"]


def test_a_record_that_cannot_be_written_undoes_the_change(database: Database) -> None:
    def write(_: str) -> bool:
        raise Refusal

    with pytest.raises(Refusal), database.witnessed(write), database.transaction():
        add_group(database, "one")

    assert groups(database) == []


def test_within_a_transaction_a_block_records_its_own_changes_only(database: Database, book: Book) -> None:
    with database.transaction():
        if database.dialect == "sqlite":  # PostgreSQL knows of the transaction as a whole
            add_group(database, "before")
        with database.witnessed(book.write), database.transaction():
            groups(database)
        assert book.records == 0
        with database.witnessed(book.write), database.transaction():
            add_group(database, "one")
        assert book.records == 1
        with database.transaction():
            add_group(database, "after")

    assert book.records == 1


def test_a_block_within_another_is_part_of_that_one(database: Database, book: Book) -> None:
    inner = Book(database)
    with database.witnessed(book.write):
        with database.witnessed(inner.write), database.transaction():
            add_group(database, "one")
        assert database.is_witnessed

    assert (book.calls, inner.calls, database.is_witnessed) == (1, 0, False)


def test_another_thread_is_not_witnessed(database: Database, book: Book) -> None:
    def change() -> None:
        with database.transaction():
            add_group(database, "elsewhere")
        database.close()

    with database.witnessed(book.write):
        thread = threading.Thread(target=change)
        thread.start()
        thread.join()

    assert (book.calls, groups(database)) == (0, ["elsewhere"])
