"""Watch PostgreSQL by LISTEN, on a connection of its own.

Whoever commits something says so by `Database.announce`. What is missed costs a second: a notification may be lost with the
connection, or in a pool that gives each transaction another connection.
"""

from __future__ import annotations

import logging
import math
import select
import time
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from entrepot.models.announcement import CHANNEL
from entrepot.models.change_watch import ChangeWatch

if TYPE_CHECKING:
    from entrepot.models.connection import Database

#: Seconds after which it is time to look although nobody has announced anything.
_LOOK_ANYWAY_SECONDS = 1.0
#: Least seconds between two attempts to connect.
_RECONNECT_SECONDS = 1.0
#: Seconds that an attempt to connect may take, unless the address says otherwise.
_CONNECT_SECONDS = 5
#: What operators see in `pg_stat_activity`.
_NAME = "entrepot watch"

log = logging.getLogger(__name__)


class PostgresqlWatch(ChangeWatch):
    """Listens for announcements; at least once a second it is time to look anyway."""

    def __init__(self, database: Database) -> None:
        """Begin to listen; a server that does not answer is tried again, and who looks at the database will notice."""
        self._url = database.url
        self._connection: psycopg.Connection | None = None
        self._connect_at = 0.0
        self._look_at = 0.0
        self._listen()

    def changed(self) -> bool:
        """Return True if there was an announcement since the last True, or the last True was a second ago."""
        return self.wait(0.0)

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for an announcement, at most until it is time to look anyway."""
        deadline = time.monotonic() + timeout_seconds
        while not self._hear(max(0.0, min(deadline, self._look_at) - time.monotonic())):
            now = time.monotonic()
            if now >= self._look_at:
                break
            if now >= deadline:
                return False
        self._look_at = time.monotonic() + _LOOK_ANYWAY_SECONDS
        return True

    def close(self) -> None:
        """Close the connection."""
        self._disconnect()
        self._connect_at = math.inf

    def _hear(self, seconds: float) -> bool:
        """Wait for an announcement; to listen anew is as good as one, for nobody knows what was missed."""
        if self._connection is None:
            if self._listen():
                return True
            time.sleep(max(0.0, min(seconds, self._connect_at - time.monotonic())))
            return False
        try:
            poll = select.poll()
            poll.register(self._connection, select.POLLIN)
            if not poll.poll(math.ceil(seconds * 1000)):
                return False
            return bool(list(self._connection.notifies(timeout=0)))
        except psycopg.Error as error:
            log.debug("The connection that listens for changes is lost: %s", error)
            self._disconnect()
            self._listen()
            return True

    def _listen(self) -> bool:
        """Connect and return True, or False if it is too early, or the server does not answer."""
        now = time.monotonic()
        if now < self._connect_at:
            return False
        self._connect_at = now + _RECONNECT_SECONDS
        address = {"connect_timeout": _CONNECT_SECONDS, "application_name": _NAME, **conninfo_to_dict(self._url)}
        try:
            self._connection = psycopg.connect(make_conninfo("", **address), autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")
        except psycopg.Error as error:
            log.debug("Cannot listen for changes: %s", error)
            self._disconnect()
            return False
        return True

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
