"""Many transfers at once, in the calling thread: started, driven, settled, tried again, aborted.

A request becomes a `Transfer`, which is ready, running (it has a connection), or waiting for its next attempt; in the end
its outcome is given to the `Run` that asked. Nothing here waits for one transfer alone.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pycurl

from entrepot import clock
from entrepot.content import retries
from entrepot.content.addresses import Feed, redirected
from entrepot.content.answers import GOOD, REDIRECTS, Answer, failure
from entrepot.content.connections import Connection, Connections, check_header
from entrepot.content.local_files import LocalFiles
from entrepot.content.pace import Pace
from entrepot.content.requests import FetchOptions, FetchRequest
from entrepot.content.store import BlobStore
from entrepot.content.transfer import Run, Transfer
from entrepot.content.writer import BlobWriter
from entrepot.errors import ChecksumDiffers, FetchError, FetchRefused, SizeDiffers, StorageError

#: Redirects that are followed for one file.
_MOST_REDIRECTS = 5
#: How often `checkpoint` is called while something is under way, seconds.
_CHECKPOINT_SECONDS = 0.1
#: Wait where libcurl has no socket to wait for (it resolves a name), seconds.
_BLIND_WAIT_SECONDS = 0.01
#: No more requests are taken while so many files wait for another attempt.
_MOST_WAITING = 64


class Transfers:
    """All transfers of one fetcher; for one thread."""

    def __init__(self, options: FetchOptions, store: BlobStore, checkpoint: Callable[[], None]) -> None:
        """Prepare; nothing is connected yet. Raises `FetchRefused`, `InvalidSettings`."""
        #: Counts the bytes of all attempts.
        self.pace = Pace(options.max_speed)
        self._most = options.max_downloads
        self._retries = options.retries
        self._store = store
        self._checkpoint = checkpoint
        self._next_checkpoint = 0.0
        self._feed = Feed(options.feed)
        self._files = LocalFiles(options.allowed_file_roots)
        self._connections = Connections(options, store, user=self._feed.user, pace=self.pace)
        self._multi = pycurl.CurlMulti()
        self._runs: set[Run] = set()
        self._ready: deque[Transfer] = deque()
        self._running: dict[Any, tuple[Connection, Transfer]] = {}
        self._waiting: list[tuple[float, int, Transfer]] = []
        self._numbers = itertools.count()

    @property
    def room(self) -> int:
        """How many further requests can be started at once."""
        if len(self._waiting) >= _MOST_WAITING or (self.pace.is_limited and self.pace.wait_seconds() > 0):
            return 0
        return self._most - len(self._running) - len(self._ready)

    def accept(self, run: Run, request: FetchRequest, *, at_once: bool = False) -> None:
        """Line up a request; `at_once`: before all others."""
        self._runs.add(run)
        run.under_way += 1
        try:
            transfer = Transfer(run, request, self._feed.address(request.url))
        except FetchRefused as error:
            run.finish(request, None, error)
            return
        if at_once:
            self._ready.appendleft(transfer)
        else:
            self._ready.append(transfer)

    def advance(self, *, may_wait: bool = True) -> None:
        """Start what is ready, let libcurl work, settle what ended; if nothing did, wait a little.

        Raises what the checkpoint raises.
        """
        self._check()
        self._start_ready()
        has_ended = False
        if self._running:
            self._multi.perform()
            left = 1
            while left:
                left, well, badly = self._multi.info_read()
                for curl in well:
                    has_ended = True
                    self._settle(curl, 0, "")
                for curl, code, message in badly:
                    has_ended = True
                    self._settle(curl, code, message)
        if may_wait and not has_ended:
            self._wait()

    def abandon(self, run: Run) -> None:
        """Abort the transfers of `run`, and discard what it has not taken."""
        self._runs.discard(run)
        for curl, (connection, transfer) in list(self._running.items()):
            if transfer.run is run:
                del self._running[curl]
                self._multi.remove_handle(curl)
                connection.end()
                self._connections.give_back(connection)
                if transfer.writer is not None:
                    transfer.writer.abort()
        self._ready = deque(transfer for transfer in self._ready if transfer.run is not run)
        self._waiting = [item for item in self._waiting if item[2].run is not run]
        heapq.heapify(self._waiting)
        run.source, run.under_way = None, 0
        while run.finished:
            blob = run.finished.popleft().blob
            if blob is not None:
                self._store.discard(blob)

    def close(self) -> None:
        """Abort whatever is under way and close all connections."""
        for run in list(self._runs):
            self.abandon(run)
        self._connections.close()
        self._multi.close()

    def _count_and_check(self, number: int) -> None:
        self.pace.count(number)
        self._check()

    def _check(self) -> None:
        now = clock.monotonic()
        if now >= self._next_checkpoint:
            self._next_checkpoint = now + _CHECKPOINT_SECONDS
            self._checkpoint()

    def _start_ready(self) -> None:
        waiting = self._waiting
        if waiting:
            now = clock.monotonic()
            while waiting and waiting[0][0] <= now:
                self._ready.append(heapq.heappop(waiting)[2])
        while self._ready and len(self._running) < self._most:
            if self.pace.is_limited and self.pace.wait_seconds() > 0:
                return
            transfer = self._ready.popleft()
            if transfer.address.is_file:
                self._copy(transfer)
            else:
                self._start(transfer)

    def _start(self, transfer: Transfer) -> None:
        request, address = transfer.request, transfer.address
        try:
            if request.accept is not None:
                check_header("Accept", request.accept)
            writer = self._writer(transfer)
            connection = self._connections.take(is_own=address.origin == self._feed.origin)
        except (FetchError, StorageError) as error:
            transfer.run.finish(request, None, error)
            return
        transfer.writer = writer
        self._running[connection.curl] = (connection, transfer)
        connection.begin(address.url, writer, size=request.size, past_caches=transfer.past_caches, accept=request.accept)
        self._multi.add_handle(connection.curl)

    def _writer(self, transfer: Transfer) -> BlobWriter:
        request, name = transfer.request, transfer.address.shown
        may_hold = transfer.run.may_hold
        writer = self._store.writer(size=request.size, digests=request.digests, name=name, may_hold=may_hold)
        if request.at_most is not None:
            writer.limit(request.at_most)
        return writer

    def _copy(self, transfer: Transfer) -> None:
        request, address = transfer.request, transfer.address
        try:
            writer = self._writer(transfer)
            blob = self._files.copy(address, writer, self._count_and_check)
        except (FetchError, StorageError) as error:
            transfer.run.finish(request, None, error)
        else:
            transfer.run.finish(request, blob)

    def _settle(self, curl: Any, code: int, message: str) -> None:  # noqa: ANN401 - untyped library
        """Decide what follows from the end of an attempt."""
        connection, transfer = self._running.pop(curl)
        writer, transfer.writer = transfer.writer, None
        assert writer is not None  # noqa: S101 - set when it was started
        try:
            self._multi.remove_handle(curl)
            connection.end()
            self._connections.give_back(connection)
            if code == 0 and curl.getinfo(pycurl.RESPONSE_CODE) in GOOD:
                blob = writer.finish()
                if not transfer.run.may_hold:  # metadata: of the many files nobody asks
                    blob = replace(blob, media_type=connection.media_type)
                transfer.run.finish(transfer.request, blob)
                return
            writer.abort()
            self._follow_up(transfer, connection, _answer(connection, transfer, writer, code, message))
        except (SizeDiffers, ChecksumDiffers) as error:
            self._try_again(transfer, retries.Failure(error, is_damage=True))
        except StorageError as error:
            transfer.run.finish(transfer.request, None, error)
        except BaseException:
            writer.abort()
            raise

    def _follow_up(self, transfer: Transfer, connection: Connection, answer: Answer) -> None:
        """Follow the redirect, or try again; raise what stopped the transfer on this side."""
        stopped_by = connection.failure
        if stopped_by is not None and (answer.status in GOOD or not isinstance(stopped_by, FetchError)):
            raise stopped_by
        location = connection.location if answer.status in REDIRECTS else None
        if location:
            self._redirect(transfer, location)
        else:
            self._try_again(transfer, failure(answer))

    def _redirect(self, transfer: Transfer, location: str) -> None:
        transfer.redirects += 1
        try:
            if transfer.redirects > _MOST_REDIRECTS:
                shown = self._feed.address(transfer.request.url).shown
                msg = f"{shown} redirects more than {_MOST_REDIRECTS} times, perhaps in a circle; check the feed's address."
                raise FetchRefused(msg, url=shown)
            transfer.address = redirected(transfer.address, location)
        except FetchRefused as error:
            transfer.run.finish(transfer.request, None, error)
            return
        self._ready.appendleft(transfer)

    def _try_again(self, transfer: Transfer, failed: retries.Failure) -> None:
        wait = retries.wait_seconds(
            failed, failed_before=transfer.failed, retries=self._retries, was_refreshed=transfer.past_caches
        )
        if wait is None:
            transfer.run.finish(transfer.request, None, retries.final_error(failed, attempts=transfer.failed + 1))
            return
        transfer.failed += 1
        transfer.redirects = 0
        transfer.past_caches = transfer.past_caches or failed.is_damage
        transfer.address = self._feed.address(transfer.request.url)
        heapq.heappush(self._waiting, (clock.monotonic() + wait, next(self._numbers), transfer))

    def _wait(self) -> None:
        """Wait for the network, the next attempt or the next checkpoint, whatever comes first."""
        now = clock.monotonic()
        seconds = self._next_checkpoint - now
        if self._waiting:
            seconds = min(seconds, self._waiting[0][0] - now)
        pause = self.pace.wait_seconds()
        if pause > 0:
            seconds = min(seconds, pause)
        if not self._running:
            time.sleep(max(0.0, seconds))
            return
        wanted_ms = self._multi.timeout()
        if wanted_ms >= 0:
            seconds = min(seconds, wanted_ms / 1000)
        if seconds > 0 and self._multi.select(seconds) < 0:
            time.sleep(min(seconds, _BLIND_WAIT_SECONDS))


def _answer(connection: Connection, transfer: Transfer, writer: BlobWriter, code: int, message: str) -> Answer:
    curl = connection.curl
    length = curl.getinfo(pycurl.CONTENT_LENGTH_DOWNLOAD_T)
    promised = transfer.request.size
    return Answer(
        transfer.address.shown,
        code=code,
        message=message,
        status=curl.getinfo(pycurl.RESPONSE_CODE),
        received=writer.received,
        promised=promised if promised is not None or length < 0 else length,
        retry_after_seconds=curl.getinfo(pycurl.RETRY_AFTER),
        refusal=connection.refusal,
    )
