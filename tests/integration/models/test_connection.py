"""What differs between the databases stays in `entrepot.models.connection`: the rest sees one behaviour."""

from __future__ import annotations

import contextlib
import secrets
import threading
from pathlib import Path

import peewee
import pytest

from entrepot.errors import (
    DatabaseError,
    DatabaseOutdated,
    DatabaseUnavailable,
    EntrepotError,
    InvalidSettings,
    StorageFull,
    StorageUnwritable,
    ValueNotKept,
)
from entrepot.models import Database, TaskGroup
from entrepot.models.database_faults import translated

TASK_GROUP = "INSERT INTO task_group (group_id, created_at) VALUES (?, ?)"


def test_rows_come_back_as_they_were_written(database: Database) -> None:
    database.executemany(TASK_GROUP, [("zoo", 1), ("naïve ☃ %s ?", 2)])

    assert database.rows("SELECT group_id, created_at FROM task_group ORDER BY id") == [("zoo", 1), ("naïve ☃ %s ?", 2)]
    assert database.row("SELECT created_at FROM task_group WHERE group_id LIKE ?", ("naïve%",)) == (2,)
    assert database.row("SELECT 1 FROM task_group WHERE group_id = ?", ("absent",)) is None


def test_a_percent_sign_in_a_statement_means_itself(database: Database) -> None:
    database.execute(TASK_GROUP, ("zoo", 1))

    assert database.rows("SELECT group_id FROM task_group WHERE group_id LIKE 'z%'") == [("zoo",)]


def test_peewee_queries_run_on_the_same_connection(database: Database) -> None:
    with database.transaction(), database.peewee.bind_ctx([TaskGroup]):
        TaskGroup.create(group_id="zoo", created_at=None or 0)

        assert database.rows("SELECT group_id FROM task_group") == [("zoo",)]


def test_a_constraint_that_refuses_is_an_integrity_error_on_both(database: Database) -> None:
    database.execute(TASK_GROUP, ("zoo", 1))

    with pytest.raises(peewee.IntegrityError):
        database.execute(TASK_GROUP, ("zoo", 2))


def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(peewee.IntegrityError):
        database.execute("INSERT INTO unit_file (unit, path, digests) VALUES (?, ?, ?)", (404, "a", "{}"))


def test_a_missing_table_says_which_command_makes_it(empty_database_url: str) -> None:
    database = Database(empty_database_url)

    with pytest.raises(DatabaseOutdated, match="entrepot db migrate"):
        database.execute("SELECT 1 FROM task")

    database.close()


def test_each_thread_has_its_own_connection(database: Database) -> None:
    database.execute(TASK_GROUP, ("zoo", 1))
    seen = []

    def look() -> None:
        seen.append(database.is_open)
        seen.append(database.row("SELECT group_id FROM task_group"))
        database.close()
        seen.append(database.is_open)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert seen == [False, ("zoo",), False]
    assert database.is_open


def test_the_lease_clock_never_goes_back(database: Database) -> None:
    moments = [database.lease_now_us() for _ in range(5)]

    assert moments == sorted(moments)


def test_a_statement_reads_the_lease_clock_by_itself(database: Database) -> None:
    before = database.lease_now_us()
    row = database.row(f"SELECT {database.lease_clock_sql}")
    after = database.lease_now_us()

    assert row is not None
    assert before <= row[0] <= after


def test_writers_of_many_threads_all_get_their_turn(database: Database) -> None:
    def write(thread_number: int) -> None:
        for number in range(10):
            with database.transaction(durable=False):
                database.execute(TASK_GROUP, (f"{thread_number}-{number}", number))
        database.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert database.row("SELECT count(*) FROM task_group") == (40,)


@pytest.mark.parametrize("url", ["mysql://localhost/entrepot", "entrepot.sqlite3", "sqlite:///", "sqlite:/one-slash"])
def test_an_address_of_another_kind_is_refused_and_the_setting_named(url: str) -> None:
    with pytest.raises(InvalidSettings, match="ENTREPOT_DATABASE_URL"):
        Database(url)


def test_a_server_that_does_not_answer_is_unavailable_and_its_password_stays_secret() -> None:
    database = Database("postgresql://entrepot:geheim@127.0.0.1:1/entrepot?connect_timeout=2")

    with pytest.raises(DatabaseUnavailable, match="does not answer") as caught:
        database.execute("SELECT 1")

    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:s3cret@h/db",
        "mysql://u:s3[cret@h/db",
        "sqlite://u:s3cret@h/db",
        "postgresql://u:s3/cret@h/db",
        "postgresql://u:s3cret@h:port/db",
        "host=h password=s3cret",
    ],
)
def test_an_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidSettings, match=r"ENTREPOT_DATABASE_URL: .*(postgresql://|sqlite:///)") as caught:
        Database(url)

    assert "cret" not in str(caught.value)


def test_a_driver_that_is_not_installed_is_named_with_its_extra() -> None:
    error = translated(peewee.ImproperlyConfigured("psycopg2 postgres driver not found."), "postgresql://h/db")

    assert isinstance(error, DatabaseUnavailable)
    assert "pip install 'entrepot[postgres]'" in str(error)
    assert "does not answer" not in str(error)


@pytest.mark.parametrize("password", ["s3c#ret", "s3c?ret", "s3c[ret", "s3c%2Fret"])
def test_a_server_is_named_without_a_password_of_odd_characters(password: str) -> None:
    database = Database(f"postgresql://u:{password}@127.0.0.1:1/db?connect_timeout=2")

    with pytest.raises(DatabaseUnavailable, match="does not answer") as caught:
        database.execute("SELECT 1")

    assert "s3c" not in str(caught.value)


def test_what_a_driver_quotes_of_an_address_loses_its_password() -> None:
    error = translated(ValueError("bad: s3c/ret, s3c%2Fret"), "postgresql://u:s3c%2Fret@h/db")

    assert "bad: *****, *****" in str(error)


def test_a_folder_that_does_not_exist_is_named_in_the_refusal(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'absent' / 'entrepot.sqlite3'}")

    with pytest.raises(StorageUnwritable, match="absent"):
        database.execute("SELECT 1")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("database or disk is full", StorageFull),
        ("attempt to write a readonly database", StorageUnwritable),
        ("no such table: task", DatabaseOutdated),
        ('near "SELEC": syntax error', DatabaseError),
    ],
)
def test_a_drivers_error_becomes_one_of_this_project(text: str, kind: type[EntrepotError]) -> None:
    error = translated(peewee.OperationalError(text), "sqlite:///entrepot.sqlite3")

    assert type(error) is kind


def test_an_unknown_error_is_a_database_error_that_quotes_it() -> None:
    error = translated(ValueError("odd"), "sqlite:///entrepot.sqlite3")

    assert type(error) is DatabaseError
    assert "ValueError: odd" in str(error)


def test_a_statement_whose_error_is_swallowed_never_loses_a_commit_silently(database: Database) -> None:
    """PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement failed; SQLite keeps the rest."""
    try:
        with database.transaction():
            database.execute(TASK_GROUP, ("kept", 1))
            with contextlib.suppress(peewee.IntegrityError):
                database.execute(TASK_GROUP, ("kept", 1))
    except DatabaseError:
        assert database.dialect == "postgresql"
        assert database.rows("SELECT group_id FROM task_group") == []
    else:
        assert database.dialect == "sqlite"
        assert database.rows("SELECT group_id FROM task_group") == [("kept",)]


@pytest.mark.parametrize("durable", [True, False])
def test_a_commit_is_as_durable_as_was_asked(database: Database, durable: bool) -> None:
    with database.transaction(durable=durable):
        if database.dialect == "sqlite":
            assert database.row("PRAGMA synchronous") == ((2,) if durable else (1,))
        else:
            assert database.row("SHOW synchronous_commit") == (("on",) if durable else ("off",))


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_connection_that_the_server_closed_is_replaced_by_the_next_transaction(database: Database, database_url: str) -> None:
    row = database.row("SELECT pg_backend_pid()")
    assert row is not None
    rival = Database(database_url)
    rival.execute("SELECT pg_terminate_backend(?)", (row[0],))
    rival.close()

    with database.transaction():
        database.execute(TASK_GROUP, ("zoo", 1))

    assert database.rows("SELECT group_id FROM task_group") == [("zoo",)]


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_look_is_repeated_once_on_a_new_connection(database: Database, database_url: str) -> None:
    row = database.row("SELECT pg_backend_pid()")
    assert row is not None
    rival = Database(database_url)
    rival.execute("SELECT pg_terminate_backend(?)", (row[0],))
    rival.close()

    assert database.look("SELECT 'seen' WHERE 1 = ?", (1,)) == ("seen",)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_look_within_a_transaction_is_never_repeated_outside_of_it(database: Database, database_url: str) -> None:
    rival = Database(database_url)

    with pytest.raises(DatabaseUnavailable), database.transaction():
        row = database.row("SELECT pg_backend_pid()")
        assert row is not None
        rival.execute("SELECT pg_terminate_backend(?)", (row[0],))
        database.look("SELECT 1")

    rival.close()


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (("lone \udcff", 1), {"sqlite", "postgresql"}),
        (("too large", 2**63), {"sqlite", "postgresql"}),
        (("NUL \x00", 1), {"postgresql"}),
        ((secrets.token_hex(6000), 1), {"postgresql"}),
    ],
)
def test_a_value_that_the_database_cannot_keep_is_said_to_be_the_culprit(
    database: Database, values: tuple[str, int], kinds: set[str]
) -> None:
    refusal = pytest.raises(ValueNotKept, match="cannot keep a value")
    with refusal if database.dialect in kinds else contextlib.nullcontext():
        database.execute(TASK_GROUP, values)

    by_peewee = TaskGroup.insert(group_id=values[0] + "2", created_at=values[1])
    refusal = pytest.raises(ValueNotKept, match="cannot keep a value")
    with refusal if database.dialect in kinds else contextlib.nullcontext():
        by_peewee.execute(database.peewee)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_postgresql_does_not_compile_statements_that_run_for_milliseconds(database: Database) -> None:
    assert database.row("SHOW jit") == ("off",)
