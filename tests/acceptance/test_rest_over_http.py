"""The REST API of engines that are started as users do: over TLS, by two processes, with a log of requests."""

from __future__ import annotations

import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from .conftest import clean_environment

_PASSWORD = "correct horse battery staple"
_API = "/pulp/api/v2/"


class Program:
    """A running `entrepot` program that serves."""

    def __init__(self, url: str, said: list[str]) -> None:
        self.url = url
        #: What it has said on standard error until it was ready, and all of it once it has ended.
        self.said = said


@contextmanager
def _running(data_dir: Path, *arguments: str, **settings: str) -> Iterator[Program]:
    command = [sys.executable, "-m", "entrepot", "--data-dir", str(data_dir), *arguments, "--port", "0"]
    environment = clean_environment(**settings)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if " ready on " in line:
                break
        else:
            pytest.fail("it did not start:\n" + "".join(said))
        rest = threading.Thread(target=lambda: said.extend(process.stderr or ()))  # a full pipe would stop it
        rest.start()
        yield Program(line.split()[-1], said)
        process.send_signal(signal.SIGTERM)
        rest.join()
    assert process.returncode == 0


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "server.pem"
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return file


def test_from_the_first_start_to_a_synced_repository_over_tls(tmp_path: Path, certificate: Path, feed) -> None:
    feed.offer({"plain.iso": b"0123456789"})
    trust = ssl.create_default_context(cafile=str(certificate))
    settings = {"ENTREPOT_TLS_CERTIFICATE": str(certificate)}
    with _running(tmp_path / "data", "serve", "--processes", "1", **settings) as program:
        password = re.search(r"^  ([a-z0-9-]{20,})$", "".join(program.said), re.MULTILINE)
        assert password is not None, program.said
        assert program.url.startswith("https://")

        with httpx.Client(base_url=program.url, verify=trust, auth=("admin", password[1])) as client:
            pair = client.post(f"{_API}actions/login/").json()
        (tmp_path / "user.pem").write_text(pair["key"] + pair["certificate"])
        trust.load_cert_chain(tmp_path / "user.pem")
        with httpx.Client(base_url=program.url, verify=trust) as client:
            distributor = {"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}
            importer = {"importer_type_id": "iso_importer", "importer_config": {"feed": feed.url}}
            body = {"id": "zoo", "distributors": [distributor], **importer}
            assert client.post(f"{_API}repositories/", json=body).status_code == 201
            report = client.post(f"{_API}repositories/zoo/actions/sync/", json={}).json()
            task = client.get(report["spawned_tasks"][0]["_href"], params={"wait": "60"}, timeout=70).json()
            assert (task["state"], task["error"]) == ("finished", None)
            for spawned in task["spawned_tasks"]:
                client.get(spawned["_href"], params={"wait": "60"}, timeout=70)
            assert client.get("/content/zoo/plain.iso").content == b"0123456789"

    with _running(tmp_path / "data", "serve", "--processes", "1", **settings) as program:
        assert password[1] not in "".join(program.said), "the password is said once"


def test_several_api_processes_are_one_api_and_log_their_requests(tmp_path: Path) -> None:
    data = tmp_path / "data"
    settings = {"ENTREPOT_ADMIN_PASSWORD": _PASSWORD, "ENTREPOT_LOGIN_FAILURES": "2"}
    command = [sys.executable, "-m", "entrepot", "--data-dir", str(data), "init"]
    subprocess.run(command, env=clean_environment(**settings), check=True, capture_output=True)
    with ExitStack() as stack:
        programs = [stack.enter_context(_running(data, "api", "--access-log", **settings)) for _ in range(2)]
        first, second = (
            stack.enter_context(httpx.Client(base_url=program.url, auth=("admin", _PASSWORD))) for program in programs
        )

        assert first.post(f"{_API}repositories/", json={"id": "zoo"}).status_code == 201
        assert second.get(f"{_API}repositories/zoo/?details=true&password={_PASSWORD}").json()["id"] == "zoo"
        wrong = [client.get(f"{_API}repositories/", auth=("admin", "wrong")).status_code for client in (first, second, first)]
        answer = second.get(f"{programs[1].url}//pulp//api/v2/nowhere/")

    assert wrong == [401, 401, 429]
    assert answer.status_code == 404
    log = "".join(programs[1].said)
    assert re.search(r"GET /pulp/api/v2/repositories/zoo/ 200 [0-9.]+ ms user=admin from=127\.0\.0\.1 request=[0-9a-f]+", log)
    assert "GET //pulp//api/v2/nowhere/ 404 " in log
    assert answer.headers["x-request-id"] in log
    assert _PASSWORD not in log
    assert "horse" not in log
