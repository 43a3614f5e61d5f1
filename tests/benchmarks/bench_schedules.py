"""What the clockwork of schedules costs: a round that finds nothing due, and a round that finds a thousand due at once.

10,000 schedules of a task that does nothing, hourly, daily by the clocks of a city, counted and cron in turn; on SQLite
and on PostgreSQL, everything by default, no worker runs. Sides take turns; ratios are medians of the rounds' ratios.

* nothing due: `engine.schedules.go_round()`, against a bare query by the unique index of the same table, sent through the
  connection of the same database library that the round uses.
* due at once: 1,000 of the 10,000, by one round, against plain enqueues of the same calls by `engine.enqueue`, one by one,
  which is the goal; and against `enqueue_many`, so many in a transaction as a round has, which is shown beside it.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path

from api_house import new_house
from goals import Goals, arguments, median, table
from measuring_place import measuring_place, settle
from noop_tasks import nothing
from queues.contestants import POSTGRESQL
from queues.servers import servers

from entrepot import Call, Engine

#: What schedules are made of, in turn, and the time zone; `{}` is a minute.
_TEXTS = [
    ("PT1H", None),
    ("02:{:02}/P1D", "Europe/Zurich"),
    ("R1000/2026-01-31T00:{:02}:00Z/PT6H", None),
    ("{} 3 * * mon-fri", None),
]
#: Schedules that differ in more than their ids.
_DIFFERENT = 200
#: Tasks in one transaction of the clockwork (`schedules.due`).
_BATCH = 100
#: Rounds that find nothing due, and bare queries, in one measurement.
_SLICE = 100
_HOUR_US = 3_600_000_000


def main() -> int:
    quick = arguments(__doc__).quick
    goals = Goals(is_quick=quick)
    schedules, due, rounds = (400, 100, 3) if quick else (10_000, 1_000, 5)
    with measuring_place() as place, servers({POSTGRESQL}) as running:
        for name, url in (("SQLite", ""), ("PostgreSQL", running.urls.get(POSTGRESQL))):
            if url is None:
                print(f"{name}: skipped: {running.missing[POSTGRESQL]}", flush=True)
                goals.at_most(f"a round that finds nothing due, {name}", None, 3, "bare queries")
                goals.at_least(f"due at once, of plain enqueues, {name}", None, 0.5, "x")
                continue
            measure(goals, place, name, url, schedules=schedules, due=due, rounds=rounds)
    return goals.finish()


def measure(goals: Goals, place: Path, name: str, url: str, *, schedules: int, due: int, rounds: int) -> None:
    with new_house(place, url) as house:
        fill(house.engine, schedules)
        settle()
        nothing_due(goals, house.engine, name, rounds=rounds * 5)
        due_at_once(goals, house.engine, name, due=due, rounds=rounds)


def nothing_due(goals: Goals, engine: Engine, name: str, *, rounds: int) -> None:
    connection = engine.database.peewee.connection()
    (known,) = engine.database.row("SELECT schedule_id FROM schedule ORDER BY id LIMIT 1") or ("",)
    bare = f"SELECT 1 FROM schedule WHERE schedule_id = {'?' if engine.database.dialect == 'sqlite' else '%s'}"

    def look() -> None:
        assert connection.execute(bare, (known,)).fetchone() == (1,)

    def go_round() -> None:
        assert engine.schedules.go_round() == 0

    pairs = [(each(look, _SLICE), each(go_round, _SLICE)) for _ in range(rounds + 1)][1:]  # the first one warms
    found = [(median([pair[side] for pair in pairs]) * 1e6) for side in (0, 1)]
    ratio = median([mine / floor for floor, mine in pairs])
    head = ["", "bare query", "round", "ratio"]
    table(f"{name}: a round that finds nothing due, microseconds (medians)", head, [["", *found, ratio]])
    goals.at_most(f"a round that finds nothing due, {name}", ratio, 3, "bare queries")


def due_at_once(goals: Goals, engine: Engine, name: str, *, due: int, rounds: int) -> None:
    calls = [Call(nothing, (number,)) for number in range(due)]

    def enqueue_one_by_one() -> None:
        for call in calls:
            engine.enqueue(call.function, *call.args)

    def enqueue_many() -> None:
        for start in range(0, due, _BATCH):
            engine.enqueue_many(calls[start : start + _BATCH])

    def go_round() -> None:
        assert engine.schedules.go_round() == due

    rates = []
    for _ in range(rounds + 1):
        rate = []
        for enqueue in (enqueue_one_by_one, enqueue_many, go_round):
            clear(engine, due)
            rate.append(due / each(enqueue, 1))
        rates.append(rate)
    del rates[0]  # it warmed
    rows = [[f"round {number + 1}", *rate, rate[2] / rate[0], rate[2] / rate[1]] for number, rate in enumerate(rates)]
    head = ["", "one by one", f"by {_BATCH}", "schedules", "of one by one", f"of by {_BATCH}"]
    table(f"{name}: {due:,} due at once, tasks/s", head, rows)
    shares = [median([rate[2] / rate[peer] for rate in rates]) for peer in (0, 1)]
    print(f"  medians: {shares[0]:.2f}x of one by one, {shares[1]:.2f}x of by {_BATCH}", flush=True)
    goals.at_least(f"due at once, of plain enqueues by {_BATCH}, {name}", shares[1], 0.5, "x")


def fill(engine: Engine, count: int) -> None:
    """Make `count` schedules, none of which is due: some as users do, the others are their copies."""
    with engine.transaction() as database:
        for number in range(_DIFFERENT):
            text, zone = _TEXTS[number % len(_TEXTS)]
            engine.schedules.create_task(text.format(number % 60), nothing, [number], time_zone=zone)
        cursor = database.execute("SELECT * FROM schedule")
        columns = [column[0] for column in cursor.description]
        made = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        del columns[columns.index("id")]
        copies = [made[number % _DIFFERENT] | {"schedule_id": secrets.token_hex(12)} for number in range(count - _DIFFERENT)]
        statement = f"INSERT INTO schedule ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        database.executemany(statement, [[copy[column] for column in columns] for copy in copies])
    clear(engine, 0)
    if engine.database.dialect == "postgresql":
        engine.database.execute("VACUUM ANALYZE")  # as it does by itself before long


def clear(engine: Engine, due: int) -> None:
    """Remove all tasks, and let the first so many schedules be due, the others not."""
    now = time.time_ns() // 1000
    with engine.transaction():
        for emptied in ("scheduled_run", "task_tag", "reservation", "task"):
            engine.database.execute(f"DELETE FROM {emptied}")
        query = "UPDATE schedule SET next_run = CASE WHEN number <= ? THEN ? ELSE ? END FROM "
        query += "(SELECT id AS row, row_number() OVER (ORDER BY id) AS number FROM schedule) AS numbered WHERE row = id"
        engine.database.execute(query, (due, now - _HOUR_US, now + 24 * _HOUR_US))


def each(function: Callable[[], None], count: int) -> float:
    """Call `function` so many times; return the seconds that one call took."""
    began = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - began) / count


if __name__ == "__main__":
    sys.exit(main())
