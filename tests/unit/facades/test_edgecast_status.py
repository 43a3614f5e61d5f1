"""The arithmetic and the shape of a deploy's status (checks E4 to E15, E27 and E28, which need no database)."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from entrepot.facades.door import json_bytes
from entrepot.facades.edgecast.status import Average, status_document
from entrepot.propagation import DeployReport, DeployState, PopProgress

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


def deploy(*pops: tuple[str, int, int], state: DeployState = "propagating") -> DeployReport:
    """Return a deploy to POPs of (name, servers that are done, servers)."""
    told = tuple(PopProgress(number, name, servers, done, 0) for number, (name, done, servers) in enumerate(pops))
    return DeployReport(
        deploy_id=1,
        repository_id="zoo",
        distributor_id="edge",
        revision=1,
        environment="production",
        network="default",
        state=state,
        message=None,
        reason=None,
        requested_by=None,
        task_id=None,
        servers=sum(pop.servers for pop in told),
        done=sum(pop.done for pop in told),
        failed=0,
        created=NOON,
        started=None if state == "new" else NOON,
        finished=None,
        pops=told,
    )


def body(of: DeployReport, average: Average = "servers") -> str:
    document = status_document(of, average)
    assert document is not None
    return json_bytes(document).decode()


def total(of: DeployReport, average: Average = "servers") -> Any:
    return (status_document(of, average) or {})["Percent_propagated"]


@pytest.mark.parametrize(
    ("done", "servers", "digits"),
    [
        (1, 19, "5.263157894736842"),
        (1, 27, "3.7037037037037033"),
        (1, 10, "10.0"),
        (1, 25, "4.0"),
        (61, 2288, "2.666083916083916"),
    ],
    ids=["e07", "e08", "e09_ten", "e09_four", "e10"],
)
def test_e07_to_e10_percentages_have_the_digits_of_the_documented_sample(done: int, servers: int, digits: str) -> None:
    assert body(deploy(("Asia : Osaka", done, servers))) == (
        f'{{"Status":"propagating","Percent_propagated":{digits},'
        f'"Pops":[{{"name":"Asia : Osaka","percentage_propagated":{digits}}}]}}'
    )


def test_e11_the_total_is_of_all_servers_unless_the_mean_of_pops_is_wanted() -> None:
    uneven = deploy(("Asia : Osaka", 1, 1), ("Europe : Berlin", 0, 9))

    assert total(uneven) == 10.0
    assert total(uneven, "pops") == 50.0


def test_e13_a_hundred_is_told_if_and_only_if_it_is_propagated() -> None:
    for servers in range(1, 60):
        for done in range(servers + 1):
            one = deploy(("Asia : Osaka", done, servers), ("Europe : Berlin", servers, servers))
            document = status_document(one, "servers") or {}
            assert (document["Status"] == "propagated") == (document["Percent_propagated"] == 100.0) == (done == servers)


def test_e13_a_deploy_without_servers_is_propagated() -> None:
    assert body(deploy(state="propagated")) == '{"Status":"propagated","Percent_propagated":100.0,"Pops":[]}'
    assert total(deploy()) == 0.0


def test_e14_what_has_begun_and_reached_nobody_is_propagating() -> None:
    assert body(deploy(("Asia : Osaka", 0, 3))).startswith('{"Status":"propagating","Percent_propagated":0.0,')


def test_e15_names_of_pops_are_told_as_they_are() -> None:
    names = ["Asia : Tōkyō (NRT)", "Europe : Zürich", "Europe : Trinidad & <Tobago>"]

    assert [f'"name":"{name}"' in body(deploy(*((one, 0, 1) for one in names))) for name in names] == [True] * 3


@pytest.mark.parametrize("state", ["failed", "canceled", "superseded"])
def test_what_did_not_get_through_has_no_status(state: DeployState) -> None:
    assert status_document(deploy(("Asia : Osaka", 0, 1), state=state), "servers") is None


def test_e28_a_pop_without_servers_is_left_out() -> None:
    both = deploy(("Asia : Osaka", 0, 0), ("Europe : Berlin", 1, 2))

    assert '"Pops":[{"name":"Europe : Berlin","percentage_propagated":50.0}]' in body(both)
    assert total(both, "pops") == 50.0


#: The fields of the vendor's Go client and the names that their tags give them, one with the comma that it lacks.
GO_FIELDS = {"Status": "status", "PercentPropagated": "Percent_propagated", "Pops": "Popsomitempty"}


def decoded_as_go_does(text: str) -> dict[str, Any]:
    """Return what `encoding/json` of Go puts into the fields: by the exact name, else without case; a float32 is rounded."""
    found: dict[str, Any] = {}
    for key, value in json.loads(text).items():
        exact = [field for field, name in GO_FIELDS.items() if name == key]
        folded = [field for field, name in GO_FIELDS.items() if name.casefold() == key.casefold()]
        for field in (exact or folded)[:1]:
            found[field] = value
    found["PercentPropagated"] = struct.unpack("f", struct.pack("f", found["PercentPropagated"]))[0]
    return found


def test_e27_the_vendors_go_client_reads_the_state_and_the_total_and_no_pops() -> None:
    """There is no Go here: the rule by which its decoder fills a struct is written out above."""
    new = decoded_as_go_does(body(deploy(state="new")))
    under_way = decoded_as_go_does(body(deploy(("Asia : Osaka", 61, 2288))))

    assert new == {"Status": "New", "PercentPropagated": 0.0}
    assert under_way.keys() == {"Status", "PercentPropagated"}
    assert under_way["Status"] == "propagating"
    assert cast("float", under_way["PercentPropagated"]) == pytest.approx(61 / 2288 * 100, rel=2**-24)
