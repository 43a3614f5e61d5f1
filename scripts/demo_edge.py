"""The edge part of the demo: a publication goes to a dozen POPs, and the three status facades tell how far it has got.

The servers are folders on this disk, but for two: one in Vienna is reached by HTTP PUT and takes its time for each file, and
one in São Paulo is down until it is brought back. The facades are asked while the publication propagates, when the deploy has
failed, and when `push-again` has completed it.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from demo_stage import Content, Demo, ask, check, say

from entrepot import Engine

#: POPs, and how many folders are servers there.
POPS = {
    "Africa : Johannesburg": 2,
    "Asia : Hong Kong": 3,
    "Asia : Osaka": 1,
    "Asia : Tokyo (TYA)": 2,
    "Asia : Tokyo (TYB)": 1,
    "Europe : Frankfurt": 4,
    "Europe : Vienna": 1,
    "Europe : Zürich": 3,
    "North America : Chicago": 2,
    "North America : Los Angeles": 1,
    "Oceania : Sydney": 2,
    "South America : São Paulo": 0,
}
SLOW, DOWN = "Europe : Vienna", "South America : São Paulo"
#: Seconds that the slow server takes for each file.
SLOW_SECONDS = 0.002
#: Seconds between two questions about a deploy; the Edgecast facade allows one a second.
PAUSE_SECONDS = 1.0
ALL = 100.0  # per cent
#: POPs that are named in one line, at most.
FEW = 3
#: Which of the answers to a watcher is shown whole.
SHOWN_ANSWER = 2
#: Seconds that an answer of the Pugpig facade may be old.
PUGPIG_AGE_SECONDS = 5.0


def deploy_to_edges(demo: Demo, engine: Engine, content: Content) -> None:
    """Deploy what `source` serves to a dozen POPs, watch it through the facades, and mend what has failed."""
    edge = Edge(demo.folder / "edge")
    say(f"Deploy to {len(POPS)} POPs with {edge.size} servers; one is slow, and one is down")
    edge.add_servers(demo)
    facades = open_facades(demo)
    facades.deploy_id = int(demo.keep("DEPLOY", "deploy", "start", "source", "--message", "From the demo", "--background"))
    propagate(engine, edge, facades)
    say("One server is down, so the deploy has failed: what is told, and why")
    show_failure(demo, facades)
    say("The server is back: push again to those that failed")
    edge.bring_back()
    demo.run("deploy", "push-again", str(facades.deploy_id))
    show_success(facades)
    held = list(edge.held())
    check(len(held) == edge.size, f"there are {edge.size} servers", shown=False)
    check(all(one == content for one in held), f"each server holds all {len(content)} files, with the digests of the feed")


def propagate(engine: Engine, edge: Edge, facades: Facades) -> None:
    """Ask the facades until the deploy has ended."""
    facades.edgecast_status()
    facades.livingdocs()
    check(facades.pugpig("progress.json")["actions"], "Pugpig's progress tells what goes on")
    facades.pugpig("completed.json")
    seen = facades.watch()
    check(any(0 < one < ALL for one in seen), f"Edgecast's percentage rose from {seen[0]} to {seen[-1]}, and never fell")
    report = engine.edges.get_deploy(facades.deploy_id)
    came_to = (report.state, report.servers, report.done, report.failed)
    check(came_to == ("failed", edge.size, edge.size - 1, 1), "every server has it but the one that is down")


def show_failure(demo: Demo, facades: Facades) -> None:
    """Show how each of the three says that a deploy has failed."""
    demo.run("deploy", "show", str(facades.deploy_id))
    failed = (HTTPStatus.BAD_REQUEST, {"Message": "Deploy request failed"})
    check(facades.edgecast_status() == failed, "Edgecast's status knows no word for it, and answers 400")
    check(facades.edgecast_request()["state"] == "rejected", "its deploy request says rejected, and why")
    check(facades.pugpig("completed.json")["actions"][0]["state"] == "failed", "Pugpig's newest completed action failed")
    facades.pugpig_activity()


def show_success(facades: Facades) -> None:
    """Show how each of the three says that all servers have it."""
    _, document = facades.edgecast_status()
    told = (document.get("Status"), document.get("Percent_propagated"))
    check(told == ("propagated", ALL), "Edgecast tells: propagated, 100.0")
    events = [event["eventType"] for event in facades.livingdocs()]
    check(events == ["publish"], "Livingdocs tells of one document that was published, once")
    facades.wait_for_news_of_pugpig()
    check(facades.pugpig("progress.json")["actions"] == [], "Pugpig's progress tells that nothing goes on")
    check(facades.pugpig("completed.json")["actions"][0]["state"] == "success", "Pugpig's newest completed action succeeded")


class Edge:
    """The servers: folders, and two that take files over HTTP."""

    def __init__(self, root: Path) -> None:
        """Make the folders below `root`, and start the slow server."""
        self._folders = {
            pop: [root / f"{pop.rpartition(' : ')[2].replace(' ', '-').lower()}-{number}" for number in range(1, count + 1)]
            for pop, count in POPS.items()
        }
        self._slow = PutServer(root / "vienna-slow", pause_seconds=SLOW_SECONDS)
        self._down = PutServer(root / "são-paulo-1")
        for folder in self._all_folders():
            folder.mkdir(parents=True)
        self._slow.start()

    @property
    def size(self) -> int:
        """How many servers there are."""
        return sum(POPS.values()) + 2

    def add_servers(self, demo: Demo) -> None:
        """Tell the engine of them: of one POP by commands, of the others over REST, which takes less time."""
        demo.run("edge", "pop", "add", SLOW)
        demo.run("edge", "server", "add", SLOW, *map(str, self._folders[SLOW]), self._slow.url)
        token = demo.keep("TOKEN", "token", "create", "admin", "demo")
        print()
        for pop, folders in self._folders.items():
            if pop != SLOW:
                made = demo.post("edge/pops/", {"name": pop}, token)
                urls = [*map(str, folders), *([self._down.url] if pop == DOWN else [])]
                demo.post("edge/servers/", {"pop_id": made["pop_id"], "urls": urls}, token)

    def bring_back(self) -> None:
        """Start the server that was down."""
        self._down.start()

    def held(self) -> Iterator[Content]:
        """Yield what each server holds of the publication, without its manifest, and by the names of the feed."""
        for folder in self._all_folders():
            yield read_back(folder / "source" / "edges" / "current")
        yield read_back(self._slow.folder / "source" / "edges")
        yield read_back(self._down.folder / "source" / "edges")

    def _all_folders(self) -> list[Path]:
        return [folder for folders in self._folders.values() for folder in folders]


class PutServer:
    """A web server on loopback that keeps what is PUT to it; one that was not started yet is down."""

    def __init__(self, folder: Path, *, pause_seconds: float = 0) -> None:
        """Keep a port for it, and the files below `folder`; each file takes `pause_seconds`."""
        folder.mkdir(parents=True)
        self.folder = folder
        handler = partial(_PutHandler, pause_seconds, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler, bind_and_activate=False)
        self._server.server_bind()  # nobody listens yet, and nobody else can
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def start(self) -> None:
        """Listen."""
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


class _PutHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the library writes head and body apart; each answer would wait 40 ms for the other

    def __init__(self, pause_seconds: float, *arguments: object, **options: object) -> None:
        self._pause_seconds = pause_seconds
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # the library's own arguments

    def do_OPTIONS(self) -> None:
        self._answer(HTTPStatus.NO_CONTENT)

    def do_PUT(self) -> None:
        time.sleep(self._pause_seconds)
        place = Path(self.translate_path(self.path))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(self.rfile.read(int(self.headers["content-length"])))
        self._answer(HTTPStatus.CREATED)

    def do_DELETE(self) -> None:
        Path(self.translate_path(self.path)).unlink(missing_ok=True)
        self._answer(HTTPStatus.NO_CONTENT)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@dataclass
class Facades:
    """The three facades, and the tokens to ask them with."""

    address: str
    edgecast_token: str
    livingdocs_token: str
    pugpig_token: str
    deploy_id: int = 0  # none yet
    pugpig_asked: float = 0.0  # by the monotonic clock

    def watch(self) -> list[float]:
        """Ask Edgecast's status until the deploy has ended; return the percentages, which must never fall."""
        seen = [0.0]
        status, document = self.edgecast_status(is_shown=False)
        while status == HTTPStatus.OK and document["Status"] != "propagated":
            percent = document["Percent_propagated"]
            check(percent >= seen[-1], f"{percent} % follows {seen[-1]} %", shown=False)
            seen.append(percent)
            behind = [pop["name"] for pop in document.get("Pops", []) if pop["percentage_propagated"] < ALL]
            shown = ", ".join(behind) if len(behind) <= FEW else f"{len(behind)} POPs"
            print(f"  {document['Status']}, {percent} %; not yet everywhere: {shown}", flush=True)
            time.sleep(PAUSE_SECONDS)
            status, document = self.edgecast_status(is_shown=len(seen) == SHOWN_ANSWER)
        return seen

    def edgecast_status(self, *, is_shown: bool = True) -> tuple[int, Any]:
        """Return how far the deploy has got, as Edgecast tells it."""
        path = f"/v2/mcc/customers/0001/rulesv4/{self.deploy_id}/status"
        status, body = self._ask(path, "TOK:", "EDGECAST", self.edgecast_token, is_shown=is_shown)
        return status, json.loads(body)

    def edgecast_request(self) -> dict[str, Any]:
        """Return the deploy request."""
        path = f"/rules-engine/v1.1/deploy-requests/{self.deploy_id}"
        document: dict[str, Any] = json.loads(self._require(path, "TOK:", "EDGECAST", self.edgecast_token))
        return document

    def livingdocs(self) -> list[dict[str, Any]]:
        """Return the events of publications."""
        path = "/api/v1/publicationEvents?id.gt=0"
        document: list[dict[str, Any]] = json.loads(self._require(path, "Bearer ", "LIVINGDOCS", self.livingdocs_token))
        return document

    def pugpig(self, name: str) -> dict[str, Any]:
        """Return one of the monitoring documents."""
        document: dict[str, Any] = json.loads(self._require(self._pugpig_path(name), "Bearer ", "PUGPIG", self.pugpig_token))
        self.pugpig_asked = time.monotonic()
        return document

    def pugpig_activity(self) -> None:
        """Ask for the log of the publication, which is text for people."""
        self._require(self._pugpig_path("activity"), "Bearer ", "PUGPIG", self.pugpig_token)

    def wait_for_news_of_pugpig(self) -> None:
        """Wait until what it told last is no longer told."""
        time.sleep(max(0.0, self.pugpig_asked + PUGPIG_AGE_SECONDS - time.monotonic()))

    def _pugpig_path(self, name: str) -> str:
        return f"/pugpig/acme/publication/tree/addon/main.tree.acme/{name}"

    def _require(self, path: str, form: str, variable: str, token: str) -> bytes:
        """Ask as `_ask` does; an answer other than 200 ends the demo."""
        status, body = self._ask(path, form, variable, token)
        check(status == HTTPStatus.OK, f"{path} answers 200, not {status}", shown=False)
        return body

    def _ask(self, path: str, form: str, variable: str, token: str, *, is_shown: bool = True) -> tuple[int, bytes]:
        """Ask, showing what was typed and answered, and return the status and the body."""
        url = f"{self.address}{path}"
        if is_shown:
            print(f'\n$ curl -s -H "Authorization: {form}${variable}" {shlex.quote(url)}', flush=True)
        status, body = ask(url, {"Authorization": f"{form}{token}"})
        if is_shown:
            print(body.decode().rstrip(), flush=True)
        return status, body


def open_facades(demo: Demo) -> Facades:
    """Add the distributor that deploys, and let an account of each facade see it."""
    source = "source/edges"
    config = ("--config", "source=web")
    demo.run("repo", "distributor", "add", "source", "edge_distributor", "--distributor-id", "edges", *config)
    demo.run("facade", "edgecast", "account", "add", "0001", "--source", source)
    scopes = ("--scope", "status", "--scope", "deploy")
    edgecast = demo.keep("EDGECAST", "facade", "edgecast", "token", "rotate", "0001", *scopes)
    demo.run("facade", "livingdocs", "project", "add", "12", "--document-type", "iso=article")
    demo.run("facade", "livingdocs", "channel", "set", "12", "edges", "--source", source)
    livingdocs = demo.keep("LIVINGDOCS", "facade", "livingdocs", "token", "add", "12", "demo")
    demo.run("facade", "pugpig", "account", "add", "acme")
    demo.run("facade", "pugpig", "publication", "set", "acme", "tree", source)
    pugpig = demo.keep("PUGPIG", "facade", "pugpig", "token", "add", "acme", "tree", "demo")
    return Facades(demo.address, edgecast, livingdocs, pugpig)


def read_back(folder: Path) -> Content:
    """Return the digests of the files below `folder`, without the manifest of the publication."""
    files = (path for path in folder.rglob("*") if path.is_file() and path != folder / "PULP_MANIFEST")
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
