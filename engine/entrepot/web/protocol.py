"""HTTP on one connection: uvicorn's protocol, which tells the app what only the connection knows, and bounds what is read.

The app finds in `scope["extensions"]`:

* `entrepot.peer`, the address at the other end of the connection, whatever a proxy's headers say;
* `entrepot.client_certificate`, which its owner has proved to have the key of (DER; absent without one);
* `entrepot.cut_off`, a function that closes the connection at once: the client sees that its answer is not whole;
* `entrepot.send_file`, a coroutine function that sends a part of an open file as part of the body: (file, offset, count). The
  kernel does it, and no byte passes through this process; absent under TLS, where each byte must.
"""

from __future__ import annotations

import ssl
from asyncio import AbstractEventLoop, TimerHandle, Transport
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

#: Request line and headers of a request may have so many bytes: the parser itself has no limit.
LONGEST_HEAD_BYTES = 64 * 1024
#: So many seconds a head may take, and so many may pass between two pieces of a body.
READING_SECONDS = 60.0
#: Longer pieces of a body are not copied to be sent together with the head.
MOST_JOINED_BYTES = 64 * 1024
_TOO_LONG = "Request line and headers are too long."


class ConnectionProtocol(HttpToolsProtocol):
    """Serves one connection."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Note who is at the other end."""
        super().connection_made(transport)
        self._known: dict[str, Any] = {}
        self._head_bytes: int | None = 0  # None while a body is read
        self._is_reading = True  # something of a request is still to come; a new connection owes one
        self._heard_at = self.loop.time()
        self._patience: TimerHandle | None = None
        self._be_patient()
        if self.client is not None:
            self.client = _as_ipv4(self.client[0]), self.client[1]
            self._known["entrepot.peer"] = self.client[0]
        tls = transport.get_extra_info("ssl_object")
        certificate = cast("ssl.SSLObject", tls).getpeercert(binary_form=True) if tls is not None else None
        if certificate:
            self._known["entrepot.client_certificate"] = certificate

    def data_received(self, data: bytes) -> None:
        """Read, unless a head has become too long."""
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD_BYTES + len(data):
                self._unset_keepalive_if_required()
                self.send_400_response(_TOO_LONG)
                return
        elif self._is_reading:
            self._heard_at = self.loop.time()
        super().data_received(data)
        if self._is_reading and self._patience is None:
            self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        self._stop_reading()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_reading, self._heard_at = True, self.loop.time()
        self.scope["extensions"] = dict(self._known)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one behind a body is none: proxies do not look at those."""
        if self._head_bytes is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Go on to the body; the app of this request starts with the loop's next round."""
        self._head_bytes = None
        super().on_headers_complete()
        extensions, cycle = cast("dict[str, Any]", self.scope["extensions"]), self.cycle
        cycle.transport = cast("Transport", HeadFirst(self.transport, self.loop))
        extensions["entrepot.cut_off"] = partial(self._cut_off, cycle)
        if self.scheme == "http":
            extensions["entrepot.send_file"] = partial(self._send_file, cycle)

    def on_message_complete(self) -> None:
        """Go on to the next request's head."""
        self._head_bytes = 0
        self._stop_reading()
        super().on_message_complete()

    async def _send_file(self, cycle: RequestResponseCycle, file: BinaryIO, offset: int, count: int) -> None:
        """Send `count` bytes of `file` from `offset` on; the answer's head has been sent, with the length of its body.

        Returns early if the client has gone; a file that is too short ends the connection.
        """
        cast("HeadFirst", cycle.transport).flush()
        if self.flow.write_paused:
            await self.flow.drain()
        if cycle.disconnected or self.transport.is_closing():
            cycle.disconnected = True
            return
        try:
            sent = await self.loop.sendfile(self.transport, file, offset, count)
        except OSError:  # the client has gone, or the disk fails
            sent = -1
        if sent == count:
            cycle.expected_content_length -= sent
        else:
            self._cut_off(cycle)

    def _cut_off(self, cycle: RequestResponseCycle) -> None:
        """Close the connection in the middle of an answer, without what is still to be sent."""
        cycle.disconnected = True
        self.transport.abort()

    def _be_patient(self) -> None:
        self._patience = self.loop.call_at(self._heard_at + READING_SECONDS, self._lose_patience)

    def _stop_reading(self) -> None:
        self._is_reading = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        """Close the connection, unless it is not the client who lets wait: then begin to wait anew."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        is_answering = self._head_bytes is not None and cycle is not None and not cycle.response_complete
        if is_answering or self.flow.read_paused:
            self._heard_at = self.loop.time()
        if self._heard_at + READING_SECONDS > self.loop.time():
            self._be_patient()
        else:
            self.transport.close()


class HeadFirst:
    """The transport of one answer: its head waits for the body's first piece, so that a small answer is one packet.

    To send is what costs most of such an answer. The head waits until the app has to wait for something, at most: then it goes.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        """Write to `transport`, in the thread of `loop`."""
        self._transport = transport
        self._loop = loop
        self._held: bytes | None = None
        self._has_begun = False

    def write(self, data: bytes) -> None:
        """Take the next bytes of the answer; the first are its head."""
        if not self._has_begun:
            self._has_begun, self._held = True, data
            self._loop.call_soon(self.flush)
        elif self._held is None or len(data) > MOST_JOINED_BYTES:
            self.flush()
            self._transport.write(data)
        else:
            held, self._held = self._held, None
            self._transport.write(held + data)

    def flush(self) -> None:
        """Write the head, if it waits."""
        if self._held is not None:
            held, self._held = self._held, None
            self._transport.write(held)

    def close(self) -> None:
        """Close the connection when all has been written."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Say whether the connection is closed, or will be."""
        return self._transport.is_closing()


def _as_ipv4(address: str) -> str:
    """Return the IPv4 address that a socket of both families writes as `::ffff:192.0.2.1`: networks are named without that."""
    parsed = ip_address(address)
    return str(parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else address
