"""The `tidings` command from outside: its ready line, its exits, its words."""

import json
import stat
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import Process, alive, run, stack

READY_KEYS = [
    "ready",
    "url",
    "api_key",
    "tenant",
    "nats_url",
    "database_url",
    "admin_database_url",
    "data",
    "pid",
]


@pytest.mark.parametrize(
    "command", ["", "up", "serve", "demo", "jobs", "watch", "types", "projections verify", "keys create"]
)
def test_every_command_explains_itself(command: str) -> None:
    helped = run(*command.split(), "--help")
    assert helped.returncode == 0
    assert "Usage: tidings" in helped.stdout


def test_an_unknown_option_could_not_run() -> None:
    assert run("jobs", "--colour").returncode == 2


def test_without_a_stack_it_says_how_to_start_one(tmp_path: Path) -> None:
    for command in ("jobs", "watch EX-7F3K9MQ2", "projections verify", "keys list --tenant acme"):
        refused = run(*command.split(), "--data", str(tmp_path / "none"))
        assert refused.returncode == 2, refused.stderr
        assert "tidings up" in refused.stderr
        assert refused.stdout == ""
    assert not (tmp_path / "none").exists(), "looking for a stack makes none"


def test_the_ready_line(up: Process, home: Path) -> None:
    assert list(up.ready) == READY_KEYS
    told: dict[str, object] = dict(up.ready)
    assert (told["ready"], told["pid"], told["data"]) == (True, up.pid, str(home))
    assert httpx.get(f"{up.ready['url']}/healthz").status_code == 200
    headers = {"Authorization": f"Bearer {up.ready['api_key']}"}
    assert httpx.get(f"{up.ready['url']}/v1/types", headers=headers).status_code == 200
    assert httpx.get(f"{up.ready['url']}/v1/types").status_code == 401


def test_the_ready_line_is_kept_for_the_owner_alone(up: Process, home: Path) -> None:
    state = home / "state.json"
    assert json.loads(state.read_text()) == up.ready
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


def test_a_second_up_is_refused(up: Process, home: Path) -> None:
    second = run("up", "--data", str(home), "--port", "0")
    assert second.returncode == 2
    assert f"process {up.pid} at {up.ready['url']}" in second.stderr
    assert second.stdout == ""


def test_a_taken_port_is_refused_before_anything_starts(up: Process, tmp_path: Path) -> None:
    port = up.ready["url"].rpartition(":")[2]
    refused = run("up", "--data", str(tmp_path / "other"), "--port", port)
    assert refused.returncode == 2
    assert "--port" in refused.stderr
    assert not (tmp_path / "other").exists()


def test_jobs_and_types_of_a_new_stack(up: Process, home: Path) -> None:
    assert up.ready
    assert json.loads(run("jobs", "--json", TIDINGS_DATA=str(home)).stdout) == {"jobs": [], "next": None}
    assert run("jobs", "--data", str(home)).stdout == "No jobs here yet.\n"
    assert json.loads(run("types", "--json", "--data", str(home)).stdout)["types"] == []


def test_the_servers_alone_are_enough(up: Process, home: Path) -> None:
    """Given the database, a command needs no running service; what it needed of its own is gone afterwards."""
    database = up.ready["database_url"]
    listed = run("types", "--json", TIDINGS_DATABASE_URL=database)
    assert (listed.returncode, json.loads(listed.stdout)["types"]) == (0, []), listed.stderr
    keys = json.loads(run("keys", "list", "--tenant", "default", "--json", "--data", str(home)).stdout)
    assert [key["revoked_at"] is None for key in keys["keys"]].count(True) == 1


def test_a_refused_filter_does_not_hold(up: Process, home: Path) -> None:
    assert up.ready
    assert run("jobs", "--state", "sleeping", "--data", str(home)).returncode == 1


def test_watching_an_unknown_job_does_not_hold(up: Process, home: Path) -> None:
    assert up.ready
    unknown = run("watch", "EX-7F3K9MQ2", "--data", str(home))
    assert unknown.returncode == 1
    assert "EX-7F3K9MQ2" in unknown.stdout


def test_a_key_is_made_used_listed_and_revoked(up: Process, home: Path) -> None:
    """A new tenant begins with its first key."""
    where = ("--tenant", "acme", "--data", str(home), "--json")
    made = json.loads(run("keys", "create", *where, "--scopes", "read,submit", "--expires", "90d").stdout)
    assert list(made) == ["id", "key", "tenant", "scopes", "expires_at"]
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert httpx.get(f"{up.ready['url']}/v1/jobs", headers=headers).status_code == 200

    [listed] = json.loads(run("keys", "list", *where).stdout)["keys"]
    assert listed["id"] == made["id"]
    assert made["key"] not in json.dumps(listed)

    assert run("keys", "revoke", made["id"], *where).returncode == 0
    assert httpx.get(f"{up.ready['url']}/v1/jobs", headers=headers).status_code == 401
    assert run("keys", "revoke", made["id"], *where).returncode == 1


def test_projections_hold_and_can_be_rebuilt_while_it_runs(up: Process, home: Path) -> None:
    assert up.ready
    assert run("projections", "rebuild", "--data", str(home)).returncode == 0
    verified = run("projections", "verify", "--json", "--data", str(home))
    assert json.loads(verified.stdout) == {"ok": True, "differences": []}


def test_a_clean_end_leaves_no_process_and_the_same_key_works_again(data: Path) -> None:
    """Also: a stopped stack can still be verified."""
    with stack(data) as first:
        family = first.family()
        assert first.end() == 0
        assert alive(family, within_s=0) == []
    assert not (data / "state.json").exists()
    assert run("projections", "verify", "--data", str(data)).returncode == 0
    with stack(data, "--no-demo") as second:
        assert second.ready["api_key"] == first.ready["api_key"]
