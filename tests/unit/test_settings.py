"""Settings come from keywords, the environment and a TOML file, and a bad one is named."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from entrepot.errors import InvalidSettings
from entrepot.settings import Settings, default_data_dir, read_settings


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that the environment names."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("ENTREPOT_DATA_DIR", str(folder))
    return folder


def test_defaults_need_no_environment_and_put_the_database_into_the_data_folder(data_dir: Path) -> None:
    settings = read_settings()

    assert settings.effective_database_url == f"sqlite:///{data_dir / 'entrepot.sqlite3'}"
    assert settings.store_dir == data_dir / "store"
    assert settings.lease == timedelta(seconds=settings.lease_seconds)


def test_without_a_data_folder_it_is_in_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ENTREPOT_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    assert default_data_dir() == tmp_path / "entrepot"
    assert read_settings().data_dir == tmp_path / "entrepot"


def test_without_xdg_the_data_folder_is_below_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert default_data_dir() == tmp_path / ".local" / "share" / "entrepot"


def test_the_environment_wins_over_the_file_in_the_data_folder(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data_dir / "entrepot.toml").write_text("worker_threads = 7\nworker_processes = 9\n", encoding="utf-8")
    monkeypatch.setenv("ENTREPOT_WORKER_PROCESSES", "3")

    settings = read_settings()

    assert (settings.worker_threads, settings.worker_processes) == (7, 3)


def test_keywords_win_over_the_environment(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_WORKER_PROCESSES", "3")

    assert read_settings(worker_processes=5).worker_processes == 5


def test_another_file_may_be_named(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text('orphans = "fail"\n', encoding="utf-8")
    monkeypatch.setenv("ENTREPOT_CONFIG", str(tmp_path / "other.toml"))

    assert read_settings().orphans == "fail"


def test_lists_are_json_in_the_environment(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_TASK_MODULES", '["shop.tasks", "shop.more"]')

    assert read_settings().task_modules == ["shop.tasks", "shop.more"]


def test_a_table_in_the_environment_takes_the_place_of_the_whole_one_in_the_file(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data_dir / "entrepot.toml").write_text('[concurrency_limits]\n"*" = 5\n', encoding="utf-8")
    assert read_settings().concurrency_limits == {"*": 5}
    monkeypatch.setenv("ENTREPOT_CONCURRENCY_LIMITS", '{"shop.*": 2}')

    assert read_settings().concurrency_limits == {"shop.*": 2}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("concurrency_limits", {"shop.*": 0}),
        ("concurrency_limits", {"shop.*": 101}),
        ("memory_limits_mb", {"shop.*": 0}),
        ("time_limits_seconds", {"shop.*": -1}),
        ("time_limits_seconds", {"shop.*": float("inf")}),
    ],
)
def test_a_limit_that_cannot_be_is_named_with_its_pattern(name: str, value: object) -> None:
    with pytest.raises(InvalidSettings, match=rf"ENTREPOT_{name.upper()}: shop\.\*: "):
        read_settings(**{name: value})


@pytest.mark.parametrize(
    "name", [name for name in Settings.model_fields if name.endswith(("_seconds", "_days", "_bytes", "_mb"))]
)
def test_a_span_or_a_size_has_an_end(name: str) -> None:
    is_table = Settings.model_fields[name].annotation not in (int, float)

    for value in (float("inf"), float("nan"), 1e18):
        with pytest.raises(InvalidSettings, match=f"ENTREPOT_{name.upper()}: "):
            read_settings(**{name: {"shop.*": value} if is_table else value})


@pytest.mark.parametrize("name", ["2nd", "-x", "", "a b", "a" * 65, "mail\n", "pöst"])
def test_a_queue_that_cannot_be_is_named(name: str) -> None:
    with pytest.raises(InvalidSettings, match=r"ENTREPOT_WORKER_QUEUES: .*is no queue name: a letter or '_', then"):
        read_settings(worker_queues=["mail", name])


def test_a_password_in_an_address_is_not_shown() -> None:
    settings = read_settings(database_url="postgresql://u:s3cret@h/db", broker_url="redis://:s3cret@h")

    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(settings)


@pytest.mark.parametrize("url", ["s3cret@host:6379", "amqp://u:s3cret@h", "redis://:se/cret@h", "redis://:s3cret@h?timeout=3"])
def test_a_broker_that_cannot_be_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidSettings, match=r"ENTREPOT_BROKER_URL: .*write redis://") as caught:
        read_settings(broker_url=url)

    whole = f"{caught.value} {caught.value.__cause__}"
    assert "cret" not in whole
    assert "'se'" not in whole


def test_settings_load_the_client_of_redis_only_where_it_is_used() -> None:
    program = "import sys, entrepot.settings as it; it.read_settings(broker_url=sys.argv[1]); print('redis' in sys.modules)"

    loaded = [
        subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=True).stdout.strip()
        for url in ("", "redis://h")
    ]

    assert loaded == ["False", "True"]


def test_every_bad_setting_is_named_at_once(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_WORKER_THREADS", "many")
    monkeypatch.setenv("ENTREPOT_LEASE_SECONDS", "-1")

    with pytest.raises(InvalidSettings) as caught:
        read_settings()

    assert caught.value.data == {"property_names": ["worker_threads", "lease_seconds"]}
    assert "ENTREPOT_WORKER_THREADS" in str(caught.value)
    assert "ENTREPOT_LEASE_SECONDS" in str(caught.value)


def test_a_list_that_is_no_json_is_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_TASK_MODULES", "shop.tasks")

    with pytest.raises(InvalidSettings, match="ENTREPOT_TASK_MODULES"):
        read_settings()


def test_what_holds_for_a_plugin_is_a_table_of_its_own(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data_dir / "entrepot.toml").write_text(
        '[plugins.yum_distributor]\nsigning_key = "/etc/key.asc"\nmost = 5\n', encoding="utf-8"
    )

    assert read_settings().plugins == {"yum_distributor": {"signing_key": "/etc/key.asc", "most": 5}}
    monkeypatch.setenv("ENTREPOT_PLUGINS", '{"iso_importer": {"max_downloads": 9}}')
    assert read_settings().plugins == {"iso_importer": {"max_downloads": 9}}
    assert "/etc/key.asc" not in repr(read_settings(plugins={"a": {"signing_key": "/etc/key.asc"}}))


def test_a_file_that_is_no_toml_is_named(data_dir: Path) -> None:
    (data_dir / "entrepot.toml").write_text("worker_threads = = 7", encoding="utf-8")

    with pytest.raises(InvalidSettings, match=r"entrepot\.toml"):
        read_settings()


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError):
        read_settings().worker_threads = 9  # type: ignore[misc]


def test_the_admin_password_is_not_shown() -> None:
    settings = read_settings(admin_password="geheim")

    assert "geheim" not in repr(settings)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_has_a_sentence(name: str) -> None:
    description = Settings.model_fields[name].description or ""

    assert description.endswith(".")
