"""The files by which people run entrepot name what exists: commands, settings, ports, folders; and pages show them as they are.

No container is built here: what can be said without a container engine is said of the text.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.house.test_docs import FENCED, problem_with

from entrepot.settings import Settings

ROOT = Path(__file__).parents[2]
CONTAINER, SYSTEMD, NGINX = (ROOT / "scripts" / name for name in ("container", "systemd", "nginx"))
FILES = sorted(path for folder in (CONTAINER, SYSTEMD, NGINX) for path in folder.iterdir() if path.name != "scale.env")
UNITS = sorted(SYSTEMD.iterdir())
COMPOSED = sorted(CONTAINER.glob("compose.*.yml"))
#: Languages of blocks that are files of `scripts`.
SHOWN = ("ini", "nginx", "yaml", "dockerfile")

INSTRUCTIONS = {
    "FROM",
    "WORKDIR",
    "COPY",
    "RUN",
    "ENV",
    "USER",
    "VOLUME",
    "EXPOSE",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
}


def test_the_how_tos_show_the_files_as_they_are() -> None:
    texts = {path.read_text(encoding="utf-8"): path.name for path in FILES}
    pages = sorted((ROOT / "docs" / "howto").glob("*.md"))
    blocks = [(page, body) for page in pages for language, body in FENCED.findall(page.read_text("utf-8")) if language in SHOWN]

    assert [f"{page.name}: {body.splitlines()[0]}" for page, body in blocks if body not in texts] == []
    assert {texts[body] for _, body in blocks} >= {"entrepot.service", "entrepot.conf", "Containerfile", "compose.small.yml"}


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_every_setting_in_a_file_exists(file: Path) -> None:
    named = re.findall(r"ENTREPOT_([A-Z_]+)", file.read_text(encoding="utf-8"))

    assert [name for name in named if name.lower() not in Settings.model_fields] == []


# systemd


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_exists_and_leaves_it_time_to_stop(unit: Path) -> None:
    values = dict(settings_of(unit))
    program, *words = shlex.split(values["ExecStart"])

    assert (program, problem_with(words)) == ("/opt/entrepot/bin/entrepot", None)
    assert values["Environment"] == f"ENTREPOT_DATA_DIR=/var/lib/{values['StateDirectory']}"
    if words[0] in ("serve", "worker"):
        assert int(values["TimeoutStopSec"]) > Settings.model_fields["drain_seconds"].default + 5


def test_all_units_are_confined_alike() -> None:
    confined = {
        unit.name: [line for line in settings_of(unit) if re.match("No|Pro|Priv|Restrict|Cap|Sys|Lock|UMask", line[0])]
        for unit in UNITS
    }

    assert len(confined["entrepot.service"]) >= 18
    assert {name for name, lines in confined.items() if lines != confined["entrepot.service"]} == set()


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed here")
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/entrepot/bin/entrepot", sys.executable)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")

    said = subprocess.run(
        [analyze, "verify", *(tmp_path / unit.name for unit in UNITS)], capture_output=True, text=True, check=False
    )

    assert (said.returncode, [line for line in said.stderr.splitlines() if "entrepot" in line]) == (0, [])


# nginx


def test_the_configuration_of_nginx_is_made_of_whole_directives() -> None:
    lines = [line.partition("#")[0].strip() for line in (NGINX / "entrepot.conf").read_text(encoding="utf-8").splitlines()]
    text = "\n".join(lines)

    assert [line for line in lines if line and not line.endswith((";", "{", "}"))] == []
    assert text.count("{") == text.count("}")
    assert "proxy_buffering off;" in text


def test_nginx_takes_the_configuration(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
    if nginx is None:
        pytest.skip("nginx is not installed here")
    certificate = tmp_path / "server.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=mirror.example.org",
    ]
    subprocess.run([*command, "-keyout", tmp_path / "server.key", "-out", certificate], capture_output=True, check=True)
    text = (NGINX / "entrepot.conf").read_text(encoding="utf-8").replace("/etc/entrepot", str(tmp_path))
    for number, port in enumerate(("80;", "443 ssl;")):  # it binds, to see whether it could
        text = text.replace(f"listen {port}", f"listen unix:{tmp_path}/{number}.sock{port.lstrip('0123456789')}")
    places = "".join(f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {places}\n{text} }}", encoding="utf-8"
    )

    tried = subprocess.run(
        [nginx, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False
    )

    assert (tried.returncode, [line for line in tried.stderr.splitlines() if "[warn]" in line]) == (0, []), tried.stderr


# containers


def test_the_container_file_installs_what_the_project_is_made_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [project["project"]["readme"], *project["project"]["license-files"], *wheel["packages"], *wheel["force-include"]]
    copied = {
        source for name, value in instructions() if name == "COPY" and "--from" not in value for source in value.split()[:-1]
    }
    extras = next(found[1].split(",") for _, value in instructions() if (found := re.search(r"\$wheel\[([a-z,]+)\]", value)))

    assert {name for name, _ in instructions()} <= INSTRUCTIONS
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert {Path(path).parts[0] for path in needed} | {"pyproject.toml"} == copied
    assert set(extras) == set(project["project"]["optional-dependencies"]) - {"dev", "otel", "site"}


def test_the_image_serves_as_nobody_in_particular_and_says_how_it_is() -> None:
    last = dict(instructions())
    command, user = json.loads(last["CMD"]), last["USER"]
    port = command[command.index("--port") + 1]

    assert json.loads(last["ENTRYPOINT"]) == ["entrepot"]
    assert problem_with(command) is None
    assert user.isdigit()
    assert f"--uid {user}" in (CONTAINER / "Containerfile").read_text(encoding="utf-8")
    assert last["EXPOSE"] == port
    assert f"http://127.0.0.1:{port}/readyz" in last["HEALTHCHECK"]
    assert f"ENTREPOT_DATA_DIR={last['VOLUME']}" in last["ENV"].split()
    assert last["STOPSIGNAL"] == "SIGTERM"


@pytest.mark.parametrize("file", COMPOSED, ids=lambda path: path.name)
def test_a_compose_file_holds_together(file: Path) -> None:
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    services = document["services"]
    port = dict(instructions())["EXPOSE"]

    for name, service in services.items():
        mounted = [volume.partition(":")[0] for volume in service.get("volumes", [])]
        assert [volume for volume in mounted if volume not in document["volumes"]] == [], name
        waited_for = service.get("depends_on", {})
        assert [other for other in waited_for if other not in services] == [], name
        healthy = [other for other, how in waited_for.items() if how["condition"] == "service_healthy"]
        assert [other for other in healthy if "test" not in services[other].get("healthcheck", {})] == [], name
        if service["image"] != "entrepot":
            continue
        command = service.get("command", json.loads(dict(instructions())["CMD"]))
        assert problem_with(command) is None
        assert (service["read_only"], service["tmpfs"], service["cap_drop"]) == (True, ["/tmp"], ["ALL"]), name  # noqa: S108
        assert "data:/data" in service["volumes"], name
        assert [published for published in service.get("ports", []) if published.rpartition(":")[2] != port] == [], name
        assert ("--port" in command) == (command[0] in ("serve", "api")), name
        if command[0] in ("serve", "worker"):
            assert int(service["stop_grace_period"].rstrip("s")) > Settings.model_fields["drain_seconds"].default + 5, name


def test_the_large_compose_file_has_two_web_servers_three_workers_and_a_scheduler() -> None:
    services = yaml.safe_load((CONTAINER / "compose.scale.yml").read_text(encoding="utf-8"))["services"]
    count = {name: service.get("deploy", {}).get("replicas", 1) for name, service in services.items()}

    assert count == {"postgresql": 1, "redis": 1, "migrate": 1, "api": 2, "worker": 3, "scheduler": 1}
    assert services["migrate"]["depends_on"] == {"postgresql": {"condition": "service_healthy"}}
    assert {name for name, service in services.items() if "healthcheck" in service} == set(services) - {
        "api"
    }  # that has the image's
    published = services["api"]["ports"][0].split(":")[1]
    first, last = map(int, published.split("-"))
    assert last - first + 1 == count["api"]


def test_the_example_of_secrets_fits_the_services_that_read_it() -> None:
    example = dict(
        line.split("=", 1) for line in (CONTAINER / "scale.env.example").read_text("utf-8").splitlines() if "=" in line
    )
    services = yaml.safe_load((CONTAINER / "compose.scale.yml").read_text(encoding="utf-8"))["services"]

    user, password, database = (example[f"POSTGRES_{name}"] for name in ("USER", "PASSWORD", "DB"))
    assert example["ENTREPOT_DATABASE_URL"] == f"postgresql://{user}:{password}@postgresql/{database}"
    assert example["ENTREPOT_BROKER_URL"] == "redis://redis:6379/0"
    assert {"postgresql", "redis"} <= set(services)
    assert {name for name, service in services.items() if service.get("env_file") != ["scale.env"]} == {"redis"}


def settings_of(unit: Path) -> Iterator[tuple[str, str]]:
    """Yield the settings of a unit, in order."""
    for line in unit.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            name, _, value = line.partition("=")
            yield name, value


def instructions() -> Iterator[tuple[str, str]]:
    """Yield the instructions of the container file, each on one line."""
    text = (CONTAINER / "Containerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", "", "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#")))
    for line in joined.splitlines():
        if line:
            name, _, value = line.partition(" ")
            yield name, value
