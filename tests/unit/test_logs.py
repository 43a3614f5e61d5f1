"""A line of the log: for people or for programs, with the ids of what it is about, and without secrets."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from entrepot import logs
from entrepot.engine import Engine
from entrepot.readers import Readers
from entrepot.settings import read_settings


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Give the log back as it was."""
    root, own = logging.getLogger(), logging.getLogger("entrepot")
    before = list(root.handlers), root.level, own.level
    yield
    root.handlers[:], root.level, own.level = before
    logging.getLogger("entrepot.rest").manager._clear_cache()  # type: ignore[attr-defined]  # levels are remembered


def start(**settings: object) -> logging.Logger:
    logs.start_logging(read_settings(**settings))
    return logging.getLogger("entrepot.rest")


def test_a_line_for_people_has_moment_level_logger_text_and_ids(capsys: pytest.CaptureFixture[str]) -> None:
    log = start()

    with logs.within(task_id="t-1"), logs.within(attempt="2"):
        log.info("Baked %s cakes.", 12)
    log.info("Done.")

    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z INFO    entrepot\.rest: Baked 12 cakes\. \[task_id=t-1 attempt=2\]", first
    )
    assert second.endswith("entrepot.rest: Done.")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_came_from_elsewhere_neither_begins_a_line_nor_speaks_to_the_terminal(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    log = start(log_format=log_format)

    with logs.within(request_id="r\n1"):
        log.info("Refused: %s", "x\n2026-01-31 INFO entrepot: fine\r\x1b[2J\x9b\u2028\ud800é")
        try:
            raise ValueError("line\n\x1b[2Jline")
        except ValueError:
            log.exception("It failed.")

    written = capsys.readouterr().err
    assert all(line.isprintable() for line in written.split("\n"))
    assert written.count("Refused") == 1
    assert "\n2026-01-31 INFO" not in written
    assert "é" in written


def test_a_line_for_programs_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    log = start(log_format="json")

    with logs.within(request_id="r-1"):
        try:
            raise ValueError("burnt é")
        except ValueError:
            log.exception("It %s.", "failed")

    line = json.loads(capsys.readouterr().err)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line.pop("exception").endswith("ValueError: burnt é")
    assert line == {"level": "error", "logger": "entrepot.rest", "event": "It failed.", "request_id": "r-1"}


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize(
    "message",
    [
        "https://ann:hush@feed.test/x failed",
        "password=hush",
        "Authorization: Basic hush",
        '{"api_key": "hush"}',
        "token: hush,",
    ],
)
def test_secrets_are_masked(capsys: pytest.CaptureFixture[str], log_format: str, message: str) -> None:
    log = start(log_format=log_format)

    log.warning("%s", message)
    log.error("x", exc_info=ValueError(message))

    written = capsys.readouterr().err
    assert "hush" not in written
    assert written.count("*****") == 2


def test_the_level_is_that_of_the_settings_and_libraries_only_warn(capsys: pytest.CaptureFixture[str]) -> None:
    log = start(log_level="debug")
    log.debug("mine")
    logging.getLogger("uvicorn.error").info("theirs")
    start(log_level="error").warning("too little")
    logging.getLogger("uvicorn.error").warning("too little")

    assert [line.rpartition(": ")[2] for line in capsys.readouterr().err.splitlines()] == ["mine"]


def test_what_a_readers_thread_logs_is_about_the_request_it_works_for(capsys: pytest.CaptureFixture[str]) -> None:
    log = start()
    engine = Engine("sqlite:////nowhere/x.sqlite3")

    async def answer() -> None:
        with logs.within(request_id="r-7"):
            await Readers(engine).run(lambda: log.info("looked up"))

    asyncio.run(answer())

    assert capsys.readouterr().err.strip().endswith("looked up [request_id=r-7]")


def test_ids_end_with_their_block() -> None:
    with logs.within(request_id="r"):
        assert logs.find_id("request_id") == "r"

    assert logs.find_id("request_id") is None


def test_neither_structlog_nor_opentelemetry_is_imported_by_the_engine() -> None:
    program = (
        "import sys, entrepot.engine, entrepot.tasking.worker\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('structlog', 'opentelemetry')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"


def test_a_record_that_was_made_elsewhere_is_written_too(capsys: pytest.CaptureFixture[str]) -> None:
    start()
    logging.getLogger("other").warning("an odd %s", SimpleNamespace(a=1))

    assert "WARNING other: an odd namespace(a=1)" in capsys.readouterr().err
