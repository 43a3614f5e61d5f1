"""`Client` and `Engine` offer the same names with the same signatures; each exception says why."""

from __future__ import annotations

import inspect
import re

import pytest

from entrepot import client
from entrepot.access import Access
from entrepot.engine import Engine
from entrepot.propagation import Edges
from entrepot.repositories import Contents, Repositories, Repository
from entrepot.schedules import Schedules
from entrepot.tasking import TaskGroup, TaskHandle, Tasks
from entrepot.tenants import Tenants

PAIRS = [
    (Engine, client.Client),
    (Tasks, client.Tasks),
    (TaskHandle, client.TaskHandle),
    (TaskGroup, client.TaskGroup),
    (Repositories, client.Repositories),
    (Repository, client.Repository),
    (Contents, client.Contents),
    (Schedules, client.Schedules),
    (Edges, client.Edges),
    (Tenants, client.Tenants),
    (Access, client.Access),
]
MACHINE = "it is about the machine that the engine runs on"
CALLER = "it joins the caller's transaction, which no request can"
BY_REST = "users, roles and tokens: by REST itself, or on the machine"
AT_THE_DOOR = "a door asks it of each request, and doors run on the machine"
#: What a client lacks, and why.
ABSENT = {
    "Engine": {
        "acting": "a server records by itself who asks",
        "check": MACHINE,
        "database": MACHINE,
        "doorbell": MACHINE,
        "enqueue_many": "no request keeps many tasks, all or none",
        "events": "the facades tell of them",
        "from_settings": MACHINE,
        "initialise": MACHINE,
        "load_tasks": MACHINE,
        "loops": MACHINE,
        "plugins": "plugins are classes; by REST itself they are told of",
        "registry": MACHINE,
        "rescue": MACHINE,
        "settings": MACHINE,
        "store": MACHINE,
        "transaction": CALLER,
        "visit": MACHINE,
        "worker_lost": MACHINE,
    },
    "Tasks": {
        "arguments": "the dashboard asks it, which knows what plugins call their secrets",
        "briefs": "the dashboard asks it, and runs on the machine",
        "cancel_many": "one request cancels a task, with what it spawned, or a group",
        "enqueue_many": "no request keeps many tasks, all or none",
        "iterate": "a list by REST is one document; pages come by `search`",
        "lines_of": "it needs the functions of the task types",
        "list_called": "facades ask it, and they run on the machine",
        "tree": "reports name their parent and what they spawned",
        "purge_many": "one request purges all tasks of some states",
        "page": "the dashboard asks it, and runs on the machine; by REST `list` leads on, by `before`",
    },
    "TaskHandle": {"glance": "it is a row of the database"},
    "TaskGroup": {"add": CALLER, "find_unfinished": "it is a row of the database"},
    "Schedules": {
        "go_round": MACHINE,
        **dict.fromkeys(("count_runs", "last_runs", "runs"), "the dashboard asks it; by REST a schedule's `runs/` tell it"),
        "next_runs": "the dashboard asks it; the list of all schedules tells it as well",
        "page": "the dashboard asks it; by REST the list takes the same parameters",
        "return_to_grid": MACHINE,
    },
    "Edges": {"flipped": "repositories call it, within a transaction", "settle": MACHINE},
    "Tenants": {"authenticate": "facades ask it, and they run on the machine"},
    "Access": {
        **dict.fromkeys(
            ("authenticate_certificate", "authenticate_password", "authenticate_session", "authenticate_token"), AT_THE_DOOR
        ),
        **dict.fromkeys(("acting", "allows", "begin_session", "end_session", "refused", "remembers", "require"), AT_THE_DOOR),
        **dict.fromkeys(("create_user", "delete_user", "get_user", "list_users", "search_users", "update_user"), BY_REST),
        **dict.fromkeys(("create_role", "delete_role", "get_role", "list_roles", "update_role", "users_of_role"), BY_REST),
        **dict.fromkeys(("add_user_to_role", "remove_user_from_role", "create_token", "list_tokens", "revoke_token"), BY_REST),
        **dict.fromkeys(("grant_to_role", "grant_to_user", "permissions", "revoke_from_role", "revoke_from_user"), BY_REST),
        **dict.fromkeys(("authority_file", "ensure_administrator", "issue_certificate"), MACHINE),
        **dict.fromkeys(("forget_ended_sessions", "forget_failed_logins", "prune_audit"), MACHINE),
        "forget_resource": "whoever deletes something does it, within a transaction",
        "grant_creator": "whoever creates something gets it by the door",
    },
    "Repository": {"browse_units": "the dashboard asks it; `search_units` finds the same"},
    "Repositories": {
        "find_published_files": "what is published is served below /content/",
        "overview": "the dashboard asks it; searches and histories tell it as well",
        "published": "what is published is served below /content/",
    },
}
#: What only a client has, and why.
MORE = {
    "Client": {"status": "what a server tells of itself", "url": "where the server is"},
}


def public_names(cls: type) -> set[str]:
    return {name for name in {*vars(cls), *inspect.get_annotations(cls)} if not name.startswith("_")}


def signature(function: object) -> str:
    """Return the signature, without the names of the packages that its types are in, and the caller's own class."""
    return re.sub(r"\b[a-z_.]+\.(?=[A-Z])", "", str(inspect.signature(function)))


@pytest.mark.parametrize(("of_engine", "of_client"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_a_client_has_all_names_of_the_engine_but_those_that_are_explained(of_engine: type, of_client: type) -> None:
    absent = public_names(of_engine) - public_names(of_client)
    more = public_names(of_client) - public_names(of_engine)

    assert absent == set(ABSENT.get(of_engine.__name__, {}))
    assert more == set(MORE.get(of_client.__name__, {}))


@pytest.mark.parametrize(("of_engine", "of_client"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_what_both_have_is_called_alike(of_engine: type, of_client: type) -> None:
    different = {}
    for name in public_names(of_engine) & public_names(of_client):
        pair = [inspect.getattr_static(cls, name, None) for cls in (of_engine, of_client)]
        if all(map(inspect.isfunction, pair)):
            signatures = [signature(one) for one in pair]
            different |= {name: signatures} if signatures[0] != signatures[1] else {}

    assert different == {}


def test_every_exception_says_why() -> None:
    reasons = [reason for names in (*ABSENT.values(), *MORE.values()) for reason in names.values()]

    assert [reason for reason in reasons if len(reason.split()) < 4] == []
