"""Groups of a server's tasks: tasks that are counted, awaited and canceled together."""

from __future__ import annotations

from datetime import timedelta

from entrepot.client.connection import Connection
from entrepot.client.documents import group_report
from entrepot.client.handle import TaskHandle, in_seconds, spans
from entrepot.tasking import GroupReport
from entrepot.tasking.groups import timed_out


class TaskGroup:
    """A group of tasks; give it to `enqueue(…, group=…)`."""

    def __init__(self, connection: Connection, group_id: str) -> None:
        """Refer to an existing group; made by `create_group` and `get_group`."""
        self._connection = connection
        self.group_id = group_id

    def __repr__(self) -> str:
        """Show the group's id."""
        return f"TaskGroup({self.group_id!r})"

    def report(self) -> GroupReport:
        """Return what is known of the group; raises `MissingResource` if retention has removed it."""
        return group_report(self._connection.get("task_groups", self.group_id))

    def summary(self) -> dict[str, int]:
        """Return how many of its tasks are in each state, and `total`."""
        summary: dict[str, int] = self._connection.get("task_groups", self.group_id, "state_summary")
        return summary

    def handles(self) -> list[TaskHandle]:
        """Return its tasks, in the order they were enqueued."""
        criteria = {"filters": {"group_id": self.group_id}, "sort": [["_id", "ascending"]], "fields": ["task_id"]}
        found = self._connection.search("tasks", "search", body={"criteria": criteria})
        return [TaskHandle(self._connection, document["task_id"]) for document in found]

    def cancel(self) -> int:
        """Cancel all of its tasks that are not complete, and return how many those were."""
        return self._connection.delete("task_groups", self.group_id).count

    def wait(self, timeout: float | timedelta | None = None) -> dict[str, int]:
        """Return the summary once all of its tasks have ended, however they ended; raises `WaitTimeout`."""
        seconds = in_seconds(timeout)
        for asked in spans(seconds):
            query = [("wait", f"{asked:.3f}")]
            document = self._connection.get("task_groups", self.group_id, query=query, patience=asked)
            if document["unfinished"] is False:
                return group_report(document).summary
        raise timed_out(self.group_id, group_report(document).summary, seconds)
