"""What the parts of the demo share: the folder and the engine, typed commands, requests, and checks."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from entrepot import Engine
from entrepot.settings import read_settings

Content = dict[str, str]  # name -> sha256

#: So that the server that is down is given up while one watches.
SETTINGS = {"ENTREPOT_PUSH_RETRIES": "2", "ENTREPOT_PUSH_RETRY_SECONDS": "0.5"}


class Demo:
    """One run: where everything lies, and how to talk to the engine."""

    def __init__(self, folder: Path, port: int) -> None:
        """Work below `folder`, and serve on `port`."""
        self.folder = folder
        self.data = folder / "data"
        self.address = f"http://127.0.0.1:{port}"
        self.site = f"{self.address}/content/"
        self.port = port
        self._settings = {"ENTREPOT_DATA_DIR": str(self.data), **SETTINGS}
        self.environment = {**os.environ, **self._settings, "COLUMNS": os.environ.get("COLUMNS", "140")}

    def show_settings(self) -> None:
        """Show what was exported before the first command."""
        exported = " ".join(f"{name}={shlex.quote(value)}" for name, value in self._settings.items())
        print(f"\n$ export {exported}", flush=True)

    def run(self, *arguments: str) -> None:
        """Run an entrepot command, showing what was typed and what it says; a failure ends the demo."""
        print(f"\n$ entrepot {shlex.join(arguments)}", flush=True)
        code = subprocess.run(self._command(*arguments), env=self.environment, check=False).returncode
        _require_success(code, arguments)

    def keep(self, name: str, *arguments: str) -> str:
        """Run an entrepot command as `name=$(entrepot …)`, showing what was typed, and return what it printed."""
        print(f"\n$ {name}=$(entrepot {shlex.join(arguments)})", flush=True)
        ran = subprocess.run(self._command(*arguments), env=self.environment, stdout=subprocess.PIPE, text=True, check=False)
        _require_success(ran.returncode, arguments)
        return ran.stdout.strip()

    def post(self, path: str, document: dict[str, object], token: str) -> dict[str, Any]:
        """POST a document to the REST API with the token that was kept as TOKEN, and return what was made of it."""
        url, body = f"{self.address}/pulp/api/v2/{path}", json.dumps(document, ensure_ascii=False)
        print(f'$ curl -s -o made -H "Authorization: Bearer $TOKEN" -d {shlex.quote(body)} {url}', flush=True)
        status, answer = ask(url, {"Authorization": f"Bearer {token}"}, body.encode())
        check(status == HTTPStatus.CREATED, f"{path} answers 201, not {status}", shown=False)
        made = json.loads(answer)
        return made if isinstance(made, dict) else {}

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run `entrepot serve` until the block ends."""
        print(f"\n$ entrepot serve --host 127.0.0.1 --port {self.port} &", flush=True)
        command = self._command("serve", "--host", "127.0.0.1", "--port", str(self.port))
        server = subprocess.Popen(command, env=self.environment, start_new_session=True)
        try:
            wait_until(lambda: answers(self.site), "the engine serves", 30)
            yield server
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()

    def engine(self) -> Engine:
        """Return the engine, to read reports from."""
        return Engine(settings=read_settings(data_dir=self.data))

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "entrepot", *arguments]


def fetch(url: str) -> bytes:
    """Return what is served at `url`."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - always our own http address
        data: bytes = answer.read()
        return data


def ask(url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
    """Return the status and the body that `url` answers with, whatever they are; with `body`, to a POST."""
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - always our own http address
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def answers(url: str) -> bool:
    """Return True if something is served at `url`."""
    try:
        return bool(fetch(url))
    except OSError:
        return False


def wait_until(condition: Callable[[], object], what: str, seconds: float) -> None:
    """Wait until `condition()` is true; end the demo if it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < deadline, f"within {seconds:g} s: {what}", shown=False)
        time.sleep(0.02)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def say(text: str) -> None:
    """Print a heading."""
    print(f"\n== {text}", flush=True)


def check(holds: object, what: str, *, shown: bool = True) -> None:
    """Print a check that held; end the demo with exit code 1 at one that did not."""
    if not holds:
        sys.exit(f"FAILED: {what}")
    if shown:
        print(f"  ok: {what}", flush=True)


def _require_success(code: int, arguments: tuple[str, ...]) -> None:
    check(code == 0, f"entrepot {' '.join(arguments[:2])} ended with exit code 0", shown=False)
