"""Enqueue in a contestant's own environment, as an application does: `python -m queues.driver MODULE`.

Reads one command a line from its standard input and answers with one line of JSON:

* `prepare`: an empty queue; answers with the versions of all installed packages.
* `enqueue FIRST COUNT`: one by one; answers with the seconds that took.
* `enqueue_many FIRST COUNT`: in the contestant's one call for many; answers with the seconds, or null if there is none.
* `trickle FIRST COUNT`: with random pauses of 20 to 50 ms; answers with the moment before each call, nanoseconds.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import time
from importlib.metadata import distributions
from types import ModuleType

#: Seconds between two tasks of a trickle: long enough for the workers to be idle again, and in step with nothing.
_PAUSE = (0.02, 0.05)


def main() -> None:
    contestant = importlib.import_module(f"queues.{sys.argv[1]}")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for line in sys.stdin:
        command, *figures = line.split()
        answers.write(json.dumps(obey(contestant, command, *map(int, figures))) + "\n")
        answers.flush()


def obey(contestant: ModuleType, command: str, first: int = 0, count: int = 0) -> object:
    """Do what one line says and return the answer."""
    if command == "prepare":
        contestant.prepare()
        return {found.metadata["Name"]: found.version for found in distributions()}
    if command == "trickle":
        return trickle(contestant, first, count)
    if command == "enqueue":
        enqueue, numbers = contestant.enqueue, range(first, first + count)
        began = time.perf_counter()
        for number in numbers:
            enqueue(number)
        return time.perf_counter() - began
    if not hasattr(contestant, "enqueue_many"):
        return None
    began = time.perf_counter()
    contestant.enqueue_many(range(first, first + count))
    return time.perf_counter() - began


def trickle(contestant: ModuleType, first: int, count: int) -> list[int]:
    moments = []
    for number in range(first, first + count):
        time.sleep(random.uniform(*_PAUSE))
        moments.append(time.monotonic_ns())
        contestant.enqueue(number)
    return moments


if __name__ == "__main__":
    main()
