"""What the pages of the dashboard cost, on SQLite with a million tasks and a thousand repositories.

* each page, as a browser asks for it, with login and permissions, through the dashboard's ASGI app in this process: the time
  from the request to the last byte, of which one in twenty may be longer than the figure that counts; and the size of its HTML.
  The floor beside it is the plainest page there is, the form to log in, made in the same way.
* the stream of live parts, over HTTP from `entrepot serve`: how long after the commit of a change the part of the page with it
  has arrived, with 20 others who look at pages of the same server.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from urllib.parse import quote

import httpx
import noop_tasks
from api_house import LOGIN, PASSWORD, House, Server, fill_repositories, fill_tasks, new_house, serving
from goals import Goals, arguments, median, table
from measuring_place import measuring_place, settle

from entrepot import clock
from entrepot.dashboard import Dashboard
from entrepot.engine import Engine
from entrepot.readers import Readers
from entrepot.streaming import Changes

_LARGEST_KB, _LONGEST_MS, _LATEST_SECONDS = 60, 200, 2
#: Windows that are open beside the one that is measured, and changes that it is told of.
_OTHERS, _CHANGES = 20, 60
_COOKIE = "entrepot_session"


def main() -> int:
    quick = arguments(__doc__).quick
    goals = Goals(is_quick=quick)
    with measuring_place() as place, new_house(place, "") as house:
        fill(house.engine, *((4000, 50) if quick else (1_000_000, 1000)))
        settle()
        pages(goals, house.engine, rounds=3 if quick else 25)
        kept = replace(house, environment={**house.environment, "ENTREPOT_TASK_RETENTION_DAYS": "1000"})
        with serving(kept, "-m", "entrepot", "serve", "--port", "0") as server:
            asyncio.run(live(goals, house, server, changes=5 if quick else _CHANGES))
    return goals.finish()


def fill(engine: Engine, tasks: int, repositories: int) -> None:
    """Write tasks of the last three days, one in twenty of which has failed, and some that wait; and repositories."""
    fill_tasks(engine, 1, tasks)
    step, last = 3 * 24 * 3600 * 1_000_000 // tasks, clock.now_us()
    with engine.transaction() as database:
        moment = "? - (? - id) * ?"
        database.execute(
            f"UPDATE task SET created_at = {moment}, ready_at = {moment}, started_at = {moment}, "
            f"finished_at = {moment} + 1000000",
            (last, tasks, step) * 4,
        )
        database.execute(
            """UPDATE task SET state = 'error', error = '{"code":"PLP0000","description":"No."}' WHERE id % 20 = 0"""
        )
    for number in range(100):
        engine.enqueue(noop_tasks.nothing, number, not_before=timedelta(days=1))
    fill_repositories(engine, repositories)
    for report in engine.repositories.list()[:50]:
        engine.repositories.get(report.repository_id).schedule_sync("PT5M")
    for loop in engine.loops():
        if loop.name in ("hourly tasks", "content measures"):
            loop.round()


def paths(engine: Engine) -> dict[str, str]:
    """Return what is measured: names and addresses of pages."""
    task, *_ = engine.tasks.list(limit=1)
    repository = engine.repositories.list()[0].repository_id
    return {
        "overview": "/",
        "tasks": "/tasks",
        "tasks that failed": "/tasks?state=error",
        "tasks that are finished": "/tasks?state=finished",
        "a task": f"/tasks/{task.task_id}",
        "repositories": "/repositories",
        "a repository": f"/repositories/{quote(repository, safe='')}",
        "schedules": "/schedules",
        "propagation": "/propagation",
        "workers": "/workers",
        "plugins": "/plugins",
        "users": "/users",
        "audit": "/audit",
    }


def pages(goals: Goals, engine: Engine, *, rounds: int) -> None:
    app, secret = Dashboard(engine, Readers(engine), Changes(engine)), _session(engine)
    rows, slowest, largest = list[list[object]](), 0.0, 0.0
    for name, path in {"the floor: the login": "/login", **paths(engine)}.items():
        took, size = asyncio.run(_ask(app, path, secret, rounds))
        took.sort()
        nearly_all = took[len(took) * 95 // 100]
        rows.append([name, median(took), nearly_all, took[-1], size / 1000])
        slowest, largest = max(slowest, nearly_all), max(largest, size / 1000)
    table("Pages with a million tasks, ms", ["", "median", "95 %", "worst", "kB"], rows)
    goals.at_most("dashboard_slowest_page", slowest, _LONGEST_MS, "ms")
    goals.at_most("dashboard_largest_page", largest, _LARGEST_KB, "kB")


async def _ask(app: Dashboard, path: str, secret: str, rounds: int) -> tuple[list[float], int]:
    """Ask for a page again and again, after once for what is prepared once; return milliseconds, and the bytes of its HTML."""
    took = list[float]()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://here", cookies={_COOKIE: secret}, headers={"accept": "text/html"}
    ) as client:
        for _ in range(rounds + 1):
            began = time.perf_counter()
            answer = await client.get(path)
            took.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == httpx.codes.OK, (path, answer.status_code)
    return took[1:], len(answer.content)


async def live(goals: Goals, house: House, server: Server, *, changes: int) -> None:
    secret, url = _session(house.engine), f"http://127.0.0.1:{server.port}"
    limits, timeout = httpx.Limits(max_connections=None), httpx.Timeout(30, read=None)
    looked_at = ["/", "/tasks", "/workers", "/repositories"]
    async with httpx.AsyncClient(base_url=url, cookies={_COOKIE: secret}, limits=limits, timeout=timeout) as client:
        others = [asyncio.create_task(_look(client, path)) for path in islice(cycle(looked_at), _OTHERS)]
        late = [await _change(client, house.engine, number) for number in range(changes)]
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    late.sort()
    nearly_all = late[len(late) * 95 // 100]
    row: list[object] = [f"{changes} changes, {_OTHERS} other windows", statistics.median(late), nearly_all, late[-1]]
    table("From the commit of a change to the page, s", ["", "median", "95 %", "worst"], [row])
    goals.at_most("dashboard_live_95_percent", nearly_all, _LATEST_SECONDS, "s")


async def _look(client: httpx.AsyncClient, path: str) -> None:
    """Look at a page as a browser does, until one is told to stop."""
    async with client.stream("GET", "/live", params={"page": path}) as stream:
        async for _ in stream.aiter_bytes():
            pass


async def _change(client: httpx.AsyncClient, engine: Engine, number: int) -> float:
    """Cancel a task while its page is looked at; return the seconds from the commit to the event that says so."""
    handle = await asyncio.to_thread(engine.enqueue, noop_tasks.nothing, number, not_before=timedelta(days=1))
    async with client.stream("GET", "/live", params={"page": f"/tasks/{handle.task_id}"}) as stream:
        lines = stream.aiter_lines()
        async for line in lines:
            if line.startswith("data:"):  # the page as it is
                break
        committed = time.perf_counter()
        await asyncio.to_thread(engine.tasks.cancel, handle.task_id)
        async for line in lines:
            if line.startswith("data:") and "canceled" in line:
                return time.perf_counter() - committed
    raise AssertionError("the stream ended before it told of the change")


def _session(engine: Engine) -> str:
    """Log in, and return the secret that the browser's cookie holds."""
    secret, _ = engine.access.begin_session(LOGIN, PASSWORD, address=None, agent="benchmark")
    return secret


if __name__ == "__main__":
    raise SystemExit(main())
