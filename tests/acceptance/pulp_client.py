"""A client that behaves as Pulp 2's clients do, in one place: what each of them sends, follows, checks and takes for failure.

Source: the Pulp 2 REST contract, 0.3 (pulp-admin, pubtools-pulplib, pulp-smash) and appendix A.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import httpx

#: Keys that pulp-smash wants in each error body.
ERROR_KEYS = {"_href", "error", "error_message", "exception", "http_request_method", "http_status", "traceback"}
#: States in which pulp-smash stops to poll.
_ENDED = {"canceled", "error", "finished", "skipped", "timed out"}
#: Tasks and units that pulplib asks for in one page.
PAGE = 2000


class Refused(Exception):
    """The server answered with an error document."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(f"{status}: {document['error_message']}")
        self.status = status
        self.document = document


class PulpClient:
    """One user's view of a server."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, auth=(login, password), timeout=60, follow_redirects=False)

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Send a request as pulp-admin's bindings do, and return the document; 300 and above is an error in JSON."""
        href = path if path.startswith("/pulp/api/") else f"/pulp/api/v2/{path}"
        response = self._http.request(method, href, json=body) if body is not None else self._http.request(method, href)
        assert response.status_code == 204 or response.headers["content-type"].startswith("application/json"), response.text
        document = response.json() if response.content else None
        if response.status_code >= 300:
            assert document is not None
            assert set(document) >= ERROR_KEYS, document
            assert "location" not in response.headers
            raise Refused(response.status_code, document)
        if response.status_code == 201:
            made = document.get("_href")
            assert response.headers["location"].endswith(made), response.headers["location"]
        if response.status_code == 202:
            keys = set(document)
            assert keys in ({"result", "error", "spawned_tasks"}, {"_href", "group_id"}), keys
        return document

    # pulp-smash

    def spawned(self, report: dict[str, Any]) -> list[str]:
        """Return the addresses of the tasks that a call report names."""
        assert (report["error"], sorted(report)) == (None, ["error", "result", "spawned_tasks"])
        return [task["_href"] for task in report["spawned_tasks"]]

    def follow(self, report: dict[str, Any]) -> list[dict[str, Any]]:
        """Poll the tasks of a call report, and what they spawn, by their addresses until all have ended; all must be well."""
        ended = []
        addresses = self.spawned(report)
        while addresses:
            task = self.poll(addresses.pop(0))
            assert (task["error"], task["exception"], task["traceback"]) == (None, None, None), task
            assert task["state"] == "finished"
            ended.append(task)
            addresses += [spawned["_href"] for spawned in task["spawned_tasks"]]
        return ended

    def poll(self, href: str) -> dict[str, Any]:
        """Return the report of a task that has ended; the server's long poll takes the place of the client's sleep."""
        while True:
            task: dict[str, Any] = self.call("GET", f"{href}?wait=20")
            if task["state"] in _ENDED and task["finish_time"] is not None:
                return task

    def upload(self, repository_id: str, content: bytes, unit: dict[str, Any], *, chunk: int = 200_000) -> dict[str, Any]:
        """Upload and import as pulp-smash does, chunk by chunk, and return the task that has ended."""
        request = self.call("POST", "content/uploads/", {})
        assert sorted(request) == ["_href", "upload_id"]
        for offset in range(0, len(content), chunk):
            response = self._http.put(f"{request['_href']}{offset}/", content=content[offset : offset + chunk])
            assert (response.status_code, response.json()) == (200, None)
        body = {"upload_id": request["upload_id"], "unit_metadata": None, **unit}
        task = self.poll(self.spawned(self.call("POST", f"repositories/{repository_id}/actions/import_upload/", body))[0])
        assert self.call("DELETE", request["_href"]) is None
        return task

    # pubtools-pulplib

    def poll_by_search(self, task_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return the reports of tasks once all have ended; one that the answer lacks has disappeared, which is fatal."""
        while True:
            found = self.search("tasks", {"filters": {"task_id": {"$in": list(task_ids)}}})
            missing = set(task_ids) - {task["task_id"] for task in found}
            assert not missing, f"disappeared: {missing}"
            assert all("queue" not in task for task in found)
            going_on = [task for task in found if task["state"] not in _ENDED]
            if not going_on:
                return found
            self.poll(going_on[0]["_href"])

    def search(self, what: str, criteria: dict[str, Any], **flags: bool) -> list[dict[str, Any]]:
        """Search as pulplib does, a page at a time, until a page is not full."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.call("POST", f"{what}/search/", {"criteria": {**criteria, "limit": PAGE, "skip": len(found)}, **flags})
            found += page
            if len(page) < PAGE:
                return found

    def search_units(self, repository_id: str, criteria: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield what a repository holds."""
        yield from self.call("POST", f"repositories/{repository_id}/search/units/", {"criteria": criteria})

    def delete(self, path: str) -> dict[str, Any] | None:
        """Delete something; that it is gone already is success, if the body says so."""
        try:
            report: dict[str, Any] = self.call("DELETE", path)
        except Refused as refusal:
            document = refusal.document
            if (document["http_status"], document["http_request_method"]) == (404, "DELETE"):
                return None
            raise
        return report

    def lock(self, repository_id: str, holder: str | None) -> None:
        """Take a repository's lock, a note, or let go of it by a null."""
        body = {"delta": {"notes": {"pulplib-lock": holder}}}
        self.call("PUT", f"repositories/{repository_id}/", body)

    # pulp-admin

    def history(self, repository_id: str, kind: str, distributor_id: str = "", **query: object) -> list[dict[str, Any]]:
        """Return a history, asked for with the doubled slash that pulp-admin writes."""
        path = f"/pulp/api/v2/repositories/{repository_id}/history//{kind}/" + (f"{distributor_id}/" if distributor_id else "")
        response = self._http.get(path, params=query)  # type: ignore[arg-type]  # whatever a test sends
        response.raise_for_status()
        found: list[dict[str, Any]] = response.json()
        return found
