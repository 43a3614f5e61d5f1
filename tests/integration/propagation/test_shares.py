"""How far a deploy has got, in servers: the figures that the status facades divide. Source: the three facades, 1.2."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.engine import Engine
from entrepot.propagation import DeployReport
from entrepot.repositories import Repository
from entrepot.testing import drain

from .conftest import Network, add_pops, begin, latest, pass_time


def percent(deploy: DeployReport) -> float:
    return deploy.done / deploy.servers * 100


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_percentages_of_the_contract_come_out_of_real_pushes(engine: Engine, zoo: Repository, tmp_path: Path) -> None:
    four = {"North America : Denver": 19, "Europe : Oslo": 10, "Asia : Osaka": 25, "Oceania : Perth": 27}
    others = dict.fromkeys((f"Europe : Place {number}" for number in range(56)), 1)
    sizes = four | others | {"Europe : All the rest": 2288 - sum(four.values()) - len(others)}
    for name, size in sizes.items():  # which take turns: of each POP one server is pushed to before the second of any
        pop = engine.edges.add_pop(name).pop_id
        engine.edges.add_servers(pop, [str(tmp_path / name / str(number)) for number in range(size)])
        (tmp_path / name / "0").mkdir(parents=True)
    begin(engine, zoo)

    drain(engine, limit=61)

    seen = latest(engine)
    assert (seen.done, seen.servers, percent(seen)) == (61, 2288, 2.666083916083916)
    assert {pop.name: pop.done / pop.servers * 100 for pop in seen.pops if pop.name in four} == {
        "North America : Denver": 5.263157894736842,
        "Europe : Oslo": 10.0,
        "Asia : Osaka": 4.0,
        "Oceania : Perth": 3.7037037037037033,
    }
    assert (tmp_path / "Europe : Oslo/0/zoo/edge/current/c").read_text() == "ccc"


def test_percentages_never_fall_whatever_happens_to_servers(
    engine: Engine, zoo: Repository, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo.update(distributor_configs={"edge": {"retries": 1}})
    add_pops(engine, {"Europe : Oslo": 4, "Asia : Osaka": 4})
    network.down |= {"/Europe : Oslo/1", "/Asia : Osaka/2", "/Asia : Osaka/3"}
    deploy_id = begin(engine, zoo).deploy_id
    seen = [percent(latest(engine))]

    def look() -> None:
        seen.append(percent(latest(engine)))

    while drain(engine, limit=1):
        look()
    servers = engine.edges.list_servers()
    for server in (servers[0], servers[1], servers[6]):  # done, between two attempts, between two attempts
        engine.edges.remove_server(server.server_id)
        look()
    pass_time(engine, monkeypatch, 70)
    drain(engine)
    look()
    failed = latest(engine)
    network.down.clear()
    engine.edges.push_again(deploy_id)
    look()
    drain(engine)
    look()

    assert (failed.state, failed.done, failed.failed, failed.servers) == ("failed", 5, 1, 6)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1], latest(engine).state) == (0.0, 100.0, "propagated")
