"""A transaction keeps all or nothing, joins the one around it, and tells when it has committed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import peewee
import pytest

from entrepot.errors import DatabaseError
from entrepot.models import Database


class Refusal(Exception):
    """What a caller raises in the middle of a transaction."""


def add_group(database: Database, group_id: str) -> None:
    database.execute("INSERT INTO task_group (group_id, created_at) VALUES (?, 0)", (group_id,))


def groups(database: Database) -> list[str]:
    return [group_id for (group_id,) in database.rows("SELECT group_id FROM task_group ORDER BY id")]


@pytest.fixture
def other(database_url: str) -> Iterator[Database]:
    """A second connection to the same database, as another process has it."""
    database = Database(database_url)
    yield database
    database.close()


def test_what_a_transaction_wrote_is_seen_by_others_after_it(database: Database, other: Database) -> None:
    with database.transaction():
        add_group(database, "one")
        assert groups(other) == []

    assert groups(other) == ["one"]


def test_an_exception_undoes_the_whole_transaction(database: Database, other: Database) -> None:
    with pytest.raises(Refusal), database.transaction():
        add_group(database, "one")
        raise Refusal

    assert groups(other) == []
    assert not database.in_transaction


def test_an_inner_transaction_joins_the_outer_one(database: Database, other: Database) -> None:
    with database.transaction():
        with database.transaction():
            add_group(database, "inner")
        assert groups(other) == []
        add_group(database, "outer")

    assert groups(other) == ["inner", "outer"]


def test_an_error_that_is_swallowed_inside_keeps_nothing(database: Database, other: Database) -> None:
    with pytest.raises(DatabaseError, match="swallowed"), database.transaction():
        add_group(database, "outer")
        with pytest.raises(Refusal), database.transaction():
            add_group(database, "inner")
            raise Refusal

    assert groups(other) == []


def test_the_database_is_usable_after_a_refused_statement(database: Database) -> None:
    with database.transaction():
        add_group(database, "one")

    with pytest.raises(peewee.IntegrityError), database.transaction():
        add_group(database, "one")
    with database.transaction():
        add_group(database, "two")

    assert groups(database) == ["one", "two"]


@pytest.mark.parametrize("durable", [True, False])
def test_both_kinds_of_commit_keep_what_was_written(database: Database, other: Database, durable: bool) -> None:
    with database.transaction(durable=durable):
        add_group(database, "one")

    assert groups(other) == ["one"]


def test_hooks_run_after_the_commit_in_the_order_given(database: Database, other: Database) -> None:
    seen = []

    with database.transaction():
        database.after_commit(lambda: seen.append(("first", groups(other))))
        with database.transaction():
            database.after_commit(lambda: seen.append(("second", groups(other))))
        add_group(database, "one")
        assert seen == []

    assert seen == [("first", ["one"]), ("second", ["one"])]


def test_hooks_of_a_transaction_that_failed_never_run(database: Database) -> None:
    seen = []

    with pytest.raises(Refusal), database.transaction():
        database.after_commit(lambda: seen.append("hook"))
        raise Refusal
    with database.transaction():
        add_group(database, "one")

    assert seen == []


def test_a_hook_outside_a_transaction_runs_at_once(database: Database) -> None:
    seen = []

    database.after_commit(lambda: seen.append("hook"))

    assert seen == ["hook"]


def test_a_hook_may_open_a_transaction_of_its_own(database: Database, other: Database) -> None:
    def write() -> None:
        with database.transaction():
            add_group(database, "from the hook")

    with database.transaction():
        database.after_commit(write)

    assert groups(other) == ["from the hook"]


def test_transactions_on_the_same_resource_commit_one_after_the_other(database_url: str) -> None:
    database = Database(database_url)
    order, first_has_it, second_waits = [], threading.Event(), threading.Event()

    def second() -> None:
        first_has_it.wait()
        second_waits.set()
        with database.transaction():
            database.lock_resources(["repository:zoo"])
            order.append(("second", groups(database)))
        database.close()

    thread = threading.Thread(target=second)
    thread.start()
    with database.transaction():
        database.lock_resources(["repository:zoo", "repository:alpha"])
        first_has_it.set()
        second_waits.wait()
        add_group(database, "one")
        order.append(("first", groups(database)))
    thread.join()
    database.close()

    assert order == [("first", ["one"]), ("second", ["one"])]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_servers_at_the_edge_are_locked_by_the_ten_thousand(database: Database, other: Database) -> None:
    names = [f"edge:server:{number}" for number in range(20_000)]

    with database.transaction():
        database.lock_resources(names)
        with other.transaction():
            assert other.try_lock_resources([names[0], names[-1], "repository:zoo"]) == {"repository:zoo"}


def test_closing_in_the_middle_of_a_transaction_keeps_nothing(database: Database, other: Database) -> None:
    transaction = database.transaction()
    transaction.__enter__()
    add_group(database, "one")

    database.close()

    assert groups(other) == []
    assert not database.in_transaction
    assert not database.is_open
