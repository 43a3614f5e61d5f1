"""Deploys, their POPs and servers: what is shown, what is done to them, and who may."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from entrepot import clock
from entrepot.access import Operation
from entrepot.dashboard.propagation_bars import bars
from entrepot.engine import Engine
from entrepot.propagation import DeployReport, PopProgress
from entrepot.testing import drain

from .conftest import HOSTILE, LARGEST_PAGE_BYTES, PASSWORD, Browser

BERLIN, OSAKA = "Europe : Berlin (BER)", "Asia : Osaka"


@pytest.fixture
def deploy(engine: Engine, tmp_path: Path) -> DeployReport:
    """A deploy of `zoo` that failed on one of three servers, all folders: one of the two in Berlin is not there."""
    repository = engine.repositories.create("zoo")
    repository.add_distributor("iso_distributor", None, distributor_id="web")
    repository.add_distributor("edge_distributor", {"source": "web", "retries": 0}, distributor_id="edge")
    repository.publish("web")
    drain(engine)
    for name in ("up", "osaka"):
        (tmp_path / name).mkdir()
    berlin, osaka = (engine.edges.add_pop(name).pop_id for name in (BERLIN, OSAKA))
    engine.edges.add_servers(berlin, [str(tmp_path / "up"), str(tmp_path / "down")])
    engine.edges.add_servers(osaka, [str(tmp_path / "osaka")])
    asked = engine.edges.request_deploy("zoo", "edge", message="spring", requested_by="admin")
    drain(engine)
    return engine.edges.get_deploy(asked.deploy_id)


def make_deploys(engine: Engine, count: int, pops: int, *, servers: int = 1, state: str = "propagating") -> None:
    """Write `count` deploys, each of a distributor of its own, that have not got anywhere."""
    now = clock.now_us()
    names = [f"Region {number % 40:02} {HOSTILE} : Place {number:04} {HOSTILE}" for number in range(pops)]
    with engine.database.transaction(durable=False) as database:
        for deploy_id in range(1, count + 1):
            database.execute(
                "INSERT INTO deploy (id, repository_id, distributor_id, revision, environment, network, state, message, "
                "reason, requested_by, created_at) VALUES (?, 'zoo', ?, 7, 'production', ?, ?, ?, ?, ?, ?)",
                (deploy_id, f"edge-{deploy_id}", HOSTILE, state, HOSTILE, HOSTILE, HOSTILE, now),
            )
            database.executemany(
                "INSERT INTO deploy_pop (deploy, pop, name, server_count) VALUES (?, ?, ?, ?)",
                [(deploy_id, pop, name, servers) for pop, name in enumerate(names)],
            )


def numbers(html: str) -> list[str]:
    return re.findall(r'<h2 id="deploy-(\d+)"', html)


def pop_id_of(deploy: DeployReport, name: str) -> int:
    return next(pop.pop_id for pop in deploy.pops if pop.name == name)


def test_a_deploy_shows_a_bar_for_each_pop_by_region(dashboard: Browser, deploy: DeployReport) -> None:
    html = dashboard.page("/propagation")

    assert deploy.state == "failed"
    assert numbers(html) == [str(deploy.deploy_id)]
    found = re.findall(r'<progress value="(\d)" max="(\d)" aria-label="([^"]*)"', html)
    assert found == [
        ("2", "3", f"Servers that have deploy {deploy.deploy_id}"),
        ("1", "1", "Asia"),
        ("1", "1", "Osaka"),
        ("1", "2", "Europe"),
        ("1", "2", "Berlin (BER)"),
    ]
    assert html.count("1 failed") == 3
    assert str(deploy.reason) in html
    assert "spring" in html


def test_under_way_or_the_latest_of_each_distributor_are_shown_first(engine: Engine, dashboard: Browser) -> None:
    make_deploys(engine, 4, 1, state="propagated")
    engine.database.execute("UPDATE deploy SET finished_at = created_at WHERE id <> 1")
    engine.database.execute("UPDATE deploy SET distributor_id = 'edge'")
    engine.database.execute("UPDATE deploy SET state = 'propagating' WHERE id = 1")
    engine.database.execute("UPDATE deploy SET state = 'failed', repository_id = 'farm' WHERE id = 3")

    assert numbers(dashboard.page("/propagation")) == ["4", "3", "1"]
    assert numbers(dashboard.page("/propagation?show=under-way")) == ["1"]
    assert numbers(dashboard.page("/propagation?show=failed")) == ["3"]
    assert numbers(dashboard.page("/propagation?show=all")) == ["4", "3", "2", "1"]


def test_more_deploys_than_a_page_holds_come_on_the_next_ones(engine: Engine, dashboard: Browser) -> None:
    make_deploys(engine, 15, 1)
    seen, path = list[str](), "/propagation"
    while path:
        html = dashboard.page(path)
        seen += numbers(html)
        path = next(iter(re.findall(r'rel="next" href="([^"]*)"', html)), "")

    assert seen == [str(number) for number in range(15, 0, -1)]


def test_a_deploy_tells_which_server_failed_and_why(dashboard: Browser, deploy: DeployReport, tmp_path: Path) -> None:
    html = dashboard.page(f"/propagation/{deploy.deploy_id}")
    pop = dashboard.page(f"/propagation/{deploy.deploy_id}/pops/{pop_id_of(deploy, BERLIN)}")

    assert re.search(rf'<th scope="row">{tmp_path / "down"}</th>.*?failed.*?The folder is not there\.', html, re.DOTALL)
    assert str(tmp_path / "up") not in html
    assert f'href="/propagation/{deploy.deploy_id}/push-again"' in html
    assert str(tmp_path / "up") in pop
    assert "1 of 2 servers have it" in pop


def test_a_push_is_repeated_after_it_was_said_to_how_many_servers(
    engine: Engine, dashboard: Browser, deploy: DeployReport, tmp_path: Path
) -> None:
    path, pop_id = f"/propagation/{deploy.deploy_id}/push-again", pop_id_of(deploy, BERLIN)
    asked = dashboard.page(f"{path}?pop_id={pop_id}")
    (tmp_path / "down").mkdir()

    response = dashboard.post(path, {"pop_id": str(pop_id)})
    drain(engine)

    assert f"pushed again to 1 server where that failed or was canceled, in {BERLIN}" in asked
    assert f'name="pop_id" value="{pop_id}"' in asked
    assert (response.status_code, response.headers["location"]) == (303, f"/propagation/{deploy.deploy_id}")
    assert engine.edges.get_deploy(deploy.deploy_id).state == "propagated"


def test_an_earlier_publication_is_deployed_again(engine: Engine, dashboard: Browser, deploy: DeployReport) -> None:
    path = f"/propagation/{deploy.deploy_id}/deploy-again"
    asked = dashboard.page(path)

    response = dashboard.post(path)
    drain(engine)

    newest = engine.edges.list_deploys(limit=1)[0]
    assert f"serves publication {deploy.revision} from then on" in asked
    assert response.headers["location"] == f"/propagation/{newest.deploy_id}"
    assert newest.deploy_id > deploy.deploy_id
    assert (newest.revision, newest.requested_by) == (deploy.revision, "admin")


def test_a_deploy_under_way_is_canceled(engine: Engine, dashboard: Browser) -> None:
    make_deploys(engine, 1, 2, servers=3)

    asked = dashboard.page("/propagation/1/cancel")
    response = dashboard.post("/propagation/1/cancel")

    assert "6 servers will not get it any more" in asked
    assert response.status_code == 303
    assert engine.edges.get_deploy(1).state == "canceled"
    assert dashboard.post("/propagation/1/cancel").status_code == 409
    assert [entry.action for entry in engine.access.list_audit(resource="/v2/edge/deploys/1/")] == ["cancel"]


def test_pops_and_servers_show_what_was_pushed_last_and_no_secret(
    engine: Engine, dashboard: Browser, deploy: DeployReport, tmp_path: Path
) -> None:
    pop_id = pop_id_of(deploy, BERLIN)
    engine.edges.add_server(pop_id, "sftp://a@b/c", options={"password": "geheim"})

    pops, servers = dashboard.page("/propagation/pops"), dashboard.page(f"/propagation/pops/{pop_id}")

    assert [push.state for push in engine.edges.last_pushes(pop_id)] == ["done", "failed"]
    assert [push.deploy_id for push in engine.edges.last_pushes(pop_id)] == [deploy.deploy_id] * 2
    assert re.findall(r"<h2>(\w+)", pops) == ["Asia", "Europe"]
    assert re.findall(r"<h2>(\w+)", dashboard.page("/propagation/pops?region=Asia")) == ["Asia"]
    assert re.findall(r'class="state (\w+)"', servers) == ["done", "failed"]
    assert str(tmp_path / "down") in servers
    assert "never" in servers
    assert "password: *****" in servers
    assert "geheim" not in servers


def test_pushes_of_a_deploy_are_narrowed_and_cut(engine: Engine, deploy: DeployReport) -> None:
    every = engine.edges.list_pushes(deploy.deploy_id)
    here = (engine.edges.list_pushes, deploy.deploy_id)

    assert [push.state for push in here[0](here[1], states=["failed"])] == ["failed"]
    assert here[0](here[1], states=[]) == []
    assert here[0](here[1], skip=1, limit=1) == every[1:2]


@pytest.mark.parametrize(
    "path", ["/propagation/77", "/propagation/77/cancel", "/propagation/pops/77", f"/propagation/{'9' * 40}"]
)
def test_what_is_not_there_is_said_to_be_missing(dashboard: Browser, path: str) -> None:
    assert dashboard.get(path).status_code == 404


def test_who_may_only_read_sees_no_buttons_and_is_refused(engine: Engine, reader: Browser, deploy: DeployReport) -> None:
    here = f"/propagation/{deploy.deploy_id}"

    shown = reader.page(here)
    refused = {
        action: (reader.get(f"{here}/{action}").status_code, reader.post(f"{here}/{action}").status_code)
        for action in ("cancel", "push-again", "deploy-again")
    }

    assert f"{here}/push-again" not in shown
    assert f"{here}/deploy-again" not in shown
    assert set(refused.values()) == {(403, 403)}
    assert [one.deploy_id for one in engine.edges.list_deploys()] == [deploy.deploy_id]


def test_who_may_execute_a_repository_sees_and_repeats_its_deploys_alone(
    engine: Engine, browser_of: Callable[[str], Browser], deploy: DeployReport
) -> None:
    engine.access.create_user("rita", password=PASSWORD)
    browser, here = browser_of("rita"), f"/propagation/{deploy.deploy_id}"
    assert numbers(browser.page("/propagation")) == []
    assert (browser.get(here).status_code, browser.get("/propagation/77").status_code) == (403, 403)

    engine.access.grant_to_user("rita", "/v2/repositories/zoo/", [Operation.READ, Operation.EXECUTE])

    assert numbers(browser.page("/propagation")) == [str(deploy.deploy_id)]
    assert "Push again" in browser.page(here)
    assert browser.post(f"{here}/push-again").status_code == 303
    assert browser.get("/propagation/pops").status_code == 403


def test_hostile_words_and_two_thousand_pops_stay_harmless_and_small(engine: Engine, dashboard: Browser) -> None:
    make_deploys(engine, 8, 2000, servers=20)

    region = quote(f"Region 01 {HOSTILE}")
    for path in ("/propagation", "/propagation/1", f"/propagation/1?region={region}", "/propagation/1/pops/1"):
        html = dashboard.page(path)
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)" in html
        assert len(html.encode()) <= LARGEST_PAGE_BYTES, path


def deploy_of(pops: list[PopProgress]) -> DeployReport:
    moment = clock.now()
    counts = (sum(pop.servers for pop in pops), sum(pop.done for pop in pops), sum(pop.failed for pop in pops))
    return DeployReport(
        1,
        "zoo",
        "edge",
        1,
        "production",
        "default",
        "propagating",
        None,
        None,
        None,
        None,
        *counts,
        moment,
        None,
        None,
        tuple(pops),
    )


def test_regions_stand_for_their_pops_where_there_is_no_room_and_unfinished_ones_come_first() -> None:
    pops = [PopProgress(number, f"R{number % 5} : P{number}", 2, 2 * (number % 5 != 3), 0) for number in range(20)]

    of_pops, of_regions, cut = (bars(deploy_of(pops), room=room) for room in (20, 5, 2))

    assert [len(region.pops) for region in of_pops.regions] == [4] * 5
    assert [(region.bar.name, region.bar.done, region.pop_count) for region in of_regions.regions] == [
        (f"R{number}", 0 if number == 3 else 8, 4) for number in range(5)
    ]
    assert of_regions.whole.share == "80 %"
    assert ([region.bar.name for region in cut.regions], cut.hidden) == (["R3", "R0"], 3)


@pytest.mark.parametrize(("done", "share"), [(0, "0 %"), (1, "1 %"), (999, "99 %"), (1000, "100 %")])
def test_a_share_is_whole_only_if_nothing_is_missing(done: int, share: str) -> None:
    report = deploy_of([PopProgress(1, "R : P", 1000, done, 0)])

    assert bars(report, room=1).whole.share == share
