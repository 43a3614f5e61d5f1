"""The tests of this tier notice: each mutation of the engine below turns those red that are for it.

A mutation is one change of the text of one module, in a copy of the engine that comes first on `PYTHONPATH`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from .stage import HERE, ROOT

PROMISES = "test_promises.py::"
#: Each runs tests of this tier, seconds.
pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Change:
    """A text that stands once in a module of the engine, and what stands there instead."""

    module: str
    text: str
    instead: str


@dataclass(frozen=True)
class Mutation:
    """What is changed, and the tests that must fail then."""

    name: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "a runner writes, and ends its task, without the fence",
        (
            Change(
                "tasking/lease.py",
                '"id = ? AND attempt = ? AND owner = ? AND finished_at IS NULL"',
                '"id = ? AND (attempt = ? OR TRUE) AND (owner = ? OR TRUE) AND finished_at IS NULL"',
            ),
            Change(
                "tasking/completion.py",
                "WHERE task.id = outcome.id AND task.attempt = outcome.attempt AND task.owner = outcome.owner",
                "WHERE task.id = outcome.id",
            ),
        ),
        (
            f"{PROMISES}test_a_runner_that_lost_its_lease_ends_nothing",
            f"{PROMISES}test_a_runner_that_lost_its_lease_writes_nothing",
            f"{PROMISES}test_a_runner_that_lost_its_lease_can_neither_renew_it_nor_hand_it_back",
        ),
    ),
    Mutation(
        "a bell rings before the commit",
        (
            Change(
                "tasking/submission.py",
                "database.after_commit(partial(ring, [Bell(task_id, new.queue)]))",
                "ring([Bell(task_id, new.queue)])",
            ),
            Change("tasking/bulk_submission.py", "database.after_commit(partial(ring, bells))", "ring(bells)"),
        ),
        (
            f"{PROMISES}test_no_bell_rings_before_the_commit",
            f"{PROMISES}test_no_bell_rings_for_what_was_rolled_back",
        ),
    ),
    Mutation(
        "who is enqueued does not lock what it reserves",
        (
            Change(
                "models/migrations/0002_queues_limits_attempts.py",
                "PERFORM pg_advisory_xact_lock(key) FROM",
                "PERFORM key FROM",
            ),
            Change("models/advisory_locks.py", "SELECT pg_advisory_xact_lock(key) FROM (", "SELECT key FROM ("),
        ),
        (f"{PROMISES}test_tasks_that_are_enqueued_at_the_same_time_stand_in_one_line",),
    ),
    Mutation(
        "who ends keeps what it reserved",
        (
            Change("tasking/completion.py", "readiness.release(database, sorted(written))", "[]"),
            Change("tasking/completion.py", "WHERE task = ANY(ARRAY(SELECT id FROM done))", "WHERE FALSE"),
        ),
        (
            f"{PROMISES}test_the_ended_hold_nothing_and_the_next_in_line_runs",
            f"{PROMISES}test_a_task_runs_when_it_is_first_in_every_line",
        ),
    ),
    Mutation(
        "who comes to the front of one line is ready",
        (
            Change(
                "tasking/readiness.py", "AND {_UNREADY} AND {_FIRST_IN_LINE}{{skip_locked}}", "AND {_UNREADY}{{skip_locked}}"
            ),
        ),
        (f"{PROMISES}test_a_task_runs_when_it_is_first_in_every_line",),
    ),
    Mutation(
        "a late result overwrites a cancel, and a canceled task spawns",
        (
            Change("tasking/completion.py", "state = CASE WHEN state = 'canceled' THEN state ELSE ? END", "state = ?"),
            Change(
                "tasking/completion.py",
                "state = CASE WHEN task.state = 'canceled' THEN task.state ELSE outcome.state END",
                "state = outcome.state",
            ),
            Change("tasking/context.py", "+ ? WHERE {OWNED} AND state = 'running'", "+ ? WHERE {OWNED}"),
        ),
        (
            f"{PROMISES}test_a_canceled_task_does_not_end_as_finished",
            f"{PROMISES}test_a_canceled_task_spawns_no_more",
        ),
    ),
    Mutation(
        "who fires a schedule neither looks again nor writes all at once",
        (
            Change("schedules/due.py", "AND enabled AND next_run <= ? ORDER BY", "AND (TRUE OR next_run <= ?) ORDER BY"),
            Change(
                "schedules/due.py",
                "with database.transaction():\n        now = clock.now()",
                "if True:\n        now = clock.now()",
            ),
            Change("schedules/outcomes.py", "with database.transaction(durable=False):", "if True:"),
        ),
        (
            f"{PROMISES}test_an_instant_that_two_rounds_have_found_due_is_fired_once",
            f"{PROMISES}test_a_task_and_the_next_run_of_its_schedule_are_written_together",
            f"{PROMISES}test_the_end_of_a_run_is_counted_once_though_a_round_broke_off",
        ),
    ),
    Mutation(
        "what is acknowledged is not flushed",
        (Change("models/connection.py", '"SET synchronous_commit = on"', '"SET synchronous_commit = off"'),),
        ("test_postgresql.py::test_what_was_acknowledged_at_the_last_moment_outlives_a_crash",),
    ),
)


@pytest.fixture
def engine_copy(tmp_path: Path) -> Path:
    """A copy of the engine's source root."""
    copy = tmp_path / "engine"
    shutil.copytree(ROOT / "engine", copy)
    return copy


def test_a_copy_that_is_not_changed_passes(engine_copy: Path, postgresql_server: str) -> None:
    result = run(engine_copy, ["test_promises.py"], postgresql_server)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_tests_notice_that(mutation: Mutation, engine_copy: Path, postgresql_server: str) -> None:
    for change in mutation.changes:
        mutate(engine_copy, change)

    result = run(engine_copy, mutation.tests, postgresql_server)

    assert result.returncode == 1, result.stdout
    assert re.search(r"^\d+ failed(, \d+ passed)? in ", result.stdout, re.MULTILINE), result.stdout  # no error beside it
    failed = re.findall(r"^FAILED [^ ]+::(\w+)", result.stdout, re.MULTILINE)
    assert set(failed) == {test.partition("::")[2] for test in mutation.tests}, result.stdout


def mutate(engine_copy: Path, change: Change) -> None:
    """Change one module of the copy."""
    module = engine_copy / "entrepot" / change.module
    source = module.read_text(encoding="utf-8")
    count = source.count(change.text)
    assert count == 1, f"{change.module} has changed: {change.text!r} stands there {count} times. Name another text to change."
    module.write_text(source.replace(change.text, change.instead), encoding="utf-8")


def run(engine_copy: Path, tests: Sequence[str], postgresql_server: str) -> subprocess.CompletedProcess[str]:
    """Run tests of this tier on a copy of the engine, in a run of their own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ENTREPOT_", "PYTEST_"))}
    environment = {
        **inherited,
        "PYTHONPATH": str(engine_copy),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # most take longer to load than these tests to run
        "ENTREPOT_TEST_POSTGRES_URL": postgresql_server,
    }
    names = [str(HERE.relative_to(ROOT) / test) for test in tests]
    options = ["-q", "-p", "no:cacheprovider", "-p", "pytest_timeout", "--color=no"]
    command = [sys.executable, "-m", "pytest", *options, *names]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)
