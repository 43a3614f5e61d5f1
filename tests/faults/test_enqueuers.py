"""Programs are killed while they enqueue: what was acknowledged runs, and the rest exists whole or not at all."""

from __future__ import annotations

import json
import random
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import pytest

from .inspection import Request
from .plan import Campaign, campaigns
from .process import PATIENCE, Process
from .stage import HERE, Stage
from .traffic import Traffic

#: Where the programs write, in the folder of the trace.
ASKED = "asked.jsonl"
#: Numbers of one program; more than it ever gets to.
BLOCK = 100_000
#: Tasks that a program enqueues at most.
MOST = 400


@dataclass
class Asked:
    """What one program wrote down of one number: `told` and `task_id` are None if it was killed before."""

    how: str
    pid: int
    number: int
    uses: tuple[str, ...]
    asked: float
    told: float | None = None
    task_id: str | None = None


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_kind", "campaign"),
    [(each.database, each) for each in campaigns("enqueuers")],
    indirect=["database_kind"],
    ids=str,
)
def test_killed_enqueuers_leave_whole_tasks_and_those_acknowledged_run(stage: Stage, campaign: Campaign) -> None:
    chance = random.Random(campaign.seed)
    traffic = Traffic(stage, chance)
    stage.engine.database.execute("CREATE TABLE own (number BIGINT PRIMARY KEY)")

    with ExitStack() as working:
        for turn, fault in enumerate(campaign.faults, 1):
            how, first = ["plain", "together", "keyed", "many"][(turn + campaign.seed) % 4], turn * BLOCK
            program = start(stage, how, first, MOST, armed=fault.armed(chance))
            stage.await_kill(program, fault, traffic.enqueue, chance, partial(has_asked, stage, program))
            assert torn(stage) == []
            assert stage.standing() == []
            if how == "keyed":  # whoever was not told asks again
                again = start(stage, how, first, 20)
                assert again.has_ended(PATIENCE), again.said()
            if turn == (len(campaign.faults) + 1) // 2:
                working.enter_context(stage.supervised())
        traffic.wait_until_all_ended()

    assert traffic.findings(requests(stage)) == []
    assert torn(stage) == []


def has_asked(stage: Stage, program: Process) -> bool:
    """Return True if the program has begun to enqueue."""
    return program.has_ended() or any(each.pid == program.pid for each in asked(stage))


def start(stage: Stage, how: str, first: int, count: int, *, armed: str = "") -> Process:
    """Start a program that enqueues."""
    return stage.start_program(str(HERE / "enqueuer.py"), how, str(first), str(2 * count), armed=armed)


def asked(stage: Stage) -> list[Asked]:
    """Return what the programs have asked for and what they were told, each number once."""
    path = stage.folder / ASKED
    found: dict[int, Asked] = {}
    for line in map(json.loads, path.read_text().splitlines() if path.exists() else []):
        number = line["number"]
        if line["event"] == "ask":
            found.setdefault(number, Asked(line["how"], line["pid"], number, tuple(line["uses"]), line["at"]))
        elif found[number].told is None:
            found[number].told, found[number].task_id = line["at"], line["task"]
    return list(found.values())


def requests(stage: Stage) -> list[Request]:
    """Return the same for the inspection; a task of which nobody was told is to end as any other, if it exists."""
    rows = stage.engine.database.rows("SELECT task_id, arguments FROM task")
    kept = {json.loads(arguments)[0][0]: task_id for task_id, arguments in rows}
    return [
        Request(each.number, each.uses, True, each.asked, each.told, each.task_id or kept.get(each.number))
        for each in asked(stage)
    ]


def torn(stage: Stage) -> list[str]:
    """Find tasks without all their rows, numbers with two tasks, and tasks without what was to commit with them."""
    found, numbers = [], set()
    rows = stage.engine.database.rows(
        "SELECT arguments, finished_at, (SELECT count(*) FROM reservation WHERE task = task.id), "
        "(SELECT count(*) FROM task_tag WHERE task_tag.task = task.id) FROM task ORDER BY id"
    )
    for arguments, finished, reservations, tags in rows:
        number, uses, _ = json.loads(arguments)[0]
        if number < BLOCK:  # the test's own
            continue
        if number in numbers:
            found.append(f"number {number} has two tasks")
        if tags != 2 or reservations != (0 if finished else len(uses)):
            found.append(f"number {number} has {tags} tags and {reservations} reservations")
        numbers.add(number)
    own = {number for (number,) in stage.engine.database.rows("SELECT number FROM own")}
    for how in ("together", "many"):
        mine = {each.number for each in asked(stage) if each.how == how} & numbers
        pairs = own if how == "together" else {number for number in mine if number % 2 == 0}
        lonely = mine ^ {*pairs, *(number + 1 for number in pairs)}
        found += [f"number {number} exists without what was to commit with it ({how})" for number in sorted(lonely)]
    return found
