"""The Edgecast facade of a running server, asked by two clients about a deploy that one of them asked for."""

from __future__ import annotations

import subprocess
import uuid

import httpx

from entrepot import Engine, TaskHandle


def test_a_deploy_is_asked_for_and_its_status_followed_until_it_is_propagated(run, served) -> None:
    repository_id, account = f"cdn-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex[:8].upper()
    web = {"distributor_type_id": "iso_distributor", "distributor_id": "web"}
    config = {"source": "web", "network": repository_id}  # which has no servers
    edge = {"distributor_type_id": "edge_distributor", "distributor_id": "edge", "distributor_config": config}
    assert run("facade", "edgecast", "account", "add", account).code == 0
    token = run("facade", "edgecast", "token", "rotate", account, "--scope", "status", "--scope", "deploy").out.strip()
    requests = f"{served.url}/rules-engine/v1.1/deploy-requests"
    body = {"policy_id": repository_id, "environment": "production", "message": "Fresh hay"}

    with Engine() as engine, httpx.Client(headers={"Authorization": f"Bearer {token}"}) as client:
        repository = engine.repositories.create(repository_id, distributors=[web, edge])
        repository.publish("web").wait(60)
        assert run("facade", "edgecast", "account", "add-source", account, repository_id).code == 0
        submitted = client.post(requests, json=body).json()
        deploy = engine.edges.get_deploy(int(submitted["id"]))
        assert deploy.task_id is not None
        TaskHandle(engine.tasks, deploy.task_id).wait(60)
        told = client.get(f"{requests}/{submitted['id']}").json()
        url = f"{served.url}/v2/mcc/customers/{account}/rulesv4/{submitted['id']}/status"
        status = client.get(url, headers={"Authorization": f"tok: {token}"})
        refused = client.get(url)

    assert (told["state"], told["policies"]["id"]) == ("deployed", f"{repository_id}:edge:1")
    assert status.content == b'{"Status":"propagated","Percent_propagated":100.0,"Pops":[]}'
    assert status.headers["content-type"] == "application/json; charset=utf-8"
    assert status.headers["cache-control"] == "private"
    assert status.headers["content-length"] == str(len(status.content))
    assert "date" in status.headers
    assert (refused.status_code, refused.content) == (403, b'{"Message":"Access Denied"}')
    curl = ["curl", "--silent", "--show-error", "--fail-with-body", "--header", f"Authorization: TOK:{token}", url]
    assert subprocess.run(curl, capture_output=True, check=True).stdout == status.content
