"""A program that stands for `redis-server` where there is none: fakeredis, on the port that is its argument."""

from __future__ import annotations

import sys

from fakeredis import TcpFakeServer

if __name__ == "__main__":
    TcpFakeServer(("127.0.0.1", int(sys.argv[1]))).serve_forever(poll_interval=0.05)
