"""The floor of a sync: a bare concurrent downloader that fetches, hashes and writes the files of a feed, and no more.

No database, no retries, no flushing to the disk, and a temporary name for nothing. Run as a program, in a process of its
own as a worker is, it prints the seconds from asking for the manifest to the last file written.
"""

from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pycurl


@dataclass(frozen=True)
class Cost:
    """What a download took, in seconds: by the clock, and of the processor in the program and in the kernel."""

    wall: float
    user: float
    system: float


def run(feed: str, folder: Path, *, max_downloads: int) -> Cost:
    """Download `feed` into the new `folder` in a process of its own."""
    folder.mkdir()
    command = [sys.executable, str(Path(__file__)), feed, str(folder), str(max_downloads)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Cost(*map(float, said.split()))


def download(feed: str, folder: Path, max_downloads: int) -> None:
    """Download every file that the feed's manifest names; ends the program if one is not what was promised."""
    wanted = {name: digest for name, digest, _ in csv.reader(_fetch(f"{feed}PULP_MANIFEST").decode().splitlines())}
    for parent in {name.rpartition("/")[0] for name in wanted}:
        (folder / parent).mkdir(exist_ok=True)
    left = iter(wanted)
    multi = pycurl.CurlMulti()
    running: dict[pycurl.Curl, tuple[str, BytesIO]] = {}

    def start(curl: pycurl.Curl) -> None:
        name = next(left, None)
        if name is not None:
            body = BytesIO()
            curl.setopt(pycurl.URL, feed + name)
            curl.setopt(pycurl.WRITEFUNCTION, body.write)
            running[curl] = (name, body)
            multi.add_handle(curl)

    for _ in range(max_downloads):
        start(_handle())
    while running:
        multi.perform()
        more = 1
        while more:
            more, well, badly = multi.info_read()
            if badly:
                sys.exit(f"The floor could not download: {badly[0][2]}")
            for curl in well:
                multi.remove_handle(curl)
                name, body = running.pop(curl)
                start(curl)
                _keep(f"{folder}/{name}", body, wanted[name])
        if running:
            multi.select(1.0)


def _keep(path: str, body: BytesIO, digest: str) -> None:
    data = body.getbuffer()
    if hashlib.sha256(data).hexdigest() != digest:
        sys.exit(f"The floor got other bytes than promised: {path}")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    left = data
    while left:
        left = left[os.write(descriptor, left) :]
    os.close(descriptor)


def _handle() -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.PROXY, "")
    curl.setopt(pycurl.FAILONERROR, 1)
    return curl


def _fetch(url: str) -> bytes:
    curl, body = _handle(), BytesIO()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.WRITEFUNCTION, body.write)
    curl.perform()
    curl.close()
    return body.getvalue()


if __name__ == "__main__":
    began, before = time.perf_counter(), os.times()
    download(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    after = os.times()
    print(time.perf_counter() - began, after.user - before.user, after.system - before.system)
