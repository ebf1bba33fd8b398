"""The commands of auditors on a real stack: export, prove, replay all, and archive though it is killed on its way."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from pyarrow import parquet

from tests.e2e.processes import ROOT, Process, environment, run, stack

JOBS = 600
OPEN = 25  # of them
TYPE = "orders.export"
SPOIL = """update jobs set doc =
    convert_to(replace(convert_from(doc, 'UTF8'), '"owner":"ann"', '"owner":"eve"'), 'UTF8') where id = $1"""
NO_PYARROW = "import sys; sys.modules['pyarrow'] = None; from services.cli import main; main()"


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[Process]:
    """A stack whose worker has ended most of its jobs."""
    with stack(home, "--no-demo") as process:
        key = {"Authorization": f"Bearer {process.ready['api_key']}"}
        with httpx.Client(base_url=process.ready["url"], headers=key, timeout=60) as http:
            work(http)
        yield process


def work(http: httpx.Client) -> None:
    defined = http.put(f"/v1/types/{TYPE}", json={"title": "Export", "dedupe": {"for": "never"}, "keep": 0.001})
    assert defined.status_code in {200, 201}, defined.text
    for part in parts_of(JOBS, 100):
        wanted = [{"type": TYPE, "owner": "ann", "input": {"n": n, "words": "x" * 300}} for n in part]
        assert http.post("/v1/jobs/batch", json={"jobs": wanted}).status_code == 200
    ended = 0
    while ended < JOBS - OPEN:
        asked = {"types": [TYPE], "worker": "w-1", "max": min(100, JOBS - OPEN - ended), "slots": 1000}
        found = http.post("/v1/work/claim", json=asked).json()["assignments"]
        done = [
            {"lease": each["lease"], "verb": "finish", "body": {"result": {"inline": {"rows": 3}}}} for each in found
        ]
        answers = http.post("/v1/work/report", json={"worker": "w-1", "reports": done}).json()["answers"]
        assert {each["status"] for each in answers} == {200}
        ended += len(found)


def parts_of(count: int, size: int) -> list[range]:
    return [range(n, min(n + size, count)) for n in range(0, count, size)]


def of_type(home: Path, *more: str) -> list[str]:
    """Its jobs' lines, and its own: no read of ours among them."""
    done = run("audit", "export", "--type", TYPE, "--data", str(home), *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def a_job(up: Process) -> dict[str, str]:
    key = {"Authorization": f"Bearer {up.ready['api_key']}"}
    found: dict[str, str] = httpx.get(f"{up.ready['url']}/v1/jobs?state=finished&limit=1", headers=key).json()["jobs"][
        0
    ]
    return found


def test_an_export_is_the_same_as_lines_and_as_parquet(up: Process, home: Path, tmp_path: Path) -> None:
    lines, out = of_type(home), tmp_path / "log.parquet"
    assert len(lines) > 4 * (JOBS - OPEN)
    for _ in range(2):
        assert of_type(home, "--out", str(out)) == []
        assert parquet.read_table(out)["line"].to_pylist() == lines
    named = tmp_path / "log"
    assert (
        of_type(home, "--out", str(named), "--format", "parquet", "--until", json.loads(lines[9])["recorded_at"]) == []
    )
    earlier = [line for line in lines if json.loads(line)["recorded_at"] < json.loads(lines[9])["recorded_at"]]
    assert parquet.read_table(named)["line"].to_pylist() == earlier
    of_job = run("audit", "export", "--job", a_job(up)["ref"], "--out", str(tmp_path / "job.pq"), "--data", str(home))
    assert of_job.returncode == 0, of_job.stderr
    assert parquet.read_table(tmp_path / "job.pq")["type"].to_pylist()[-1] == "JobFinished"


def test_a_refused_export_says_what_to_do(up: Process, home: Path, tmp_path: Path) -> None:
    assert up.ready
    out = tmp_path / "log.parquet"
    where = ("--data", str(home))
    unknown = run("audit", "export", "--format", "csv", *where)
    assert (unknown.returncode, "ndjson and parquet" in unknown.stderr) == (2, True)
    nowhere = run("audit", "export", "--format", "parquet", *where)
    assert (nowhere.returncode, "--out" in nowhere.stderr) == (2, True)
    assert run("audit", "export", "--out", str(out), *where).returncode == 0
    nobody = run("audit", "export", "--tenant", "acmee", *where)
    assert (nobody.returncode, nobody.stdout) == (2, "")
    assert nobody.stderr.startswith("There is no tenant acmee.\nName another one with --tenant")
    unwritable = run("audit", "export", "--out", str(tmp_path / "none" / "log"), *where)
    assert unwritable.returncode == 2
    assert unwritable.stderr.splitlines()[0] == f"{tmp_path / 'none' / 'log'}: No such file or directory."
    other = run("audit", "export", "--out", str(out), "--type", TYPE, *where)
    assert (other.returncode, "another export" in other.stderr) == (2, True)
    notes, lines = tmp_path / "notes.txt", tmp_path / "log.ndjson"
    notes.write_text("Dear diary,\nno line of a log")
    assert run("audit", "export", "--out", str(lines), *where).returncode == 0
    edited = tmp_path / "edited.ndjson"
    edited.write_text(lines.read_text().replace('"position":1,', '"position":1, ', 1))
    for path, more in ((notes, ()), (lines, ("--type", TYPE)), (edited, ())):
        before = path.read_bytes()
        other = run("audit", "export", "--out", str(path), *more, *where)
        assert (other.returncode, "another export" in other.stderr) == (2, True), path
        assert path.read_bytes() == before, "and it is left as it is"
    torn = tmp_path / "torn.ndjson"
    torn.write_bytes(lines.read_bytes()[:-9])
    assert run("audit", "export", "--out", str(torn), *where).returncode == 0
    assert torn.read_bytes().startswith(lines.read_bytes())
    without = [sys.executable, "-c", NO_PYARROW, "audit", "export", "--out", str(tmp_path / "no.parquet"), *where]
    missing = subprocess.run(without, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.splitlines() == [
        "Parquet needs pyarrow, which is not installed.",
        "Install it: pip install 'tidings-server[parquet]'. Or export as NDJSON.",
    ]
    assert not (tmp_path / "no.parquet").exists()


def test_a_bundle_is_proof_without_the_stack(up: Process, home: Path, tmp_path: Path) -> None:
    job, out = a_job(up), tmp_path / "job.json"
    made = run("audit", "prove", job["ref"], "--out", str(out), "--data", str(home))
    assert made.returncode == 0, made.stderr
    assert made.stderr.startswith(f"{out} proves all {job['version']} events of job {job['ref']} ({job['id']}).\n")
    printed = run("audit", "prove", job["id"], "--data", str(home))
    assert [each["line"] for each in json.loads(printed.stdout)["events"]] == [
        each["line"] for each in json.loads(out.read_bytes())["events"]
    ]
    nowhere = {"TIDINGS_DATA": str(tmp_path / "none")}
    checked = run("audit", "check-bundle", str(out), "--json", **nowhere)
    said = json.loads(checked.stdout)
    assert (checked.returncode, said["ok"], said["job"], said["events"]) == (0, True, job["id"], job["version"])
    key = json.loads(out.read_bytes())["key"]
    by_key = run("audit", "check-bundle", str(out), "--key", key, **nowhere)
    assert (by_key.returncode, f"events of job {job['ref']} (" in by_key.stdout) == (0, True)
    out.write_text(out.read_text().replace("ann", "eve"))
    forged = run("audit", "check-bundle", str(out), "--json", **nowhere)
    assert (forged.returncode, json.loads(forged.stdout)["ok"]) == (1, False)
    in_words = run("audit", "check-bundle", str(out), **nowhere).stdout
    assert "not in the log that was signed.\nTrust nothing in it" in in_words
    none = run("audit", "prove", "EX-00000000", "--data", str(home))
    assert (none.returncode, "Check the reference" in none.stderr) == (1, True)


def test_a_job_that_is_shown_otherwise_is_reported(up: Process, home: Path, tmp_path: Path) -> None:
    into, job = tmp_path / "reports", a_job(up)["id"]
    asked = ("audit", "replay", "--all", "--into", str(into), "--json", "--data", str(home))
    whole = run(*asked)
    assert whole.returncode == 0, whole.stderr
    assert (json.loads(whole.stdout)["ok"], json.loads(whole.stdout)["jobs"]) == (True, JOBS)
    asyncio.run(as_superuser(up, SPOIL, job))
    spoiled = run(*asked)
    assert (spoiled.returncode, json.loads(spoiled.stdout)["differing"]) == (1, 1)
    assert json.loads((into / f"{job}.json").read_bytes())["fields"] == ["owner"]
    assert run("projections", "repair", "--data", str(home)).returncode == 0
    assert run(*asked).returncode == 0


async def as_superuser(up: Process, sql: str, *binds: object) -> int:
    conn = await asyncpg.connect(up.ready["admin_database_url"])
    try:
        found = await conn.fetchval(sql, *binds)
        return int(found or 0)
    finally:
        await conn.close()


@pytest.mark.long
@pytest.mark.timeout(400)  # a dozen processes, one after the other
def test_whatever_is_killed_an_archive_loses_nothing_and_gives_its_room_back(up: Process, home: Path) -> None:
    """As the last of these: most lines have left the table then, and all of the above still holds."""
    lines, job = of_type(home), a_job(up)
    asked = ("audit", "archive", "--compact", "--json", "--data", str(home))
    size = "select pg_total_relation_size('events')"
    before = asyncio.run(as_superuser(up, size))
    for point in ("after_file", "before_commit", "after_commit"):
        killed = run(*asked, TIDINGS_CRASH_AT=f"archive.{point}")
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert of_type(home)[: len(lines)] == lines  # what waits long is delayed, which is an event
        verified = run("audit", "verify", "--data", str(home))
        assert verified.returncode == 0, (point, verified.stdout, verified.stderr)
    done = run(*asked)
    assert done.returncode == 0, done.stderr
    assert asyncio.run(as_superuser(up, "select count(*) from archives")) >= 1
    left = "select count(distinct stream) from events where strpos(stream, ':') = 0"
    assert asyncio.run(as_superuser(up, left)) == OPEN, "what is open is carried along"
    after = asyncio.run(as_superuser(up, size))
    assert after < before / 3, (before, after)
    assert of_type(home)[: len(lines)] == lines  # what waits long is delayed, which is an event
    verified = run("audit", "verify", "--json", "--data", str(home))
    assert (verified.returncode, json.loads(verified.stdout)["events"] > len(lines)) == (0, True)
    key = {"Authorization": f"Bearer {up.ready['api_key']}"}
    told = httpx.get(f"{up.ready['url']}/v1/jobs/{job['id']}/events", headers=key).json()["events"]
    assert [each["version"] for each in told] == list(range(1, int(job["version"]) + 1))
    assert run("projections", "verify", "--data", str(home)).returncode == 0
