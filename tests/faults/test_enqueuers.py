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
from .stage import HERE, PATIENCE, Process, Stage, wait_for
from .traffic import Traffic, unfinished_tasks

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
        for turn, kill in enumerate(campaign.kills, 1):
            how, first = ["plain", "together", "keyed"][(turn + campaign.seed) % 3], turn * BLOCK
            program = start(stage, how, first, MOST, armed=kill.armed(chance))
            stage.await_kill(program, kill, traffic.enqueue, chance, partial(has_asked, stage, program))
            assert torn(stage) == []
            if how == "keyed":  # whoever was not told asks again
                again = start(stage, how, first, 20)
                assert again.has_ended(PATIENCE), again.said()
            if turn == (len(campaign.kills) + 1) // 2:
                working.enter_context(stage.supervised())
        wait_for(lambda: stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(stage))

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
        if number in numbers:
            found.append(f"number {number} has two tasks")
        if tags != 2 or reservations != (0 if finished else len(uses)):
            found.append(f"number {number} has {tags} tags and {reservations} reservations")
        numbers.add(number)
    own = {number for (number,) in stage.engine.database.rows("SELECT number FROM own")}
    twins = {each.number for each in asked(stage) if each.how == "together"} & numbers
    found += [
        f"number {number} exists without what was to commit with it" for number in twins ^ {*own, *(one + 1 for one in own)}
    ]
    return found
