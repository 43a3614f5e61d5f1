"""`entrepot deploy …`: ask for deploys, look at them, watch, cancel and repeat them.

What is printed of one is in `deploy_words`, how it is followed in `deploy_following`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.options import TimeoutOption
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.sync import RepositoryId
from entrepot.errors import InvalidValue, MissingResource

if TYPE_CHECKING:
    from entrepot.client import Client
    from entrepot.engine import Engine
    from entrepot.propagation import DeployReport

app = typer.Typer(
    help="Bring publications to the servers at the edge; which those are: entrepot edge --help",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_LARGEST = 2**63 - 1
DeployId = Annotated[
    int,
    typer.Argument(metavar="DEPLOY", min=1, max=_LARGEST, autocompletion=completion.deploys, help="The number of the deploy."),
]
LatestDeployId = Annotated[
    int | None,
    typer.Argument(
        metavar="[DEPLOY]",
        min=1,
        max=_LARGEST,
        autocompletion=completion.deploys,
        show_default=False,
        help="The number of the deploy; the newest.",
    ),
]
_DistributorOption = Annotated[
    str | None,
    typer.Option(
        "--distributor-id",
        metavar="ID",
        autocompletion=completion.distributors,
        help="The distributor; may be left out if only one deploys.",
    ),
]
_MessageOption = Annotated[str | None, typer.Option("--message", "-m", metavar="TEXT", help="What is said of the deploy.")]
_BackgroundOption = Annotated[bool, typer.Option("--background", help="Print the deploy's number and return at once.")]
_PopOption = Annotated[
    str | None,
    typer.Option("--pop", metavar="POP", autocompletion=completion.pops, help="Only servers of this POP, by name or number."),
]


class Environment(StrEnum):
    """What a deploy counts as."""

    PRODUCTION = "production"
    STAGING = "staging"


class State(StrEnum):
    """How far a deploy has got."""

    NEW = "new"
    PROPAGATING = "propagating"
    PROPAGATED = "propagated"
    FAILED = "failed"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"


@app.command()
def start(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    distributor_id: _DistributorOption = None,
    message: _MessageOption = None,
    background: _BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Deploy what a repository serves now.

    It waits until all servers have it, showing how far it has got; Ctrl-C stops the waiting, not the deploy.

    Example: entrepot deploy start zoo -m "Spring issue"
    """
    _start(Session.of(ctx), repository_id, distributor_id, None, message, background=background, timeout=timeout)


@app.command("roll-back")
def roll_back(
    ctx: typer.Context,
    repository_id: RepositoryId,
    revision: Annotated[
        int, typer.Argument(metavar="REVISION", min=1, max=_LARGEST, help="The publication; see PUBLICATION in `deploy list`.")
    ],
    *,
    distributor_id: _DistributorOption = None,
    message: _MessageOption = None,
    background: _BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Deploy an earlier publication again.

    Only what differs is transferred. It waits as `deploy start` does.

    Example: entrepot deploy roll-back zoo 3
    """
    _start(Session.of(ctx), repository_id, distributor_id, revision, message, background=background, timeout=timeout)


@app.command("list")
def list_deploys(
    ctx: typer.Context,
    *,
    repository: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", autocompletion=completion.repositories, help="Only deploys of this repository; may be repeated."
        ),
    ] = None,
    distributor_id: Annotated[str | None, typer.Option(metavar="ID", help="Only deploys of this distributor.")] = None,
    environment: Annotated[Environment | None, typer.Option(help="Only deploys to this environment.")] = None,
    state: Annotated[list[State] | None, typer.Option(help="Only deploys in this state; may be repeated.")] = None,
    before: Annotated[
        int | None, typer.Option(metavar="DEPLOY", min=1, max=_LARGEST, help="Only deploys older than this one.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=_LARGEST, help="How many deploys to print.")] = 20,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print deploys, the newest first.

    Example: entrepot deploy list --repository zoo --state failed
    """
    from entrepot.cli.deploy_words import NO_DEPLOYS, share_text, took
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.edges.list_deploys(
            repository_ids=repository or None,
            distributor_id=distributor_id,
            environment=None if environment is None else environment.value,
            states=[one.value for one in state] if state else None,
            before=before,
            limit=limit,
        )
    if session.as_json:
        write_json(reports)
        return
    rows = [
        (
            one.deploy_id,
            one.state,
            f"{one.repository_id}/{one.distributor_id}",
            one.revision,
            f"{one.done:,}/{one.servers:,}",
            share_text(one.done, one.servers),
            one.failed or "",
            one.created,
            took(one),
            "" if one.environment == "production" else one.environment,
            one.reason or one.message or "",
        )
        for one in reports
    ]
    columns = ("DEPLOY#", "STATE", "WHAT", "PUBLICATION#", "SERVERS#", "DONE#", "FAILED#", "CREATED", "TOOK#", "TO", "NOTE")
    write_table(columns, rows, flexible="NOTE", empty=NO_DEPLOYS)


@app.command()
def show(
    ctx: typer.Context,
    deploy_id: LatestDeployId = None,
    *,
    pop: _PopOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print how far a deploy has got in each POP.

    And what goes wrong on which server.

    Without a number it is the newest one. With --pop it prints every server of that POP.

    Example: entrepot deploy show 12 --pop "Europe : Berlin"
    """
    from entrepot.cli.deploy_words import write_deploy, write_pushes
    from entrepot.cli.output import as_document, write_json

    session = Session.of(ctx)
    with session.service() as engine:
        report = _find(engine, deploy_id)
        pushes = engine.edges.list_pushes(report.deploy_id, pop_id=None if pop is None else _pop_id(report, pop))
    if session.as_json:
        document = as_document(report)
        assert isinstance(document, dict)  # noqa: S101 - a report is an object
        write_json({**document, "pushes": pushes})
    elif pop is None:
        write_deploy(report, pushes)
    else:
        write_pushes(pushes)


@app.command()
def watch(
    ctx: typer.Context,
    deploy_id: LatestDeployId = None,
    *,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Show how far a deploy has got until it has ended.

    Without a number it is the newest one. The exit code tells how it ended: 0 if all servers have it, 4 if it was canceled,
    else 1.

    Example: entrepot deploy watch 12
    """
    from entrepot.cli.deploy_following import follow_deploy

    session = Session.of(ctx)
    with session.service() as engine:
        follow_deploy(engine, _find(engine, deploy_id), timeout, as_json=session.as_json)


@app.command()
def cancel(ctx: typer.Context, deploy_id: DeployId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Cancel a deploy that is under way.

    Servers that have it keep it; push-again goes on with the others.

    Example: entrepot deploy cancel 12
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.edges.cancel(deploy_id)
    if session.as_json:
        write_json(report)
    else:
        write_line(f"Canceled deploy {deploy_id}; {report.done:,} of {report.servers:,} servers have it.")


@app.command("push-again")
def push_again(
    ctx: typer.Context,
    deploy_id: DeployId,
    *,
    pop: _PopOption = None,
    server: Annotated[
        int | None, typer.Option(metavar="SERVER", min=1, max=_LARGEST, help="Only this server, by its number.")
    ] = None,
    background: _BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Push again where a deploy failed or was canceled.

    All of them, those of a POP, or one. It waits as `deploy start` does.

    Example: entrepot deploy push-again 12 --pop "Europe : Berlin"
    """
    from entrepot.cli.deploy_following import start_deploy

    session = Session.of(ctx)
    with session.service() as engine:
        pop_id = None if pop is None else _pop_id(engine.edges.get_deploy(deploy_id), pop)
        report = engine.edges.push_again(deploy_id, pop_id=pop_id, server_id=server)
        start_deploy(engine, report, timeout, background=background, as_json=session.as_json)


def _start(
    session: Session,
    repository_id: str,
    distributor_id: str | None,
    revision: int | None,
    message: str | None,
    *,
    background: bool,
    timeout: float | None,
) -> None:
    from entrepot.cli.deploy_following import start_deploy

    with session.service() as engine:
        chosen = _deploying(engine, repository_id) if distributor_id is None else distributor_id
        report = engine.edges.request_deploy(repository_id, chosen, revision=revision, message=message)
        start_deploy(engine, report, timeout, background=background, as_json=session.as_json)


def _deploying(engine: Engine | Client, repository_id: str) -> str:
    """Return the only distributor of a repository that deploys: one that copies another, its `source`.

    Raises `MissingResource` if there is none, `InvalidValue` if there are several.
    """
    report = engine.repositories.get(repository_id).report()
    found = [one.distributor_id for one in report.distributors if "source" in one.config]
    if not found:
        raise MissingResource(distributor=f"one of repository {repository_id} that deploys, such as edge_distributor")
    if len(found) > 1:
        raise InvalidValue("--distributor-id", why=f"several of {repository_id} deploy; name one of {', '.join(found)}")
    return found[0]


def _find(engine: Engine | Client, deploy_id: int | None) -> DeployReport:
    """Return the deploy of that number, or the newest; raises `MissingResource`."""
    if deploy_id is not None:
        return engine.edges.get_deploy(deploy_id)
    newest = engine.edges.list_deploys(limit=1)
    if not newest:
        raise MissingResource(deploy="the newest")
    return newest[0]


def _pop_id(report: DeployReport, which: str) -> int:
    """Return the number of a POP that a deploy goes to, by its name or number; raises `MissingResource`."""
    found = [one.pop_id for one in report.pops if which in (one.name, str(one.pop_id))]
    if not found:
        raise MissingResource(pop=which)
    return found[0]
