"""Tasks are found by what they were called with."""

from __future__ import annotations

from entrepot.engine import Engine
from entrepot.tasking import Call, TaskHandle
from entrepot.testing import drain
from tests.integration.tasking.conftest import hold


def test_tasks_are_found_by_their_first_arguments_the_unfinished_and_the_last_that_ended(engine: Engine) -> None:
    task_type = engine.tasks.registry.type_of(hold).name

    def called(*arguments: str, ended: int = 9) -> list[str]:
        found = engine.tasks.list_called(f"on:{arguments[0]}", [("other", ()), (task_type, arguments)], ended=ended)
        return [one.report.task_id for one in found]

    def ids(*handles: TaskHandle) -> list[str]:
        return [handle.task_id for handle in handles]

    ended = [engine.enqueue(hold, "zoo", "é\"%'"), engine.enqueue(hold, "zoo"), engine.enqueue(hold, "zoo", "é\"%'")]
    drain(engine)
    waiting = [engine.enqueue(hold, "zoo"), engine.enqueue(hold, "zoo", "farm"), engine.enqueue(hold, "zoology")]
    stopped = engine.enqueue(hold, "zoo", "é\"%'")
    with engine.database.transaction() as database:  # canceled while it ran, and not yet at an end
        database.execute("UPDATE task SET state = 'canceled', owner = 'w' WHERE task_id = ?", (stopped.task_id,))

    assert called("zoo") == ids(*ended, *waiting[:2], stopped)
    assert called("zoo", ended=1) == ids(ended[2], *waiting[:2], stopped)
    assert called("zoo", "é\"%'") == ids(ended[0], ended[2], stopped)
    assert called("zoo", "far") == called("moon") == []


def test_the_key_of_a_task_is_told(engine: Engine) -> None:
    for key in ("mine", None):
        engine.tasks.enqueue(Call(hold, ("zoo",), idempotency_key=key))

    found = engine.tasks.list_called("on:zoo", [(engine.tasks.registry.type_of(hold).name, ())], ended=0)

    assert [one.idempotency_key for one in found] == ["mine", None]
