"""The main job on real input, end to end, as a user would do it: every line that starts with `$` is a command to type.

A feed is built from the files of this source tree and served on loopback; the engine is started in a temporary folder;
a repository is created, synced, published, read back and compared, synced again unchanged and changed; a worker is killed
in the middle of a sync; and what is published is deployed to a dozen POPs (`demo_edge`). What the parts share is in
`demo_stage`. Ends with exit code 0 only if every check held. `--serve` leaves the engine running.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from demo_edge import deploy_to_edges
from demo_stage import Content, Demo, check, fetch, free_port, say, wait_until

from entrepot import Engine, TaskReport

SOURCE = Path(__file__).resolve().parent.parent
#: Folders of a checkout that are no part of the source tree.
LEFT_OUT = {
    ".git",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
    "__pycache__",
    "dist",
}
#: Seconds that the slow feed takes for each file, so that there is a middle of a sync to kill a worker in.
SLOW_SECONDS = 0.02


class Feed:
    """A folder with a PULP_MANIFEST, served on loopback; counts the files it has sent."""

    def __init__(self, folder: Path) -> None:
        """Serve `folder`; below `/slow/` the same files, slowly."""
        self.folder = folder
        self.sent = 0
        self._server = _Server(("127.0.0.1", 0), partial(_Handler, self, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def write_manifest(self) -> Content:
        """Describe the files as they are now, and return their digests."""
        content, text = {}, io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name != "PULP_MANIFEST"):
            data, name = path.read_bytes(), path.relative_to(self.folder).as_posix()
            content[name] = hashlib.sha256(data).hexdigest()
            writer.writerow([name, content[name], len(data)])
        (self.folder / "PULP_MANIFEST").write_text(text.getvalue(), encoding="utf-8")
        return content


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a worker that is killed resets its connections."""


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the library writes head and body apart; each answer would wait 40 ms for the other

    def __init__(self, feed: Feed, *arguments: object, **options: object) -> None:
        self._feed = feed
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # the library's own arguments

    def do_GET(self) -> None:
        if not self.path.endswith("PULP_MANIFEST"):
            self._feed.sent += 1
            if self.path.startswith("/slow/"):
                time.sleep(SLOW_SECONDS)
        self.path = self.path.removeprefix("/slow")
        super().do_GET()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


def main() -> int:
    """Run the demo."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--serve", action="store_true", help="leave the engine running with the same data")
    arguments.add_argument("--port", type=int, default=0, help="port of the engine (default: a free one)")
    chosen = arguments.parse_args()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="entrepot-demo-"))
    demo = Demo(folder, chosen.port or free_port())
    feed, content = build_feed(folder / "feed")
    say(f"A feed of {len(content)} real files (this source tree), served at {feed.url}")
    demo.show_settings()
    demo.run("init")
    with demo.serving() as server, demo.engine() as engine:
        first_sync(demo, engine, feed, content)
        if chosen.serve:
            return stay(demo, server)
        sync_unchanged(demo, engine, feed)
        published = sync_changed(demo, engine, feed)
        kill_a_worker(demo, engine, feed)
        deploy_to_edges(demo, engine, published)
        show_reports(demo, engine)
    say(f"Every check held. Took {time.monotonic() - began:.1f} s. Everything lies in {folder}")
    print(
        "  data/entrepot.sqlite3  the database: tasks, units, publications\n  data/store/blobs       the bytes, by digest\n"
        "  feed/                  the feed it was mirrored from\n"
        "  edge/                  what the servers at the edge hold\n"
        "Remove the folder when you have seen enough, or play with it:"
        f"\n  ENTREPOT_DATA_DIR={demo.data} .venv/bin/entrepot serve"
    )
    return 0


def build_feed(folder: Path) -> tuple[Feed, Content]:
    """Copy the source tree into a new feed."""

    def left_out(_folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name in LEFT_OUT or name.startswith(".demo")}

    shutil.copytree(SOURCE, folder, ignore=left_out, symlinks=False)
    feed = Feed(folder)
    return feed, feed.write_manifest()


def first_sync(demo: Demo, engine: Engine, feed: Feed, content: Content) -> None:
    """Create a repository, sync, and read everything back."""
    say("Mirror the feed, and publish what came")
    demo.run(
        "repo",
        "create",
        "source",
        "--importer",
        "iso_importer",
        "--feed",
        feed.url,
        "--importer-config",
        "remove_missing=true",
        "--distributor",
        "iso_distributor",
        "--distributor-id",
        "web",
        "--auto-publish",
    )
    demo.run("repo", "sync", "source")
    result = last_sync(engine, "source")
    check(result == (len(content), 0, 0), f"{len(content)} units were added, none updated, none removed")
    compare(demo, "source", content)


def sync_unchanged(demo: Demo, engine: Engine, feed: Feed) -> None:
    """Sync again: nothing to do, nothing downloaded."""
    say("Sync again: nothing has changed")
    sent = feed.sent
    demo.run("repo", "sync", "source")
    check(last_sync(engine, "source") == (0, 0, 0), "0 units were added, updated or removed")
    check(feed.sent == sent, "no file was downloaded")


def sync_changed(demo: Demo, engine: Engine, feed: Feed) -> Content:
    """Change three files of the feed, add two, remove one, and sync; return what is published then."""
    say("Change 3 files of the feed, add 2, remove 1, and sync")
    files = sorted(path for path in feed.folder.rglob("*.py") if path.stat().st_size > 0)
    for path in files[:3]:
        path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    (feed.folder / "new, with a comma.txt").write_text("new", encoding="utf-8")
    (feed.folder / "entrepôt 100%.txt").write_text("neu", encoding="utf-8")
    files[3].unlink()
    content, sent = feed.write_manifest(), feed.sent
    demo.run("repo", "sync", "source")
    check(last_sync(engine, "source") == (2, 3, 1), "2 units were added, 3 updated, 1 removed")
    check(feed.sent - sent == len([*files[:3], "new", "entrepôt"]), "only the 5 new and changed files were downloaded")
    compare(demo, "source", content)
    return content


def kill_a_worker(demo: Demo, engine: Engine, feed: Feed) -> None:
    """SIGKILL the worker that runs a sync, in the middle of it."""
    say("Kill a worker with SIGKILL in the middle of a sync (a slow feed, new files)")
    for number in range(200):
        (feed.folder / f"big-{number:03}.bin").write_bytes(os.urandom(2048))
    content = feed.write_manifest()
    demo.run(
        "repo",
        "create",
        "slow",
        "--importer",
        "iso_importer",
        "--feed",
        f"{feed.url}slow/",
        "--distributor",
        "iso_distributor",
        "--distributor-id",
        "slow-web",
        "--auto-publish",
    )
    sent = feed.sent
    handle = engine.repositories.get("slow").sync()
    wait_until(lambda: feed.sent > sent + 50, "50 files have been downloaded", 30)
    running = handle.report()
    victim = next(worker for worker in engine.workers() if worker.name == running.worker_name)
    print(f"  task {running.task_id} runs in {victim.name} (pid {victim.pid}); kill -9 {victim.pid}", flush=True)
    os.kill(victim.pid, signal.SIGKILL)
    report = handle.wait(40)
    print(f"  finished by {report.worker_name}, attempt {report.attempt}", flush=True)
    check(
        report.worker_name != running.worker_name and report.attempt == running.attempt + 1, "another worker finished the task"
    )
    check(last_sync(engine, "slow") == (len(content), 0, 0), f"all {len(content)} units are there, none twice")
    for task_id in report.spawned:
        engine.tasks.handle(task_id).wait(30)
    check(len(report.spawned) == 1, "it was published once")
    compare(demo, "slow", content)


def show_reports(demo: Demo, engine: Engine) -> None:
    """Show what the engine keeps of all this."""
    say("What the engine keeps of it")
    demo.run("task", "list")
    demo.run("repo", "list")
    demo.run("repo", "history", "source")
    demo.run("repo", "publications", "source", "--distributor-id", "web")
    report: TaskReport = engine.tasks.list(tags=["pulp:repository:slow", "pulp:action:sync"])[0]
    demo.run("task", "show", report.task_id)


def stay(demo: Demo, server: subprocess.Popen[bytes]) -> int:
    """Leave the engine running until Ctrl-C."""
    say("The engine runs with this data. Ctrl-C ends it.")
    print(
        f"  content:  {demo.site}\n  commands: export ENTREPOT_DATA_DIR={demo.data}; .venv/bin/entrepot repo list", flush=True
    )
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0


def compare(demo: Demo, base_path: str, content: Content) -> None:
    """Fetch every published file over HTTP, and the manifest, and compare the digests."""
    manifest = fetch(f"{demo.site}{base_path}/PULP_MANIFEST").decode()
    listed = {name: digest for name, digest, _ in csv.reader(io.StringIO(manifest))}
    served = {name: hashlib.sha256(fetch(f"{demo.site}{base_path}/{quote(name)}")).hexdigest() for name in listed}
    check(listed == content, f"the published manifest lists exactly the {len(content)} files of the feed")
    check(served == content, f"all {len(served)} files, fetched over HTTP, have the digests of the feed")


def last_sync(engine: Engine, repository_id: str) -> tuple[int | None, int | None, int | None]:
    """Return what the last sync added, updated and removed."""
    entry = engine.repositories.get(repository_id).history("sync", limit=1)[0]
    return entry.added_count, entry.updated_count, entry.removed_count


if __name__ == "__main__":
    sys.exit(main())
