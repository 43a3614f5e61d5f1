"""What this process has answered: counted by door, method and kind of status, timed by door."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

#: Any other method is one: a client can send what it likes, and each new label would be kept for good.
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
#: Upper ends of the histogram's buckets, seconds: an answer from memory, a page, a search, a long wait.
BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class RequestFigures(Collector):
    """Counts requests, in the one thread that answers them; any thread may collect."""

    def __init__(self) -> None:
        """Begin at nought."""
        #: Streams of events that are open now.
        self.streams = 0
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._times: dict[str, list[int]] = {}  # by door: how many fell into each bucket, and beyond the last
        self._seconds: dict[str, float] = {}

    def count(self, door: str, method: str, status: int, seconds: float | None) -> None:
        """Count a request; `status` is 0 if it got no answer, `seconds` None if it was a stream."""
        self._requests[door, method if method in _METHODS else "other", status // 100] += 1
        if seconds is not None:
            times = self._times.get(door)
            if times is None:
                times = self._times[door] = [0] * (len(BUCKETS) + 1)
            times[bisect_left(BUCKETS, seconds)] += 1
            self._seconds[door] = self._seconds.get(door, 0.0) + seconds

    def describe(self) -> list[Metric]:
        """Return nothing: the registry need not collect to learn names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        text = "Requests that this process answered; status is 1xx to 5xx, or none without an answer."
        requests = CounterMetricFamily("entrepot_http_requests", text, labels=("door", "method", "status"))
        for (door, method, kind), count in sorted(self._requests.copy().items()):
            requests.add_metric((door, method, f"{kind}xx" if kind else "none"), count)
        yield requests
        text = "Time until the end of an answer, streams of events left out."
        seconds = HistogramMetricFamily("entrepot_http_request_seconds", text, labels=("door",))
        for door, times in sorted(self._times.copy().items()):
            ends = [*map(str, BUCKETS), "+Inf"]
            seconds.add_metric((door,), list(zip(ends, accumulate(times), strict=True)), self._seconds[door])
        yield seconds
        yield GaugeMetricFamily("entrepot_live_streams", "Streams of events that are open in this process.", self.streams)
