"""The whole log through the code of today: every job that is shown otherwise is reported, and no other."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventstore.postgres import Pool, open_pool
from projections import build
from projections.repair import repair
from projections.status import fold as status_fold
from projections.verify import second_build
from schemas import events as e
from schemas.envelope import Recorded
from schemas.job import Job
from services.commands.replay_all import REPORT, replayed
from tests.conftest import NewDatabase
from tests.store.logs import append, fill, job_id, requested, worked


@pytest.fixture
async def log(new_database: NewDatabase) -> AsyncIterator[Pool]:
    async with await open_pool(await new_database(2), 4) as pool:
        await fill(pool, 0, "acme", 30)
        await fill(pool, 1, "beta", 30)
        yield pool


def reports(into: Path) -> dict[str, dict[str, object]]:
    return {path.stem: json.loads(path.read_bytes()) for path in into.iterdir() if path.name != REPORT}


async def test_an_untouched_log_is_shown_as_it_says(log: Pool, tmp_path: Path) -> None:
    seen: list[int] = []
    report = await replayed(log, tmp_path / "new" / "folder", "en", seen.append)
    assert report.ok
    assert report.jobs == 60
    assert report.events == sum(seen) == sum(report.positions.values())
    assert reports(tmp_path / "new" / "folder") == {}
    assert json.loads((tmp_path / "new" / "folder" / REPORT).read_bytes())["ok"]


async def test_each_job_that_is_shown_otherwise_is_reported(log: Pool, tmp_path: Path) -> None:
    edited, removed, spoiled = [row["id"] for row in await log.fetch("select id::text from jobs order by id limit 3")]
    surplus = job_id()
    await log.execute("""update jobs set doc = convert_to(replace(convert_from(doc, 'UTF8'), '"owner":"ann"',
                         '"owner":"eve"'), 'UTF8') where id = $1""", edited)  # fmt: skip
    await log.execute("delete from jobs where id = $1", removed)
    await log.execute("update jobs set doc = '{' where id = $1", spoiled)
    await log.execute("update jobs set id = $2 where id = (select id from jobs where id > $1 order by id limit 1)",
                      spoiled, surplus)  # fmt: skip
    report = await replayed(log, tmp_path, "de")
    assert not report.ok
    found = reports(tmp_path)
    assert report.differing == len(found) == 5
    assert found[edited]["fields"] == ["owner"]
    assert (found[edited]["live"]["owner"], found[edited]["rebuilt"]["owner"]) == ("eve", "ann")  # type: ignore[index]
    assert found[removed]["live"] is None
    assert found[spoiled]["live"] is None
    assert found[surplus]["rebuilt"] is None
    assert {len(each["impossible"]) for each in found.values()} == {0}  # type: ignore[arg-type]
    assert (await repair(log)).ok
    assert (await replayed(log, tmp_path, "en")).ok


async def test_an_event_that_todays_code_cant_take_is_reported(
    log: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a change of the fold that an older log does not fit."""
    job = job_id()
    await append(log, 0, "acme", [(job, [*requested(job), *worked()])])
    fold = status_fold.fold

    def stricter(before: Job | None, recorded: Recorded) -> Job:
        if isinstance(recorded.data, e.JobFinished) and recorded.stream == job:
            raise ValueError("finished differently")
        return fold(before, recorded)

    monkeypatch.setattr(build, "fold", stricter)
    report = await replayed(log, tmp_path, "en")
    assert not report.ok
    (found,) = reports(tmp_path).values()
    assert found["job"] == job
    assert [each["detail"] for each in found["impossible"]] == ["finished differently"]  # type: ignore[attr-defined]
    assert "sentence" in found["fields"]  # type: ignore[operator]
    async with log.acquire() as conn, second_build(conn) as second:
        with pytest.raises(ValueError, match="finished differently"):
            await second.differences()


async def test_it_holds_while_the_service_appends(log: Pool, tmp_path: Path) -> None:
    """Both stand at the same positions, those of one snapshot."""
    report = await replayed(log, tmp_path, "en")
    await fill(log, 0, "acme", 5, 9)
    later = await replayed(log, tmp_path, "en")
    assert (report.ok, later.ok) == (True, True)
    assert later.positions[0] > report.positions[0]
    assert later.positions[1] == report.positions[1]
