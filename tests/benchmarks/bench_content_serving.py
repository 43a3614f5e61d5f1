"""What a published file costs to send, beside nginx: the same files, from the same disk, to the same client, in the same run.

One `entrepot api` process as users start it, everything by default, on SQLite and on PostgreSQL; Debian's nginx as it comes,
with `sendfile`, on a folder of the same files. The load comes from one more process (`http_load`) over loopback; nginx and
engine take turns, and ratios are medians of the rounds' ratios.

* large: files of 10 MB over 4 connections: bytes a second, of nginx's.
* small: files of 1 KiB over 16 connections, another one each time: answers a second.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from api_house import House, Server, new_house, serving
from goals import Goals, arguments, median, table
from http_load import Load, load, request
from measuring_place import measuring_place, settle
from queues.contestants import POSTGRESQL
from queues.servers import servers

from entrepot.testing import drain

#: Files of each kind: more than a connection asks for at once, fewer than the page cache holds.
_LARGE, _SMALL = (8, 10_000_000), (500, 1024)
_PATIENCE_SECONDS = 30


class Bench:
    """Both servers of the same files, and how long and how often to measure."""

    def __init__(self, goals: Goals, name: str, nginx: Server, api: Server) -> None:
        self.goals = goals
        self.name = name
        self._nginx, self._api = nginx, api
        self._rounds, self._seconds = (1, 0.5) if goals.is_quick else (5, 2.0)

    def compare(self, title: str, names: Sequence[str], *, connections: int) -> list[tuple[Load, Load]]:
        """Measure nginx and the engine in turn."""
        requests = {server: [request("GET", f"{folder}/{name}") for name in names] for server, folder in self._folders()}
        for server, folder in self._folders():  # the engine reads each file before it sends it for the first time
            for name in names:
                with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{folder}/{name}") as answer:
                    answer.read()
        pairs, rows = [], []
        for number in range(self._rounds):
            found, cost = {}, {}
            for server, _ in self._folders()[:: 1 if number % 2 == 0 else -1]:
                used = server.cpu_seconds()
                found[server] = load(server.port, requests[server], connections=connections, seconds=self._seconds)
                cost[server] = (server.cpu_seconds() - used) / found[server].answers * 1e6
            peer, mine = found[self._nginx], found[self._api]
            pairs.append((peer, mine))
            megabytes = [one.rate * one.body_bytes / 1e6 for one in (peer, mine)]
            figures = [peer.rate, mine.rate, mine.rate / peer.rate, *megabytes, peer.p99, mine.p99]
            rows.append([f"round {number + 1}", *figures, cost[self._api]])
        heads = ["", "nginx/s", "engine/s", "ratio", "nginx MB/s", "engine MB/s", "nginx p99 ms", "engine p99", "engine CPU us"]
        table(f"{title}, {self.name}", heads, rows)
        return pairs

    def _folders(self) -> list[tuple[Server, str]]:
        return [(self._nginx, ""), (self._api, "/content/files")]


def main() -> int:
    quick = arguments(__doc__).quick
    goals = Goals(is_quick=quick)
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        sys.exit("There is no nginx to measure beside: install Debian's package.")
    with measuring_place() as place, servers({POSTGRESQL}) as running:
        folder = place / "files"
        large, small = make_files(folder, _LARGE), make_files(folder, _SMALL)
        with nginx(program, place / "nginx", folder) as peer:
            for name, url in (("SQLite", ""), ("PostgreSQL", running.urls.get(POSTGRESQL))):
                if url is None:
                    sys.exit(f"There is no PostgreSQL: {running.missing[POSTGRESQL]}")
                with new_house(place, url) as house:
                    publish(house, folder)
                    with serving(house, "-m", "entrepot", "api", "--port", "0") as api:
                        settle()
                        measure(Bench(goals, name, peer, api), large, small)
    return goals.finish()


def measure(bench: Bench, large: Sequence[str], small: Sequence[str]) -> None:
    """Measure on one kind of database."""
    pairs = bench.compare("GET files of 10 MB over 4 connections", large, connections=4)
    ratio = median([mine.rate / peer.rate for peer, mine in pairs])
    bench.goals.at_least(f"{bench.name}: files of 10 MB, of nginx's throughput", ratio, 0.5, "x")
    pairs = bench.compare("GET files of 1 KiB over 16 connections", small, connections=16)
    rate = median([mine.rate for _, mine in pairs])
    bench.goals.at_least(f"{bench.name}: files of 1 KiB", rate, 1500, "requests/s")


def make_files(folder: Path, kind: tuple[int, int]) -> list[str]:
    """Write files of random bytes, and return their names; `kind`: how many, and how large."""
    folder.mkdir(mode=0o755, exist_ok=True)
    count, size = kind
    names = [f"file-{size}-{number:03}.iso" for number in range(count)]
    for name in names:
        (folder / name).write_bytes(secrets.token_bytes(size))
    return names


def publish(house: House, folder: Path) -> None:
    """Sync the files and publish them as `files`."""
    lines = [
        f"{file.name},{hashlib.sha256(file.read_bytes()).hexdigest()},{file.stat().st_size}\n"
        for file in sorted(folder.glob("*.iso"))
    ]
    (folder / "PULP_MANIFEST").write_text("".join(lines))
    house.engine.settings.allowed_file_roots.append(folder)
    repository = house.engine.repositories.create(
        "files",
        importer_type_id="iso_importer",
        importer_config={"feed": f"{folder.as_uri()}/"},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
    )
    handle = repository.sync()
    drain(house.engine)
    assert handle.report().state == "finished", handle.report().error
    assert house.engine.repositories.published("files/PULP_MANIFEST") is not None


@contextmanager
def nginx(program: str, place: Path, folder: Path) -> Iterator[Server]:
    """Run nginx on the files in `folder`."""
    place.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = "".join(f"{kind}_temp_path {place}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.getuid() == 0 else ""
    (place / "nginx.conf").write_text(
        f"{user} worker_processes auto; daemon off; pid {place}/pid; error_log stderr;"
        "events { worker_connections 768; }"
        f"http {{ sendfile on; tcp_nopush on; access_log off; keepalive_requests 100000000; {paths}"
        f"server {{ listen 127.0.0.1:{port}; root {folder}; }} }}"
    )
    process = subprocess.Popen([program, "-p", str(place), "-e", "stderr", "-c", str(place / "nginx.conf")])
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except ConnectionRefusedError:
                continue
        else:
            sys.exit("nginx did not start")
        yield Server(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
