"""The Pugpig facade of a running server, asked by two clients about a real update."""

from __future__ import annotations

import json
import subprocess
import uuid

import httpx


def test_an_update_is_asked_for_seen_in_progress_and_then_completed(run, served, feed) -> None:
    name = f"p{uuid.uuid4().hex[:8]}"
    feed.offer({"held.iso": name.encode(), "two.iso": b"22"})  # what the store does not have from another test
    importer = ("--importer", "iso_importer", "--feed", feed.url)
    assert run("repo", "create", name, *importer, "--distributor", "iso_distributor").code == 0
    assert run("facade", "pugpig", "account", "add", name).code == 0
    assert run("facade", "pugpig", "publication", "set", name, "weekly", name).code == 0
    scopes = ("--scope", "monitor", "--scope", "act")
    key = run("facade", "pugpig", "token", "add", name, "weekly", "dashboard", *scopes).out.strip()
    path = f"/publication/weekly/addon/main.weekly.{name}"
    url = f"{served.url}/pugpig/{name}{path}"

    with httpx.Client(headers={"Authorization": f"Bearer {key}"}) as poller:
        idle = poller.get(f"{url}/progress.json")
        asked = poller.post(f"{url}/action/update_content")
        going_on = poller.get(f"{url}/progress.json")
        assert feed.was_asked_for_held.wait(30)
        feed.release()
        publish = asked.json()["tasks"][-1].split("/")[-2]
        assert run("task", "wait", publish).code == 0
        poller.post(f"{url}/action/update_content")  # what was read is read anew
        done = poller.get(f"{url}/completed.json").json()["actions"]

    assert (idle.json()["actions"], idle.headers["cache-control"]) == ([], "private, max-age=300")
    assert asked.status_code == 202
    assert {one["action"] for one in going_on.json()["actions"]} == {"update_content", "publish"}
    assert going_on.headers["cache-control"] == "private, max-age=60"
    first = [one for one in done if one["id"] in asked.text]
    assert [(one["action"], one["state"]) for one in first] == [("publish", "success"), ("update_content", "success")]
    curl = ["curl", "--silent", "--show-error", "--fail-with-body", "--header", f"Host: {name}.admin.example.org"]
    by_curl = subprocess.run(
        [*curl, f"{served.url}{path}/activity?apiKey={key}&format=json"], capture_output=True, text=True, check=True
    ).stdout
    messages = [entry["message"] for entry in json.loads(by_curl)["entries"]]
    assert "The sync brought in 2 units, replaced 0 and removed 0." in messages
    refused = subprocess.run([*curl, f"{served.url}{path}/activity"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (22, '{"error":"invalid api key"}')
