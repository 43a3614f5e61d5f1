"""Redis carries the bells: dramatiq's broker, on a real Redis in the gate and on a stand-in elsewhere."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from dramatiq.brokers.redis import RedisBroker

from entrepot import Call
from entrepot.engine import Engine
from entrepot.settings import Settings
from entrepot.tasking import ledger
from entrepot.tasking.transport import redis as transport
from entrepot.tasking.transport.redis import connect
from entrepot.tasking.worker import Worker

from .conftest import echo, eventually, hold, on_its_own_queue


@pytest.fixture
def engine(settings: Settings, redis_server: str, redis_prefix: str) -> Iterator[Engine]:
    """An engine whose workers Redis wakes."""
    with_redis = settings.model_copy(update={"broker_url": redis_server, "broker_prefix": redis_prefix})
    with Engine(settings=with_redis) as made:
        made.initialise()
        yield made


@pytest.fixture
def client(redis_server: str) -> Iterator[redis.Redis]:
    """A client to look into Redis."""
    with connect(redis_server) as made:
        yield made


@pytest.fixture
def no_look_without_a_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers look only when a bell has rung."""
    monkeypatch.setattr(ledger, "LOOK_ANYWAY_SECONDS", 3600.0)


def make_worker(engine: Engine, **settings: object) -> Worker:
    """Return a worker in threads of this process."""
    engine.registry.type_of(on_its_own_queue)
    return Worker(
        engine.tasks, engine.settings.model_copy(update=settings), name="worker@test", threads=2, give_up=lambda: None
    )


def messages(client: redis.Redis, engine: Engine, queue: str = "default") -> list[str]:
    """Return the task ids of the messages in a queue, in order."""
    found = client.hgetall(f"{engine.settings.broker_prefix}:{queue}.msgs")
    order = client.lrange(f"{engine.settings.broker_prefix}:{queue}", 0, -1)
    assert isinstance(found, dict)
    assert isinstance(order, list)
    return [json.loads(found[key])["args"][0] for key in order]


def test_a_message_of_a_ready_task_is_json_with_its_id_and_no_more(engine: Engine, client: redis.Redis) -> None:
    handle = engine.enqueue(echo, "secret")

    [raw] = client.hvals(f"{engine.settings.broker_prefix}:default.msgs")  # type: ignore[misc]

    message = json.loads(raw)
    assert (message["queue_name"], message["actor_name"], message["args"]) == ("default", "run", [handle.task_id])
    assert b"secret" not in raw


def test_all_keys_begin_with_the_prefix(engine: Engine, client: redis.Redis, redis_prefix: str) -> None:
    before = set(client.keys("*"))  # type: ignore[arg-type]

    engine.enqueue(echo, 1)

    new = set(client.keys("*")) - before  # type: ignore[arg-type]
    assert new
    assert [key for key in new if not key.startswith(redis_prefix.encode())] == []


def test_a_task_that_is_not_ready_rings_no_bell(engine: Engine, client: redis.Redis) -> None:
    first = engine.enqueue(hold, "a")
    engine.enqueue(hold, "a")
    engine.enqueue(echo, 1, not_before=timedelta(hours=1))

    assert messages(client, engine) == [first.task_id]


def test_a_bell_rings_after_the_commit_and_not_at_all_after_a_rollback(engine: Engine, client: redis.Redis) -> None:
    with pytest.raises(RuntimeError, match="changed my mind"), engine.transaction():
        engine.enqueue(echo, 1)
        engine.enqueue_many([Call(echo, (2,))])
        raise RuntimeError("changed my mind")
    assert messages(client, engine) == []

    with engine.transaction():
        handle = engine.enqueue(echo, 3)
        assert messages(client, engine) == []

    assert messages(client, engine) == [handle.task_id]


@pytest.mark.usefixtures("no_look_without_a_bell")
def test_a_bell_wakes_an_idle_worker_and_its_message_is_acknowledged(engine: Engine, client: redis.Redis) -> None:
    worker = make_worker(engine)
    worker.start()
    try:
        assert [engine.enqueue(echo, number).wait(20).result for number in range(3)] == [0, 1, 2]
        eventually(lambda: messages(client, engine) == [])
    finally:
        assert worker.drain(timedelta(seconds=20))

    left = [key for key in client.keys(f"{engine.settings.broker_prefix}:*") if b"heartbeats" not in key]  # type: ignore[union-attr]
    assert left == []


@pytest.mark.usefixtures("no_look_without_a_bell")
def test_successors_are_handed_over_without_a_bell(engine: Engine, client: redis.Redis) -> None:
    handles = [engine.enqueue(hold, "a") for _ in range(20)]
    assert len(messages(client, engine)) == 1

    worker = make_worker(engine)
    worker.start()
    try:
        assert handles[-1].wait(20).state == "finished"
    finally:
        assert worker.drain(timedelta(seconds=20))


@pytest.mark.usefixtures("no_look_without_a_bell")
def test_messages_of_tasks_that_were_found_without_them_are_cleared_away(engine: Engine, client: redis.Redis) -> None:
    handles = [engine.enqueue(echo, number) for number in range(50)]
    assert len(messages(client, engine)) == 50

    worker = make_worker(engine)
    worker.start()
    try:
        for handle in handles:
            handle.wait(20)
        eventually(lambda: messages(client, engine) == [])
    finally:
        assert worker.drain(timedelta(seconds=20))


@pytest.mark.usefixtures("no_look_without_a_bell")
def test_a_worker_hears_the_bells_of_the_queues_that_its_task_types_name(engine: Engine, client: redis.Redis) -> None:
    worker = make_worker(engine)
    worker.start()
    try:
        assert engine.enqueue(on_its_own_queue, 7).wait(20).result == 7
    finally:
        assert worker.drain(timedelta(seconds=20))


@pytest.mark.usefixtures("no_look_without_a_bell")
def test_a_worker_of_one_queue_leaves_the_bells_and_tasks_of_others_alone(engine: Engine, client: redis.Redis) -> None:
    worker = make_worker(engine, worker_queues=["apart"])
    other = engine.enqueue(echo, 1)
    worker.start()
    try:
        assert engine.enqueue(on_its_own_queue, 7).wait(20).result == 7
    finally:
        assert worker.drain(timedelta(seconds=20))

    assert other.state == "waiting"
    assert messages(client, engine) == [other.task_id]


def test_tasks_are_found_although_redis_has_lost_all_messages(engine: Engine, client: redis.Redis) -> None:
    handles = [engine.enqueue(echo, number) for number in range(3)]
    for key in client.keys(f"{engine.settings.broker_prefix}:*"):  # type: ignore[union-attr]
        client.delete(key)

    worker = make_worker(engine)
    worker.start()
    try:
        assert [handle.wait(20).result for handle in handles] == [0, 1, 2]
    finally:
        assert worker.drain(timedelta(seconds=20))


def test_without_redis_tasks_are_enqueued_and_run_all_the_same(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens there
        away = settings.model_copy(update={"broker_url": f"redis://127.0.0.1:{taken.getsockname()[1]}/0"})
        with Engine(settings=away) as engine:
            engine.initialise()
            first = engine.enqueue(echo, 1)
            worker = make_worker(engine)
            worker.start()
            try:
                assert first.wait(20).result == 1
                assert engine.enqueue(echo, 2).wait(20).result == 2
            finally:
                assert worker.drain(timedelta(seconds=20))

    assert "Redis does not take messages" in caplog.text
    assert "Redis does not answer" in caplog.text


def test_whatever_goes_wrong_when_a_bell_rings_the_task_is_kept_and_nobody_hears_of_an_error(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise TypeError("an option that the client does not know")

    monkeypatch.setattr(RedisBroker, "enqueue", fail)

    handle = engine.enqueue(echo, 1)

    assert handle.state == "waiting"
    assert "Redis does not take messages" in caplog.text


def test_messages_do_not_pile_up_in_a_queue_that_nobody_serves(
    engine: Engine, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_HANDFUL", 20)
    monkeypatch.setattr(transport, "_COUNT_EVERY", 5)

    for number in range(60):
        engine.enqueue(on_its_own_queue, number)

    assert len(messages(client, engine, "apart")) == 24


def test_the_doorbell_says_whether_redis_answers_and_leaves_one_that_does_not_alone(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.doorbell.is_connected()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens there
        away = settings.model_copy(update={"broker_url": f"redis://127.0.0.1:{taken.getsockname()[1]}/0"})
        with Engine(settings=away) as lonely:
            assert not lonely.doorbell.is_connected()
            monkeypatch.setattr(redis.Redis, "execute_command", None)  # asked again so soon, it would raise
            assert not lonely.doorbell.is_connected()
