"""What a REST request costs, beside a floor: the same server and door in the same run, with constant JSON of the same size.

One `entrepot api` process as users start it, everything by default, the password sent with every request; 100,000 finished
tasks and 1,000 repositories, on SQLite and on PostgreSQL. The load comes from one more process (`http_load`); floor
(`api_floor`) and engine take turns, and ratios are medians of the rounds' ratios.

Beside each: CPU microseconds of the server process for an answer, which a busy machine disturbs less than the clock.

* task: GET of one task, another one each time, over 16 connections: answers a second, and the 99th percentile.
* sync: POST of a sync to its 202, over 16 connections, each a durable row; no worker runs.
* list: GET of 1,000 repositories with details, against the time that `json.dumps` takes for the same answer here.
* search: POST of a search for the 20 tasks with one tag among 10^6, against the bare query by that tag behind the same server:
  whole rows, of which nothing is made.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from api_house import AUTHORIZATION, RESOURCES, House, Server, fill_repositories, fill_tasks, new_house, serving, task_path
from goals import Goals, arguments, median, table
from http_load import Load, load, request
from measuring_place import measuring_place, settle
from queues.contestants import POSTGRESQL
from queues.servers import servers

CONNECTIONS = 16
#: Different requests of a load; they are sent in turn.
_REQUESTS = 1000


class Bench:
    """One database, both servers on it, and how long and how often to measure."""

    def __init__(self, goals: Goals, house: House, name: str, servers: tuple[Server, Server]) -> None:
        self.goals = goals
        self.house = house
        self.name = name
        self._floor, self._api = servers
        self._rounds, self._seconds = (1, 0.5) if goals.is_quick else (5, 3.0)

    def compare(
        self, title: str, requests: Sequence[bytes], floor: str, *, connections: int, status: int = 200
    ) -> list[tuple[Load, Load]]:
        """Measure floor and engine in turn; `floor` is the path there, `{}` is the size of the engine's answers."""
        size = load(self._api.port, requests, connections=connections, seconds=0.5, status=status).body_bytes  # and warms it
        method = requests[0].split(b" ", 1)[0].decode()
        body = requests[0].partition(b"\r\n\r\n")[2]
        bare = [request(method, floor.format(size), authorization=AUTHORIZATION, body=body)]
        load(self._floor.port, bare, connections=connections, seconds=0.5, status=status)
        pairs, rows = [], []
        for number in range(self._rounds):
            order = [(self._floor, bare), (self._api, requests)]
            found, cost = {}, {}
            for server, sent in order if number % 2 == 0 else order[::-1]:
                used = server.cpu_seconds()
                found[server] = load(server.port, sent, connections=connections, seconds=self._seconds, status=status)
                cost[server] = (server.cpu_seconds() - used) / found[server].answers * 1e6
            floors, mine = found[self._floor], found[self._api]
            pairs.append((floors, mine))
            figures = [(floors.p50, mine.p50), (floors.p99, mine.p99), (cost[self._floor], cost[self._api])]
            rows.append([f"round {number + 1}", floors.rate, mine.rate, mine.rate / floors.rate, *chain.from_iterable(figures)])
        times = ["floor p50 ms", "engine p50", "floor p99 ms", "engine p99", "floor CPU us", "engine CPU"]
        table(f"{title}, {self.name}, {size:,} bytes", ["", "floor/s", "engine/s", "ratio", *times], rows)
        return pairs

    def task(self, tasks: int) -> None:
        step = max(1, tasks // _REQUESTS)
        requests = [request("GET", task_path(number), authorization=AUTHORIZATION) for number in range(1, tasks + 1, step)]
        pairs = self.compare("GET one task", requests, "/pulp/api/200/{}", connections=CONNECTIONS)
        ratio = median([mine.rate / bare.rate for bare, mine in pairs])
        self.goals.at_least(f"{self.name}: GET one task, of the floor", ratio, 0.4, "x")
        late = median([mine.p99 / bare.p99 for bare, mine in pairs])
        self.goals.at_most(f"{self.name}: p99 of GET one task, of the floor's", late, 5, "x")

    def sync(self, repositories: int) -> None:
        requests = [
            request(
                "POST",
                f"/pulp/api/v2/repositories/repository-{number:04}/actions/sync/",
                authorization=AUTHORIZATION,
                body=b'{"override_config":{}}',
            )
            for number in range(repositories)
        ]
        pairs = self.compare("POST sync", requests, "/pulp/api/202/{}", connections=CONNECTIONS, status=202)
        ratio = median([mine.rate / bare.rate for bare, mine in pairs])
        self.goals.at_least(f"{self.name}: POST sync, of the floor", ratio, 0.15, "x")

    def list(self, repositories: int) -> None:
        path = "/pulp/api/v2/repositories/?details=true"
        asked = urllib.request.Request(f"http://127.0.0.1:{self._api.port}{path}", headers={"Authorization": AUTHORIZATION})
        ratios, rows = [], []
        for number in range(self._rounds * 3):
            began = time.perf_counter()
            with urllib.request.urlopen(asked) as answer:  # noqa: S310 - always our own http address
                data = answer.read()
            answered = time.perf_counter() - began
            document = json.loads(data)
            assert len(document) == repositories
            began = time.perf_counter()
            json.dumps(document)
            dumped = time.perf_counter() - began
            ratios.append(answered / dumped)
            rows.append([f"round {number + 1}", dumped * 1000, answered * 1000, answered / dumped])
        title = f"GET {repositories:,} repositories with details, {self.name}, {len(data):,} bytes, ms"
        table(title, ["", "json.dumps", "answer", "ratio"], rows)
        self.goals.at_most(f"{self.name}: list of repositories, of json.dumps", median(ratios), 3, "x")

    def search(self, tasks: int) -> None:
        tag = f"bench:resource:{min(RESOURCES, tasks) // 2}"
        body = json.dumps({"criteria": {"filters": {"tags": tag}}}).encode()
        requests = [request("POST", "/pulp/api/v2/tasks/search/", authorization=AUTHORIZATION, body=body)]
        pairs = self.compare(f"Search of {tasks:,} tasks by tag", requests, f"/pulp/api/query/{tag}/", connections=1)
        ratio = median([mine.p50 / bare.p50 for bare, mine in pairs])
        self.goals.at_most(f"{self.name}: search by tag among {tasks:,} tasks, of the bare query", ratio, 3, "x")


def main() -> int:
    quick = arguments(__doc__).quick
    goals = Goals(is_quick=quick)
    few, many, repositories = (2000, 4000, 50) if quick else (100_000, 1_000_000, 1000)
    with measuring_place() as place, servers({POSTGRESQL}) as running:
        for name, url in (("SQLite", ""), ("PostgreSQL", running.urls.get(POSTGRESQL))):
            if url is None:
                sys.exit(f"There is no PostgreSQL: {running.missing[POSTGRESQL]}")
            measure(goals, place, name, url, tasks=(few, many), repositories=repositories)
    return goals.finish()


def measure(goals: Goals, place: Path, name: str, url: str, *, tasks: tuple[int, int], repositories: int) -> None:
    """Measure on one kind of database."""
    few, many = tasks
    with new_house(place, url) as house:
        fill_tasks(house.engine, 1, few)
        fill_repositories(house.engine, repositories)
        with serving(house, "api_floor.py") as floor, serving(house, "-m", "entrepot", "api", "--port", "0") as api:
            bench = Bench(goals, house, name, (floor, api))
            settle()
            bench.task(few)
            bench.list(repositories)
            fill_tasks(house.engine, few + 1, many)
            settle()
            bench.search(many)
            bench.sync(repositories)


if __name__ == "__main__":
    sys.exit(main())
