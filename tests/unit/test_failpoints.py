"""A failpoint does nothing until it is armed, and then what it was armed for at the pass it was armed for."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import pytest

from entrepot import failpoints


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch):
    """Arm points in this process, as the environment variable would have at its start."""
    return lambda text: monkeypatch.setattr(failpoints, "_armed", failpoints._read_environment(text))


def test_a_point_that_is_not_armed_does_nothing(arm) -> None:
    arm("sync.imported=raise")

    failpoints.reach("sync.committed")


def test_an_armed_point_fails_as_a_full_disk_does(arm) -> None:
    arm("store.written=raise")

    with pytest.raises(OSError, match=r"store\.written") as caught:
        failpoints.reach("store.written")

    assert caught.value.errno == errno.ENOSPC


def test_a_point_armed_for_the_third_pass_acts_then_and_only_then(arm) -> None:
    arm("store.written=raise@3")

    failpoints.reach("store.written")
    failpoints.reach("store.written")
    with pytest.raises(OSError, match=r"store\.written"):
        failpoints.reach("store.written")
    failpoints.reach("store.written")


def test_several_points_are_armed_by_one_variable(arm) -> None:
    arm(" store.written=raise , store.linked=raise ")

    with pytest.raises(OSError, match=r"store\.linked"):
        failpoints.reach("store.linked")
    with pytest.raises(OSError, match=r"store\.written"):
        failpoints.reach("store.written")


@pytest.mark.parametrize("text", ["nowhere=kill", "store.written=explode", "store.written", "=kill"])
def test_an_unknown_point_or_action_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        failpoints._read_environment(text)


def test_a_process_that_reaches_a_point_armed_to_kill_dies_by_sigkill() -> None:
    program = "from entrepot.failpoints import reach; reach('lease.claimed'); print('alive')"
    environment = {**os.environ, "ENTREPOT_FAILPOINTS": "lease.claimed=kill"}

    process = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)

    assert process.returncode == -signal.SIGKILL
    assert process.stdout == b""
