"""A program that enqueues tasks until it has enough, or is killed; it writes down what it asks and what it is told.

Arguments: how, the first number, how many. How: `plain`; `together`, two tasks and a row of its own in one transaction;
`keyed`, each with an idempotency key that stands for its number; `many`, two by one call.
"""

from __future__ import annotations

import os
import random
import sys

import effects

import entrepot

ASKED = "asked.jsonl"


def main(how: str, first: int, count: int) -> None:
    """Enqueue."""
    chance = random.Random(first)
    with entrepot.Engine.from_settings() as engine:
        for number in range(first, first + count, 2):
            lines = [f"line:{line}" for line in chance.sample(range(6), chance.choice([0, 1, 2, 2]))]
            ask(how, number, lines)
            if how in ("plain", "keyed"):
                told(number, engine.enqueue(effects.repeatable, number, lines, 1, idempotency_key=key(how, number)))
                continue
            ask(how, number + 1, lines[:1])
            calls = [
                entrepot.Call(effects.repeatable, (number, lines, 1)),
                entrepot.Call(effects.repeatable, (number + 1, lines[:1], 1)),
            ]
            if how == "many":
                handles = engine.enqueue_many(calls)
            else:
                with engine.transaction() as database:
                    database.execute("INSERT INTO own (number) VALUES (?)", (number,))
                    handles = [engine.enqueue(call.function, *call.args) for call in calls]
            for offset, handle in enumerate(handles):
                told(number + offset, handle)


def key(how: str, number: int) -> str | None:
    """Return the idempotency key of a number."""
    return f"number {number}" if how == "keyed" else None


def ask(how: str, number: int, uses: list[str]) -> None:
    """Write down that a task is about to be enqueued."""
    effects.append({"event": "ask", "how": how, "number": number, "uses": uses, "pid": os.getpid()}, ASKED)


def told(number: int, handle: entrepot.TaskHandle) -> None:
    """Write down that it was acknowledged."""
    effects.append({"event": "told", "number": number, "task": handle.task_id, "pid": os.getpid()}, ASKED)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
