"""A setting that can't be used stops the start and names its variable; the page about them is current."""

from pathlib import Path

import pytest

from services.settings import BadSetting, Settings
from services.settings_page import page

URL = {"TIDINGS_DATABASE_URL": "postgresql://tidings:pass@127.0.0.1/tidings"}


def test_defaults_need_a_database_alone() -> None:
    settings = Settings.from_env(URL)
    assert (settings.port, settings.partitions, settings.nats_url) == (8080, 1, None)


def test_numbers_are_read_from_words() -> None:
    settings = Settings.from_env({**URL, "TIDINGS_PARTITIONS": "4", "TIDINGS_NET_S": "0.5", "TIDINGS_PORT": "0"})
    assert (settings.partitions, settings.net_s, settings.port) == (4, 0.5, 0)


def test_an_empty_variable_counts_as_missing() -> None:
    assert Settings.from_env({**URL, "TIDINGS_NATS_URL": ""}).nats_url is None


def test_files_lie_below_the_data_folder_by_default(tmp_path: Path) -> None:
    assert Settings.from_env({**URL, "TIDINGS_DATA": str(tmp_path)}).files_url == (tmp_path / "files").as_uri()
    assert Settings.from_env({**URL, "TIDINGS_FILES_URL": "s3://bucket"}).files_url == "s3://bucket"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIDINGS_PORT", "65536"),
        ("TIDINGS_PORT", "http"),
        ("TIDINGS_PARTITIONS", "3"),
        ("TIDINGS_NET_S", "0"),
        ("TIDINGS_FILES_URL", "/var/files"),
        ("TIDINGS_LOG_LEVEL", "loud"),
        ("TIDINGS_ALLOWED_ORIGINS", "*"),
        ("TIDINGS_ALLOWED_ORIGINS", "https://shop.example/page"),
        ("TIDINGS_ALLOWED_ORIGINS", "https://shop.example, https://other.example"),
    ],
)
def test_a_bad_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        Settings.from_env({**URL, name: value})


def test_a_missing_database_is_named() -> None:
    with pytest.raises(BadSetting, match="TIDINGS_DATABASE_URL is missing"):
        Settings.from_env({})


def test_a_bad_url_is_not_repeated() -> None:
    """It may carry a password, and errors land in logs."""
    with pytest.raises(BadSetting) as refusal:
        Settings.from_env({"TIDINGS_DATABASE_URL": "mysql://root:hunter2@db"})
    assert "hunter2" not in str(refusal.value)


def test_the_page_about_settings_is_current() -> None:
    """`make docs` writes it."""
    assert (Path(__file__).parents[2] / "docs/settings.md").read_text() == page()
