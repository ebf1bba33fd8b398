"""The compose file and the Dockerfile hold together: what they name exists here. No image is built in these tests."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from schemas import subjects
from services.server import ROLES
from services.settings import Settings, variable

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGE = ROOT / "docs/deploy.md"
OWN = {"TIDINGS_DATABASE_PASSWORD", "TIDINGS_PUBLISH"}  # the compose file's own, for its other settings
SECRETS = {"TIDINGS_DATABASE_PASSWORD": "word1", "NATS_PASSWORD": "word2", "POSTGRES_PASSWORD": "word3"}


class Service(msgspec.Struct, kw_only=True):
    image: str
    command: list[str]
    environment: dict[str, str]
    volumes: list[str]
    build: dict[str, str] = {}
    healthcheck: dict[str, object] = {}
    depends_on: dict[str, dict[str, str]] = {}


class Compose(msgspec.Struct, kw_only=True):
    services: dict[str, Service]
    volumes: dict[str, None]


@pytest.fixture(scope="module")
def compose() -> Compose:
    return msgspec.yaml.decode((DEPLOY / "compose.yaml").read_bytes(), type=Compose)


def filled(value: str) -> str:
    """As compose fills `${NAME}`, `${NAME:-default}` and `${NAME:?why}`."""
    return re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", lambda found: SECRETS.get(found[1], found[3] or ""), value)


def ours(compose: Compose) -> dict[str, Service]:
    return {name: service for name, service in compose.services.items() if service.image == "tidings"}


def test_every_role_has_one_container(compose: Compose) -> None:
    commands = [service.command for service in ours(compose).values()]
    assert all(command[:2] == ["serve", "--roles"] for command in commands)
    assert sorted(command[2] for command in commands) == sorted(ROLES)


def test_the_service_takes_its_settings(compose: Compose) -> None:
    for service in ours(compose).values():
        settings = Settings.from_env({name: filled(value) for name, value in service.environment.items()})
        assert settings.database_url == "postgresql://tidings:word1@postgres:5432/tidings"
        assert settings.nats_url == ",".join(f"nats://tidings:word2@nats-{n}:4222" for n in (1, 2, 3))
        assert settings.nats_replicas == 3


@pytest.mark.parametrize("path", [*sorted(DEPLOY.iterdir()), PAGE], ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    known = {variable(field.name) for field in msgspec.structs.fields(Settings)} | OWN
    streams = {getattr(subjects, name) for name in dir(subjects) if name.endswith("_STREAM")}
    assert set(re.findall(r"TIDINGS_[A-Z_]*[A-Z]", path.read_text())) <= known | streams


def test_what_is_mounted_and_waited_for_is_there(compose: Compose) -> None:
    for service in compose.services.values():
        for source in (volume.split(":")[0] for volume in service.volumes):
            assert (DEPLOY / source).is_file() if source.startswith("./") else source in compose.volumes
        for other, wanted in service.depends_on.items():
            assert wanted == {"condition": "service_healthy"}
            assert "test" in compose.services[other].healthcheck


def test_the_cluster_knows_its_servers(compose: Compose) -> None:
    brokers = {name for name, service in compose.services.items() if service.image.startswith("nats:")}
    assert set(re.findall(r"nats://([\w-]+):6222", (DEPLOY / "nats-cluster.conf").read_text())) == brokers
    assert {compose.services[name].environment["NATS_SERVER_NAME"] for name in brokers} == brokers


def test_the_image_gets_the_whole_service_and_runs_without_root() -> None:
    lines = (DEPLOY / "Dockerfile").read_text()
    copied = {name for words in re.findall(r"^COPY (?!--)(.+) \S+$", lines, re.MULTILINE) for name in words.split()}
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["packages"]
    assert set(packages) <= copied
    assert all((ROOT / name).exists() for name in copied)
    context = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    assert {f"!{name}" for name in copied} <= set(context)
    assert re.findall(r"^USER (\S+)$", lines, re.MULTILINE) == ["10001"]
