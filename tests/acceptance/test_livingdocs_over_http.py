"""The Livingdocs facade of a running server, asked by two clients about real publishes."""

from __future__ import annotations

import json
import subprocess
import uuid

import httpx


def test_a_poller_follows_what_is_published_and_removed(run, served, feed) -> None:
    repository_id, project = f"news-{uuid.uuid4().hex[:8]}", str(uuid.uuid4().int % 10**9 + 1)
    feed.offer({"one.iso": b"1"})
    distributor = ("--distributor", "iso_distributor", "--auto-publish")
    run("repo", "create", repository_id, "--importer", "iso_importer", "--feed", feed.url, *distributor)
    assert run("facade", "livingdocs", "project", "add", project, "--document-type", "iso=page").code == 0
    assert run("facade", "livingdocs", "channel", "set", project, "web", "--source", repository_id).code == 0
    token = run("facade", "livingdocs", "token", "add", project, "poller").out.strip()
    url = f"{served.url}/api/v1/publicationEvents"

    with httpx.Client(headers={"Authorization": f"Bearer {token}"}) as poller:
        idle = poller.get(url)
        last = 0
        told = []
        for data in (b"1", b"22"):
            feed.offer({"one.iso": data})
            assert run("repo", "sync", repository_id).code == 0
            told += poller.get(url, params={"id.gt": last, "limit": 1000}).json()
            last = told[-1]["id"]
        newest = poller.get(f"{served.url}/api/2026-01/publicationEvents/web?reverse&limit=1").json()

    assert (idle.status_code, idle.text) == (200, "[]")
    assert [(event["eventType"], event["documentType"], event["projectId"]) for event in told] == [
        ("publish", "page", int(project)),
        ("update", "page", int(project)),
    ]
    assert newest == {"results": told[-1:]}
    authorization = f"Authorization: Bearer {token}"
    curl = ["curl", "--silent", "--show-error", "--fail-with-body", "--header", authorization]
    by_curl = subprocess.run([*curl, f"{url}?contentTypes=iso_importer"], capture_output=True, text=True, check=True).stdout
    assert json.loads(by_curl) == told
    refused = subprocess.run([*curl, f"{url}?limit=1001"], capture_output=True, text=True, check=False)
    assert refused.returncode == 22
    assert json.loads(refused.stdout)["error_details"] == {"limit": "must be an integer between 1 and 1000"}
