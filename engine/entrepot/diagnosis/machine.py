"""Checks of the machine: disk, clock, time zones, Python, the settings file, the port."""

from __future__ import annotations

import http.client
import json
import os
import platform
import shutil
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from entrepot import clock
from entrepot.diagnosis.finding import Verdict, failed, ok, skipped, warning
from entrepot.models.inspection import last_migration_us
from entrepot.settings import config_file

if TYPE_CHECKING:
    from entrepot.engine import Engine

_MEGABYTE = 1_000_000
_OLDEST_PYTHON = (3, 11)
#: How long the clock is watched, and how far the wall clock may run away from the one that only grows meanwhile, seconds.
_WATCHED_SECONDS = 0.05
_DRIFT_SECONDS = 0.02
#: Seconds that whoever listens on the port has to answer.
_ANSWER_SECONDS = 2.0


def free_bytes(engine: Engine) -> int:
    """Return how much space the file system of the data folder has for this user, bytes; raises `OSError`."""
    return shutil.disk_usage(_existing(engine.settings.data_dir)).free


def check_space(engine: Engine) -> Verdict:
    """Say whether the data folder's file system has as much space as the settings ask for."""
    least, folder = engine.settings.min_free_mb * _MEGABYTE, engine.settings.data_dir
    try:
        free = free_bytes(engine)
    except OSError as error:
        return failed(f"The space of {folder} cannot be told: {error.strerror}.", "Check ENTREPOT_DATA_DIR.")
    text = f"{free // _MEGABYTE:,} MB are free in {folder}"
    remedy = "Free some: entrepot content orphans delete, fewer keep_publications; or move the data folder to a larger disk."
    if free < least:
        return failed(f"{text}, and {least // _MEGABYTE:,} MB is the least (min_free_mb).", remedy)
    if free < 2 * least:
        return warning(f"{text}; below {least // _MEGABYTE:,} MB this is not ready any more (min_free_mb).", remedy)
    return ok(f"{text}.")


def check_store(engine: Engine) -> Verdict:
    """Say whether a file can be made in the store; quick."""
    trial = Path(engine.store.temporary_path())
    try:
        trial.touch(0o600, exist_ok=False)
        trial.unlink()
    except FileNotFoundError:
        return failed(f"There is no store in {engine.store.root}.", "Run: entrepot init")
    except OSError as error:
        return failed(
            f"The store {engine.store.root} cannot be written: {error.strerror}.",
            "Check the owner and the permissions of ENTREPOT_DATA_DIR, and the space on its disk.",
        )
    return ok(f"The store {engine.store.root} can be written.")


def check_disk(engine: Engine) -> Verdict:
    """Say whether the store's file system does what blobs need: files reach the disk, and may have two names."""
    trial, blobs = Path(engine.store.temporary_path()), engine.store.root / "blobs"
    second = trial.with_name(trial.name + ".link")
    if not blobs.exists():
        return skipped("There is no store yet.")
    try:
        with trial.open("xb") as file:
            file.write(b"entrepot")
            file.flush()
            os.fsync(file.fileno())
        if trial.stat().st_dev != blobs.stat().st_dev:
            return failed(f"{trial.parent} and {blobs} are on different file systems.", "Keep the whole store on one.")
        os.link(trial, second)
    except OSError as error:
        return failed(
            f"The file system of {engine.store.root} cannot do what is needed: {error.strerror}.",
            "Move the data folder to a local disk that has fsync and hard links, such as ext4 or XFS.",
        )
    finally:
        for path in (trial, second):
            with suppress(OSError):
                path.unlink()
    return ok("Files reach the disk and may have two names; temporary files lie on the file system of the blobs.")


def check_clock(engine: Engine) -> Verdict:
    """Say whether the wall clock runs evenly, and is later than what the database has seen."""
    wall, steady = clock.now_us(), clock.monotonic_us()
    threading.Event().wait(_WATCHED_SECONDS)
    drift = ((clock.now_us() - wall) - (clock.monotonic_us() - steady)) / 1e6
    remedy = "Let the machine keep time by NTP (chrony, systemd-timesyncd)."
    if abs(drift) > _DRIFT_SECONDS:
        return warning(f"The clock was moved by {drift:.2f} s while it was looked at.", remedy)
    made = last_migration_us(engine.database)
    if made is not None and made > clock.now_us() + 60_000_000:
        return failed(f"The clock is wrong: the database was made at {clock.iso(clock.from_us(made))}, later than now.", remedy)
    return ok(f"It is {clock.iso(clock.now())} (UTC), and the clock runs evenly.")


def check_time_zones(engine: Engine) -> Verdict:  # noqa: ARG001 - a check
    """Say whether schedules can name time zones."""
    try:
        ZoneInfo("Europe/Berlin")
    except ZoneInfoNotFoundError:
        return failed("There are no time zone data: schedules cannot name time zones.", "Run: pip install tzdata")
    return ok("Time zones can be named.")


def check_python(engine: Engine) -> Verdict:  # noqa: ARG001 - a check
    """Say whether this Python can run all of it."""
    version = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        return failed(f"Python {version} is too old.", f"Install Python {'.'.join(map(str, _OLDEST_PYTHON))} or a later one.")
    return ok(f"{platform.python_implementation()} {version} on {platform.system()} {platform.machine()}.")


def check_settings(engine: Engine) -> Verdict:
    """Say which settings file there is, and whether others may read the passwords that it may hold."""
    path = config_file()
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return ok(f"There is no settings file ({path}); the data folder is {engine.settings.data_dir}.")
    except OSError as error:
        return failed(f"The settings file {path} cannot be looked at: {error.strerror}.", "Check ENTREPOT_CONFIG.")
    if not os.access(path, os.R_OK):
        return failed(f"The settings file {path} cannot be read.", f"Run: chmod u+r {path}")
    if mode & 0o004:
        return warning(f"Everybody on this machine may read {path}, and so what passwords it has.", f"Run: chmod o-r {path}")
    return ok(f"The settings file is {path}.")


def check_port(engine: Engine, *, host: str, port: int) -> Verdict:
    """Say whether the API listens on a port, or could."""
    where = f"{host}:{port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        version = _who_answers(engine, host, port)
        if version:
            return ok(f"entrepot {version} answers at {where}.")
        return failed(
            f"{where} cannot be listened on: {error.strerror}.", "Stop who listens there, or serve with another --port."
        )
    return ok(f"Nobody listens on {where}: the API can.")


def _who_answers(engine: Engine, host: str, port: int) -> str:
    """Return the version of the entrepot that answers there, empty if there is none."""
    if engine.settings.tls_certificate is not None:
        import ssl

        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is told who it is, not a secret
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=_ANSWER_SECONDS, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/pulp/api/v2/status/")
        return str(json.loads(connection.getresponse().read(100_000))["versions"]["entrepot_version"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return ""
    finally:
        connection.close()


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
