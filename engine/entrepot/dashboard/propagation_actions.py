"""What is done to a deploy, each after a page that says what will happen: cancel it, push it again, roll back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.dashboard.page import Asked, Page, Redirect, Route, rest_path, whole_number
from entrepot.dashboard.propagation import find_deploy

if TYPE_CHECKING:
    from entrepot.propagation import DeployReport, ServerPush

#: Servers that are counted one by one before a push.
_MOST_COUNTED = 5_000
_TEMPLATE = "propagation_confirm.html"


def ask_cancel(asked: Asked) -> Page:
    """Say what will not be pushed any more."""
    report = find_deploy(asked, "EXECUTE")
    left = report.servers - report.done - report.failed
    said = [
        f"{_servers(left)} will not get it any more; what is being pushed stops.",
        f"{_servers(report.done)} that have it keep it.",
        "It can be pushed again later.",
    ]
    return _confirm(report, f"Cancel deploy {report.deploy_id}", said, "Cancel the deploy", is_danger=True)


def cancel(asked: Asked) -> Redirect:
    """Cancel a deploy."""
    report = asked.engine.edges.cancel(find_deploy(asked, "EXECUTE").deploy_id)
    return Redirect(_page(report), f"Canceled; {report.done:,} of {report.servers:,} servers have it.")


def ask_push_again(asked: Asked) -> Page:
    """Say to how many servers will be pushed."""
    report = find_deploy(asked, "EXECUTE")
    pop_id, server_id = whole_number(asked.asks("pop_id")), whole_number(asked.asks("server_id"))
    undone = asked.engine.edges.list_pushes(
        report.deploy_id, pop_id=pop_id, states=("failed", "canceled"), limit=_MOST_COUNTED + 1
    )
    if server_id is not None:
        undone = [push for push in undone if push.server_id == server_id]
    count = f"more than {_MOST_COUNTED:,} servers" if len(undone) > _MOST_COUNTED else _servers(len(undone))
    where = _where(undone, pop_id)
    what = f"Publication {report.revision} is pushed again to {count} where that failed or was canceled{where}."
    fields = {"pop_id": pop_id, "server_id": server_id}
    said = [what, f"{_servers(report.done)} that have it are left alone."]
    return _confirm(report, f"Push deploy {report.deploy_id} again", said, "Push again", fields=fields)


def push_again(asked: Asked) -> Redirect:
    """Push a deploy again: to all servers where it failed or was canceled, those of a POP, or one."""
    report = find_deploy(asked, "EXECUTE")
    pop_id, server_id = whole_number(asked.given("pop_id")), whole_number(asked.given("server_id"))
    report = asked.engine.edges.push_again(report.deploy_id, pop_id=pop_id, server_id=server_id)
    left = report.servers - report.done - report.failed
    return Redirect(_page(report), f"{_servers(left)} will get it again.")


def ask_roll_back(asked: Asked) -> Page:
    """Say what will be served and pushed."""
    report = find_deploy(asked, "EXECUTE")
    said = [
        f"The distributor {report.distributor_id} of {report.repository_id} serves publication {report.revision} from then on.",
        f"It is pushed to all servers of the network {report.network}, {_servers(report.servers)} when it was deployed before.",
        "Servers get only the files that they do not have.",
    ]
    title = f"Deploy publication {report.revision} again"
    return _confirm(report, title, said, f"Deploy publication {report.revision}")


def roll_back(asked: Asked) -> Redirect:
    """Deploy the publication of an earlier deploy once more."""
    report = find_deploy(asked, "EXECUTE")
    new = asked.engine.edges.request_deploy(
        report.repository_id,
        report.distributor_id,
        revision=report.revision,
        message=f"As deploy {report.deploy_id}",
        requested_by=asked.principal.login,
    )
    return Redirect(_page(new), f"Publication {report.revision} is deployed again.")


def _confirm(
    report: DeployReport,
    title: str,
    said: list[str],
    button: str,
    *,
    fields: dict[str, int | None] | None = None,
    is_danger: bool = False,
) -> Page:
    shown = {name: value for name, value in (fields or {}).items() if value is not None}
    values = {"report": report, "said": said, "button": button, "fields": shown, "is_danger": is_danger}
    return Page(_TEMPLATE, title, values)


def _where(undone: list[ServerPush], pop_id: int | None) -> str:
    return f", in {undone[0].pop}" if undone and pop_id is not None else ""


def _servers(count: int) -> str:
    return f"{count:,} server{'' if count == 1 else 's'}"


def _page(report: DeployReport) -> str:
    return f"/propagation/{report.deploy_id}"


def _place(asked: Asked) -> str:
    return rest_path("/v2/edge/deploys/{deploy_id}/", asked.names)


_ONE = "/propagation/{deploy_id:int}/"
ROUTES = (
    Route("GET", f"{_ONE}cancel", ask_cancel),
    Route("POST", f"{_ONE}cancel", cancel, place=_place),
    Route("GET", f"{_ONE}push-again", ask_push_again),
    Route("POST", f"{_ONE}push-again", push_again, place=_place),
    Route("GET", f"{_ONE}deploy-again", ask_roll_back),
    Route("POST", f"{_ONE}deploy-again", roll_back, place=_place),
)
