"""A real server in this process, over real connections: plain, or TLS with a certificate of the test's own."""

from __future__ import annotations

import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from entrepot.access import Operation
from entrepot.engine import Engine
from entrepot.readers import Readers
from entrepot.rest import RestApp
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint
from entrepot.web.server import bound_socket, server_config
from entrepot.web.tls import tls_context

PASSWORD = "correct horse battery staple"
Doors = Callable[..., "Door"]


def who_asks(asked: Asked) -> Answer:
    """Say who asks, and from where."""
    assert asked.principal is not None
    return Answer({"login": asked.login, "via": asked.principal.via, "client": asked.scope["client"][0]})


class Door:
    """A server that answers `/pulp/api/v2/who/`, and `told/` to a POST, and the engine behind it."""

    def __init__(self, engine: Engine, url: str, certificate: Path) -> None:
        self.engine = engine
        self.url = url
        self._certificate = certificate

    def who(self, *, certificate: Path | None = None, **options: Any) -> httpx.Response:
        """Ask who asks, with a client's certificate (and its key in the same file) if one is given."""
        context = ssl.create_default_context(cafile=str(self._certificate))
        if certificate is not None:
            context.load_cert_chain(certificate)
        with httpx.Client(verify=context) as client:
            return client.get(f"{self.url}/pulp/api/v2/who/", **options)


@pytest.fixture
def database_kind() -> str:
    """One is enough: connections are what is tested."""
    return "sqlite"


@pytest.fixture
def server_certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file."""
    return write_certificate(tmp_path / "server.pem", "127.0.0.1")


@pytest.fixture
def open_door(settings, authority_folder: Path, server_certificate: Path) -> Iterator[Doors]:
    """Starts servers; `tls=True` lets one speak TLS, the rest are settings."""
    shutil.copytree(authority_folder, settings.authority_dir)
    with ExitStack() as stack:

        def opened(*, tls: bool = False, host: str = "127.0.0.1", **changed: Any) -> Door:
            if tls:
                changed["tls_certificate"] = server_certificate
            chosen = settings.model_copy(update={**changed, "admin_password": SecretStr(PASSWORD)})
            return stack.enter_context(_serving(Engine(settings=chosen), server_certificate, host))

        yield opened


@contextmanager
def _serving(engine: Engine, certificate: Path, host: str) -> Iterator[Door]:
    asks = Endpoint("GET", "/v2/who/", Operation.READ, who_asks, {200: None})
    told = Endpoint("POST", "/v2/told/", Operation.READ, who_asks, {200: None}, body=Body({}, is_optional=True))
    with engine, bound_socket(host, 0) as listener:
        engine.initialise()
        engine.access.ensure_administrator()
        app = RestApp(engine, Readers(engine), endpoints=(asks, told))
        tls = tls_context(engine)
        server = uvicorn.Server(server_config(engine.settings, app, tls=tls))
        listener.listen()  # the first request waits in the queue until the server takes it
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Door(engine, f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}", certificate)
        server.should_exit = True
        thread.join()


def write_certificate(file: Path, common_name: str) -> Path:
    """Write a certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file
