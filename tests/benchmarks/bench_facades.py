"""What the status facades cost, and that they miss nothing; on SQLite and on PostgreSQL, by default, no worker runs.

* the status of a deploy to 2,000 POPs with 40,000 servers, as the Edgecast facade tells it: from the request to the last byte
  of the answer, with authentication, through the facade's ASGI app in this process, without a network;
  beside it the processor time of a request, which others who use the machine disturb less.
* 200 pollers of Pugpig's `progress.json`, each with a key of its own, every three seconds over HTTP, while that deploy is under
  way: how often it was read from the database within 15 seconds of the clock.
* a poller of Livingdocs' publication events behind the last id that it saw, over HTTP, beside 8 processes that publish 10,000
  times in all: how many events it missed, and whether the ids rose all the time.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from math import ceil
from pathlib import Path

import httpx
import uvicorn
from api_house import House, new_house
from goals import Goals, arguments, median, table
from measuring_place import measuring_place, settle
from queues.contestants import POSTGRESQL
from queues.servers import servers

from entrepot import Engine
from entrepot.events import Flip
from entrepot.facades.door import Door
from entrepot.facades.edgecast import EdgecastDoor
from entrepot.facades.limits import Buckets
from entrepot.facades.livingdocs import LivingdocsDoor
from entrepot.facades.pugpig import PugpigDoor, monitor
from entrepot.readers import Readers
from entrepot.settings import read_settings

_ACCOUNT, _DEPLOY = "0001", 123456
_STATUS = f"/v2/mcc/customers/{_ACCOUNT}/rulesv4/{_DEPLOY}/status"
#: Of so many requests, one in twenty may take longer than the goal says.
_REQUESTS = 200
_PROGRESS = "/pugpig/acme/publication/weekly/addon/main.weekly.acme/progress.json"
#: Seconds that pollers poll, and those that a reading may be told.
_POLLED_SECONDS, _AGE_SECONDS = 15, 5
#: Seconds from one poll with a key to the next: five polls are answered anew.
_PAUSE_SECONDS = 3
_EVENTS = "/api/v1/publicationEvents"
_PUBLISHERS = 8
_PATIENCE_SECONDS = 30
_SPAWNING = multiprocessing.get_context("spawn")


def main() -> int:
    quick = arguments(__doc__).quick
    goals = Goals(is_quick=quick)
    with measuring_place() as place, servers({POSTGRESQL}) as running:
        for name, url in (("SQLite", ""), ("PostgreSQL", running.urls.get(POSTGRESQL))):
            if url is None:
                print(f"{name}: skipped: {running.missing[POSTGRESQL]}", flush=True)
                goals.at_most(f"edgecast_status_2000_pops, {name}", None, 50, "ms")
                goals.at_most(f"pugpig_readings_200_pollers, {name}", None, ceil(_POLLED_SECONDS / _AGE_SECONDS))
                goals.at_most(f"livingdocs_missed_of_10000, {name}", None, 0)
                continue
            with new_house(place, url) as house:
                edgecast_status(goals, house.engine, name, quick=quick)
                pugpig_pollers(goals, house.engine, name, quick=quick)
                livingdocs_poller(goals, house, name, quick=quick)
    return goals.finish()


def edgecast_status(goals: Goals, engine: Engine, name: str, *, quick: bool) -> None:
    pops, requests = (200, 20) if quick else (2000, _REQUESTS)
    token = fill(engine, pops)
    settle()
    door = EdgecastDoor(engine, Readers(engine), limits=Buckets(1e9, 1_000_000_000))
    began = time.process_time()
    took, size = asyncio.run(ask(door, token, requests))
    processor = (time.process_time() - began) / len(took) * 1000
    took.sort()
    all_but_five_percent = took[len(took) * 95 // 100]
    figures = [median(took), all_but_five_percent, took[-1], processor, size / 1024]
    row: list[object] = [f"{pops:,} POPs, {20 * pops:,} servers", *figures]
    table(f"{name}: the status of a deploy, ms", ["", "median", "95 %", "worst", "processor", "KiB"], [row])
    goals.at_most(f"edgecast_status_2000_pops, {name}", all_but_five_percent, 50, "ms")


def pugpig_pollers(goals: Goals, engine: Engine, name: str, *, quick: bool) -> None:
    pollers, seconds = (20, 6) if quick else (200, _POLLED_SECONDS)
    engine.tenants.add("pugpig", "acme")
    engine.tenants.set_channel("pugpig", "acme", "weekly", sources=[("zoo", "*")])
    keys = [engine.tenants.issue_token("pugpig", "acme", f"poller-{number}", handle="weekly")[1] for number in range(pollers)]
    read, readings = monitor.read_actions, list[float]()

    def counted(engine: Engine, publication: monitor.Publication) -> list[monitor.Action]:
        readings.append(time.monotonic())
        return read(engine, publication)

    monitor.read_actions = counted
    try:
        with served(PugpigDoor(engine, Readers(engine))) as port, ProcessPoolExecutor(1, _SPAWNING) as other:
            other.submit(int).result()  # it has started, and imported what it needs
            statuses, took, lasted = other.submit(poll, port, keys, seconds).result()
    finally:
        monitor.read_actions = read
    refused = sum(status != http.client.OK for status in statuses)
    took.sort()
    gaps = [later - earlier for earlier, later in pairwise(readings)]
    row: list[object] = [f"{pollers} pollers, {lasted:.1f} s", len(statuses), refused, len(readings), min(gaps, default=0.0)]
    head = ["", "polls", "refused", "readings", "least seconds between", "median ms", "99 % ms"]
    table(f"{name}: progress.json", head, [[*row, median(took), took[len(took) * 99 // 100]]])
    goals.at_most(f"pugpig_readings_200_pollers, {name}", len(readings) + refused, ceil(lasted / _AGE_SECONDS))


def poll(port: int, keys: list[str], seconds: int) -> tuple[list[int], list[float], float]:
    """Poll with each key, again and again, in a process of its own; return statuses, milliseconds, and how long it lasted."""
    return asyncio.run(_poll(port, keys, seconds))


async def _poll(port: int, keys: list[str], seconds: int) -> tuple[list[int], list[float], float]:
    statuses, took = list[int](), list[float]()

    async def poll_with(client: httpx.AsyncClient, key: str, offset: float) -> None:
        for second in range(0, seconds, _PAUSE_SECONDS):
            await asyncio.sleep(max(0.0, began + second + offset - time.perf_counter()))
            asked = time.perf_counter()
            answer = await client.get(_PROGRESS, headers={"Authorization": f"Bearer {key}"})
            took.append((time.perf_counter() - asked) * 1000)
            statuses.append(answer.status_code)
            assert answer.status_code != http.client.OK or answer.json()["actions"][0]["id"] == f"deploy-{_DEPLOY}"

    limits = httpx.Limits(max_connections=len(keys), max_keepalive_connections=len(keys))
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=_PATIENCE_SECONDS) as client:
        began = time.perf_counter()
        spread = 0.95 * _PAUSE_SECONDS / len(keys)  # not all at the same moment
        await asyncio.gather(*(poll_with(client, key, number * spread) for number, key in enumerate(keys)))
        lasted = time.perf_counter() - began
    return statuses, took, lasted


def livingdocs_poller(goals: Goals, house: House, name: str, *, quick: bool) -> None:
    each = 25 if quick else 1250
    engine = house.engine
    engine.repositories.create("news", distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web"}])
    engine.tenants.add("livingdocs", "12")
    engine.tenants.set_channel("livingdocs", "12", "web", sources=[("news", "*")])
    _, token = engine.tenants.issue_token("livingdocs", "12", "poller")
    environment = (house.environment["ENTREPOT_DATA_DIR"], house.environment["ENTREPOT_DATABASE_URL"])
    publishers = [_SPAWNING.Process(target=publish, args=(*environment, each)) for _ in range(_PUBLISHERS)]
    door = LivingdocsDoor(engine, Readers(engine), limits=Buckets(1e9, 1_000_000_000))
    with served(door) as port:
        for publisher in publishers:
            publisher.start()
        began = time.monotonic()
        seen, polls = follow(port, token, publishers)
        took = time.monotonic() - began
    assert all(publisher.exitcode == 0 for publisher in publishers)
    events = each * _PUBLISHERS
    missed = len(set(range(1, events + 1)) - set(seen))
    falls = sum(later <= earlier for earlier, later in pairwise(seen))
    row: list[object] = [f"{events:,} events", polls, len(seen), missed, falls, len(seen) / took]
    head = ["", "polls with news", "events told", "missed", "ids that did not rise", "events/s"]
    table(f"{name}: publication events", head, [row])
    goals.at_most(f"livingdocs_missed_of_10000, {name}", missed + falls, 0)


def publish(data_dir: str, database_url: str, count: int) -> None:
    """Let `news` serve the next publication, again and again, as a distributor's flip tells it; in a process of its own."""
    with Engine(settings=read_settings(data_dir=Path(data_dir), database_url=database_url)) as engine, engine.visit():
        for revision in range(1, count + 1):
            flip = Flip(
                repository_id="news",
                distributor_id="web",
                distributor_row=1,
                distributor_type_id="iso_distributor",
                revision=revision,
                previous=revision - 1,
                content_type=None,
                unit_types=("iso",),
                task_id=None,
                is_automatic=False,
                is_rollback=False,
            )
            with engine.transaction():
                engine.events.flipped(flip)


def follow(port: int, token: str, publishers: list[multiprocessing.process.BaseProcess]) -> tuple[list[int], int]:
    """Poll behind the last id until all publishers have ended and nothing more comes; return the ids in their order."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    seen, polls = list[int](), 0
    while True:
        have_ended = not any(publisher.is_alive() for publisher in publishers)
        path = f"{_EVENTS}?id.gt={seen[-1] if seen else 0}&limit=1000"
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        told = [event["id"] for event in json.loads(connection.getresponse().read())]
        seen += told
        polls += bool(told)
        if have_ended and not told:
            connection.close()
            return seen, polls


@contextmanager
def served(door: Door) -> Iterator[int]:
    """Serve a facade over HTTP by a thread of this process; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(door, log_level="warning", access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(_PATIENCE_SECONDS)


async def ask(door: EdgecastDoor, token: str, requests: int) -> tuple[list[float], int]:
    """Ask one time after the other; return the milliseconds that each took, and the bytes of an answer."""
    took = []
    headers = {"Authorization": f"TOK:{token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://api.example.org") as client:
        for _ in range(requests + 10):
            began = time.perf_counter()
            answer = await client.get(_STATUS, headers=headers)
            took.append((time.perf_counter() - began) * 1000)
            assert answer.json()["Status"] == "propagating"
    return took[10:], len(answer.content)  # the first ones warm


def fill(engine: Engine, pops: int) -> str:
    """Write a deploy to so many POPs with 20 servers each, of which some are done; return a token that may see it."""
    engine.repositories.create("zoo")
    engine.tenants.add("edgecast", _ACCOUNT)
    engine.tenants.add_source("edgecast", _ACCOUNT, "zoo")
    _, token = engine.tenants.issue_token("edgecast", _ACCOUNT, "primary")
    now = time.time_ns() // 1000
    with engine.transaction() as database:
        database.execute(
            "INSERT INTO deploy (id, repository_id, distributor_id, environment, network, state, created_at, started_at) "
            "VALUES (?, 'zoo', 'edge', 'production', 'default', 'propagating', ?, ?)",
            (_DEPLOY, now, now),
        )
        database.executemany(
            "INSERT INTO deploy_pop (deploy, pop, name, server_count, done_count) VALUES (?, ?, ?, 20, ?)",
            [(_DEPLOY, pop, f"Region {pop % 7} : Location {pop:04} (ABC)", pop % 20) for pop in range(pops)],
        )
        database.executemany(
            "INSERT INTO deploy_server (deploy, server, pop, url, state) VALUES (?, ?, ?, ?, ?)",
            [
                (_DEPLOY, server, server // 20, f"/{server}", "done" if server % 20 < server // 20 % 20 else "pending")
                for server in range(20 * pops)
            ],
        )
    if engine.database.dialect == "postgresql":
        engine.database.execute("VACUUM ANALYZE")  # as it does by itself before long
    return token


if __name__ == "__main__":
    sys.exit(main())
