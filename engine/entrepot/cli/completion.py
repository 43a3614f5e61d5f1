"""What the shell may complete a word to: ids, names and states, of the engine of this machine or of the server that is named.

Quick and silent: whatever goes wrong there is nothing to offer. Nothing is made, no password is asked for. The rows are
read by the drivers themselves, read-only, and servers asked by plain HTTP, since the engine or the client would take longer
to import than a person waits for a key; `program` reads the words, and the shell's script is typer's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from entrepot.cli.remote import Remote

Offers: TypeAlias = list[tuple[str, str]]
Completer: TypeAlias = "Callable[[typer.Context, str], Offers]"

#: Set by the shell's script. While it is, nothing but what is offered may be printed.
VARIABLE = "_ENTREPOT_COMPLETE"
#: States of tasks; source: `entrepot.tasking.STATES`, which is not imported for the sake of time.
TASK_STATES = ("waiting", "accepted", "running", "suspended", "finished", "error", "canceled", "skipped")
#: Seconds that a server is waited for.
_PATIENCE_SECONDS = 0.2
#: How much is offered at most.
_TASKS = 40
_MOST = 200
#: An older task is named by its id: no more rows than these are read to find one.
_NEWEST = 2_000
_LARGEST_ANSWER = 4_000_000
_API = "/pulp/api/v2/"


def is_completing() -> bool:
    """Say whether the shell asks, and no person."""
    return VARIABLE in os.environ


def repositories(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer repositories, with what they are called to people."""
    query = "SELECT repository_id, display_name FROM repository WHERE repository_id LIKE ? ORDER BY repository_id"
    return _offers(ctx, incomplete, query, "repositories/", lambda one: (one["id"], one["display_name"]))


def distributors(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the distributors of the repository that was named before, with their types."""
    repository = ctx.params.get("repository_id") or next(iter(ctx.args), None)  # there while an option lacks its value
    if not isinstance(repository, str):
        return []
    query = (
        "SELECT d.distributor_id, d.distributor_type_id FROM distributor d JOIN repository r ON r.id = d.repository "
        "WHERE d.distributor_id LIKE ? AND r.repository_id = ? ORDER BY d.distributor_id"
    )
    path = f"repositories/{_quoted(repository)}/distributors/"
    return _offers(ctx, incomplete, query, path, lambda one: (one["id"], one["distributor_type_id"]), repository)


def tasks(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the newest tasks, with their states and what they do."""
    newest = f"SELECT id, task_id, state, task_type, tags FROM task ORDER BY id DESC LIMIT {_NEWEST}"
    query = f"SELECT task_id, state, task_type, tags FROM ({newest}) AS newest WHERE task_id LIKE ? ORDER BY id DESC"
    return _offers(
        ctx,
        incomplete,
        query,
        f"tasks/?newest={_TASKS}",
        lambda one: (one["task_id"], one["state"], one["task_type"], one["tags"]),
        most=_TASKS,
        describe=_about_task,
    )


def groups(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the newest groups of tasks."""
    query = "SELECT group_id FROM task_group WHERE group_id LIKE ? ORDER BY id DESC"
    return _offers(ctx, incomplete, query, f"task_groups/?limit={_TASKS}", lambda one: (one["group_id"],), most=_TASKS)


def schedules(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer schedules, with when they run."""
    query = "SELECT schedule_id, schedule FROM schedule WHERE schedule_id LIKE ? ORDER BY schedule_id"
    return _offers(ctx, incomplete, query, "schedules/", lambda one: (one["_id"], one["schedule"]))


def workers(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer workers, with their hosts."""
    query = "SELECT name, host FROM worker WHERE name LIKE ? ORDER BY name"
    return _offers(ctx, incomplete, query, "workers/", lambda one: (one["name"], one["host"]))


def hosts(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the hosts of workers."""
    query = "SELECT DISTINCT host FROM worker WHERE host LIKE ? ORDER BY host"
    return _offers(ctx, incomplete, query, "workers/", lambda one: (one["host"],))


def deploys(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the newest deploys, with their states."""
    query = "SELECT CAST(id AS TEXT), state FROM deploy WHERE CAST(id AS TEXT) LIKE ? ORDER BY id DESC"
    return _offers(ctx, incomplete, query, "edge/deploys/", lambda one: (str(one["id"]), one["state"]), most=_TASKS)


def pops(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer POPs."""
    query = "SELECT name FROM pop WHERE name LIKE ? ORDER BY name"
    return _offers(ctx, incomplete, query, "edge/pops/", lambda one: (one["name"],))


def users(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer logins, with the names of their users."""
    query = "SELECT login, name FROM user_account WHERE login LIKE ? ORDER BY login"
    return _offers(ctx, incomplete, query, "users/", lambda one: (one["login"], one["name"]))


def roles(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer roles, with what they are called to people."""
    query = "SELECT role_id, display_name FROM role WHERE role_id LIKE ? ORDER BY role_id"
    return _offers(ctx, incomplete, query, "roles/", lambda one: (one["id"], one["display_name"]))


def importer_types(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the types of importers that are installed."""
    return _plugins(ctx, incomplete, "importers")


def distributor_types(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the types of distributors that are installed."""
    return _plugins(ctx, incomplete, "distributors")


def profiles(ctx: typer.Context, incomplete: str) -> Offers:  # noqa: ARG001 - all completers are called alike
    """Offer profiles, with their servers."""
    try:
        from entrepot.cli.profiles import list_profiles

        return _beginning(((name, remote.url) for name, remote in list_profiles().items()), incomplete)
    except Exception:  # noqa: BLE001 - silent, whatever it is
        return []


def task_states(ctx: typer.Context, incomplete: str) -> Offers:  # noqa: ARG001 - as above
    """Offer the states of tasks."""
    return _beginning(((state,) for state in TASK_STATES), incomplete)


def operations(ctx: typer.Context, incomplete: str) -> Offers:  # noqa: ARG001 - as above
    """Offer the operations that can be granted."""
    return _beginning(((name,) for name in ("create", "read", "update", "delete", "execute")), incomplete)


def _offers(
    ctx: typer.Context,
    incomplete: str,
    query: str,
    path: str,
    read: Callable[[Any], tuple[Any, ...]],
    *values: str,
    most: int = _MOST,
    describe: Callable[[tuple[Any, ...]], str] | None = None,
) -> Offers:
    """Return what begins with `incomplete`: rows of `query`, or what `read` finds in each item of a server's answer."""
    try:
        remote = _remote(ctx)
        if remote is None:
            rows = _rows(ctx, f"{query} LIMIT {most}", (f"{_literal(incomplete)}%", *values))
        else:
            rows = list(map(read, _answer(remote, path)))
        return _beginning(rows, incomplete, describe)[:most]
    except Exception:  # noqa: BLE001 - silent, whatever it is: there is nobody to tell
        return []


def _beginning(
    rows: Iterable[tuple[Any, ...]], incomplete: str, describe: Callable[[tuple[Any, ...]], str] | None = None
) -> Offers:
    """Return each value once that begins so, with what is said of it."""
    found: dict[str, str] = {}
    for row in rows:
        if str(row[0]).startswith(incomplete):
            found.setdefault(str(row[0]), describe(row) if describe else str((*row, None)[1] or ""))
    return [(value, " ".join(said.split())) for value, said in found.items()]


def _about_task(row: tuple[Any, ...]) -> str:
    """Return the state of a task and what it does: `running sync zoo`."""
    import json

    _, state, task_type, tags = row
    named = json.loads(tags) if isinstance(tags, str) else tags
    repository = next((tag.rpartition(":")[2] for tag in named if tag.startswith("pulp:repository:")), "")
    return f"{state} {task_type.rpartition('.')[2]} {repository}"


def _remote(ctx: typer.Context) -> Remote | None:
    """Return the server that the words before name, as the command itself would; raises what that does."""
    given = ctx.find_root().params
    names = ("url", "profile", "token", "user", "ca")
    if given.get("url") is None and given.get("profile") is None:
        return None
    from entrepot.cli.remote import chosen_remote

    return chosen_remote(**{name: given.get(name) for name in names})


def _rows(ctx: typer.Context, query: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
    url = _database_url(ctx)
    if url.startswith("sqlite:///"):
        import sqlite3

        connection = sqlite3.connect(f"file:{_quoted(url.removeprefix('sqlite:///'), '/')}?mode=ro", uri=True, timeout=0.1)
        try:
            return connection.execute(query.replace(" LIKE ?", r" LIKE ? ESCAPE '\'"), values).fetchall()
        finally:
            connection.close()
    import psycopg

    with psycopg.connect(url, connect_timeout=1, options="-c statement_timeout=200") as server:
        return server.execute(query.replace("?", "%s").encode(), values).fetchall()


def _database_url(ctx: typer.Context) -> str:
    """Return the address of the database, as `entrepot.settings` finds it; that module takes long to import."""
    import tomllib
    from pathlib import Path

    given = ctx.find_root().params
    data_dir = given.get("data_dir") or os.environ.get("ENTREPOT_DATA_DIR")
    root = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    folder = Path(data_dir) if data_dir else Path(root) / "entrepot"
    config = Path(os.environ.get("ENTREPOT_CONFIG") or folder / "entrepot.toml")
    kept = tomllib.loads(config.read_text(encoding="utf-8")) if config.is_file() else {}
    folder = folder if data_dir else Path(kept.get("data_dir", folder))
    url = given.get("database_url") or os.environ.get("ENTREPOT_DATABASE_URL") or kept.get("database_url")
    return str(url) if url else f"sqlite:///{folder.expanduser().absolute() / 'entrepot.sqlite3'}"


def _answer(remote: Remote, path: str) -> list[Any]:
    """Return the list that a server answers with; who has a login and no password at hand asks for nothing."""
    import base64
    import json
    import ssl
    from urllib.request import Request, urlopen

    token, password = remote.token or os.environ.get("ENTREPOT_TOKEN"), os.environ.get("ENTREPOT_PASSWORD")
    if remote.user is not None:
        if password is None:
            return []
        said = "Basic " + base64.b64encode(f"{remote.user}:{password}".encode()).decode()
    else:
        said = f"Bearer {token}"
    if not remote.url.startswith(("http://", "https://")):
        return []
    address = remote.url.rstrip("/").removesuffix(_API.rstrip("/")) + _API + path
    context = ssl.create_default_context(cafile=remote.ca) if address.startswith("https://") else None
    request = Request(address, headers={"Authorization": said, "Accept": "application/json"})  # noqa: S310 - looked at above
    with urlopen(request, timeout=_PATIENCE_SECONDS, context=context) as answer:  # noqa: S310 - as above
        items: list[Any] = json.loads(answer.read(_LARGEST_ANSWER))
    return items


def _plugins(ctx: typer.Context, incomplete: str, kind: str) -> Offers:
    try:
        remote = _remote(ctx)
        if remote is not None:
            return _beginning(((one["id"], one.get("display_name")) for one in _answer(remote, f"plugins/{kind}/")), incomplete)
        from importlib.metadata import entry_points

        return _beginning(sorted((point.name, "") for point in entry_points(group=f"entrepot.{kind}")), incomplete)
    except Exception:  # noqa: BLE001 - silent, whatever it is
        return []


def _quoted(text: str, safe: str = "") -> str:
    from urllib.parse import quote

    return quote(text, safe=safe)


def _literal(text: str) -> str:
    """Return text as LIKE matches it and nothing else."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
