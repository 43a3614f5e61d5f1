"""`entrepot api`: without arguments the HTTP side of the engine alone; with a method and a path one request of the REST API."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli.failures import FAILED, NOT_FOUND, REFUSED, UNAVAILABLE, CommandFailed, Failure
from entrepot.cli.session import Session

if TYPE_CHECKING:
    import httpx

    from entrepot.access import Principal
    from entrepot.cli.remote import Remote
    from entrepot.engine import Engine

HostOption = Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for all.")]
PortOption = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port to listen on; 0 for any free one.")]

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS")
_PREFIX = "/pulp/api"
_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")
_BAD = 400
#: Exit codes by status; those of the same refusals by any other command. All others from 400 on are failures.
_EXIT_CODES = {400: REFUSED, 401: REFUSED, 403: REFUSED, 404: NOT_FOUND, 409: REFUSED, 502: UNAVAILABLE, 503: UNAVAILABLE}


def _methods(incomplete: str) -> list[str]:
    return [method for method in METHODS if method.startswith(incomplete.upper())]


def api(
    ctx: typer.Context,
    method: Annotated[
        str | None,
        typer.Argument(metavar="[METHOD]", autocompletion=_methods, show_default=False, help="GET, POST, PUT, DELETE …"),
    ] = None,
    path: Annotated[
        str | None, typer.Argument(metavar="[PATH]", show_default=False, help="Such as /v2/tasks/, with its query.")
    ] = None,
    *,
    fields: Annotated[
        list[str] | None,
        typer.Option("-f", "--field", metavar="KEY=VALUE", help="A field of the body; of the query for GET. May be repeated."),
    ] = None,
    data: Annotated[
        str | None, typer.Option("-d", "--data", metavar="JSON", help="The body; @FILE reads it from a file, @- from input.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("-H", "--header", metavar="NAME:VALUE", help="A header more; may be repeated.")
    ] = None,
    include: Annotated[bool, typer.Option("-i", "--include", help="Print status and headers of the answer first.")] = False,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8080,
    exit_with_parent: Annotated[bool, typer.Option("--exit-with-parent", help="Stop at the end of standard input.")] = False,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log each request.")] = False,
) -> None:
    """Send one request to the REST API; without METHOD, serve it.

    With METHOD and PATH: one request, of a super user to the engine of this machine, whether it is served or not, or to the
    server of --url or --profile. The answer is printed as it came, on a terminal with JSON indented. A status from 400 on is
    an error, with the exit code of a command that is refused the same.

    Without them: the REST API and content are served over HTTP, and nothing else, until SIGTERM or Ctrl-C (--host, --port,
    --access-log, --exit-with-parent). `serve` runs one; more of them, on other ports or hosts, are the same API.

    Example: entrepot api GET /v2/tasks/

    Example: entrepot api POST /v2/repositories/ -f id=zoo -f display_name=Zoo

    Example: entrepot api --port 8081
    """
    from entrepot.errors import InvalidValue

    session = Session.of(ctx)
    if method is not None:
        if path is None:
            raise InvalidValue("PATH", why="name one, as in: entrepot api GET /v2/tasks/")
        if exit_with_parent or access_log:
            raise InvalidValue("METHOD", why="--exit-with-parent and --access-log are for serving, which takes no METHOD")
        request = _request(method, path, fields=fields or [], data=data, headers=header or [])
        _conclude(_sent(session, request, include=include))
        return
    if lost := [name for name, given in (("-f", fields), ("-d", data), ("-H", header), ("-i", include)) if given]:
        raise InvalidValue(*lost, why="name METHOD and PATH as well: entrepot api GET /v2/tasks/")
    from entrepot.cli.logs import start_logging
    from entrepot.web.server import run_api

    start_logging()
    settings = session.settings()
    raise typer.Exit(run_api(settings, host=host, port=port, exit_with_parent=exit_with_parent, access_log=access_log))


@dataclass(frozen=True, slots=True)
class _Request:
    """One request; `path` begins below the server, query and all."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def _request(method: str, path: str, *, fields: list[str], data: str | None, headers: list[str]) -> _Request:
    """Return what the words of a command line ask for; raises `InvalidValue`."""
    from entrepot.cli.values import pairs
    from entrepot.errors import InvalidValue

    name = method.upper()
    if name not in METHODS:
        raise InvalidValue("METHOD", why=f"{method!r} is none of {', '.join(METHODS)}")
    if fields and data is not None:
        raise InvalidValue("--field", "--data", why="one of them makes the body")
    given, below = pairs(fields, option="--field"), _below(path)
    if fields and name in _WITHOUT_BODY:
        from urllib.parse import urlencode

        below += ("&" if "?" in below else "?") + urlencode([text.partition("=")[::2] for text in fields])
        given = {}
    if data is not None:
        body: bytes | None = _read(data)
    else:
        body = json.dumps(given).encode() if given else None
    named = {} if body is None else {"content-type": "application/json"}
    for text in headers:
        key, colon, value = text.partition(":")
        if not colon or not key.strip() or not text.isprintable():
            raise InvalidValue("--header", why=f"{text!r} is not of the form NAME:VALUE")
        named[key.strip().lower()] = value.strip()
    return _Request(name, below, body, named)


def _read(data: str) -> bytes:
    from entrepot.errors import InvalidValue

    if not data.startswith("@"):
        return data.encode()
    try:
        return sys.stdin.buffer.read() if data == "@-" else Path(data[1:]).read_bytes()
    except OSError as error:
        raise InvalidValue("--data", why=f"{data[1:]} cannot be read: {error.strerror}") from error


def _below(path: str) -> str:
    """Return the whole path of `/v2/tasks/`, `v2/tasks/`, `tasks/` or `/pulp/api/v2/tasks/`; raises `InvalidValue`."""
    from entrepot.errors import InvalidValue

    if "://" in path.partition("?")[0]:
        raise InvalidValue("PATH", why="name the server by --url, and the path alone here: /v2/tasks/")
    rest = path.lstrip("/").removeprefix(_PREFIX.lstrip("/")).lstrip("/")
    return f"{_PREFIX}/{rest if rest.startswith('v2') else f'v2/{rest}'}"


def _sent(session: Session, request: _Request, *, include: bool) -> httpx.Response:
    """Send the request, print the answer as it comes, and return it."""
    if session.remote is not None:
        return _asked(session.remote, request, include=include)
    with session.engine() as engine:
        answer = asyncio.run(_answered(engine, request))
    _write(answer, answer.text, include=include)
    return answer


def _asked(remote: Remote, request: _Request, *, include: bool) -> httpx.Response:
    """Ask a server; an answer that is a stream is printed line by line."""
    with (
        closing(remote.connection()) as connection,
        connection.raw(request.method, request.path, content=request.body, headers=request.headers) as answer,
    ):
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            _write_head(answer, include=include)
            for line in answer.iter_lines():
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
        else:
            answer.read()
            _write(answer, answer.text, include=include)
        return answer


async def _answered(engine: Engine, request: _Request) -> httpx.Response:
    """Return the answer of the engine's own REST app, which is asked by a super user of this machine."""
    import httpx

    from entrepot.readers import Readers
    from entrepot.rest import RestApp

    app = RestApp(engine, Readers(engine), everybody=_super_user(engine))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 0))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(request.method, request.path, content=request.body, headers=request.headers, timeout=None)


def _super_user(engine: Engine) -> Principal:
    """Return the first super user there is: who may read the data folder may do everything."""
    from entrepot.access import SUPER_USERS, Principal

    users = (user for user in engine.access.list_users() if SUPER_USERS in user.roles)
    user = next(users, None)
    if user is None:
        return Principal(0, "admin", (SUPER_USERS,), is_superuser=True, via="local")
    return Principal(user.user_id, user.login, user.roles, is_superuser=True, via="local")


def _write(answer: httpx.Response, text: str, *, include: bool) -> None:
    """Print an answer: as it came, or on a terminal with its JSON indented."""
    from entrepot.cli.output import printable

    _write_head(answer, include=include)
    if not text:
        return
    if sys.stdout.isatty():
        try:
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except ValueError:
            text = printable(text)
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def _write_head(answer: httpx.Response, *, include: bool) -> None:
    if include:
        lines = [f"HTTP {answer.status_code}", *(f"{name}: {value}" for name, value in answer.headers.items())]
        sys.stdout.write("\n".join(lines) + "\n\n")


def _conclude(answer: httpx.Response) -> None:
    """Return if the answer is none of an error; raises `CommandFailed`."""
    if answer.status_code < _BAD:
        return
    try:
        error = json.loads(answer.text)["error"]
        said, code = str(error["description"]), str(error["code"])
    except (ValueError, KeyError, TypeError):
        said, code = answer.reason_phrase or "The server refuses this.", None
    sys.stdout.flush()
    exit_code = _EXIT_CODES.get(answer.status_code, FAILED)
    raise CommandFailed(Failure(f"HTTP {answer.status_code}: {said}", exit_code, code))
