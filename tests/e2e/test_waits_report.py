"""`tidings waits report` beside a running stack: the same that `GET /v1/waits/calibration` answers."""

import json
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import Process, run

JOBS = 20
TYPE = "orders.export"


def worked(http: httpx.Client) -> None:
    """Jobs of one type from click to result, one after the other."""
    definition = {"title": "Export", "dedupe": {"for": "never"}}
    http.put(f"/v1/types/{TYPE}", json=definition).raise_for_status()
    for n in range(JOBS):
        http.post("/v1/jobs", json={"type": TYPE, "owner": f"o{n % 3}", "input": n}).raise_for_status()
        claimed = http.post("/v1/work/claim", json={"types": [TYPE], "worker": "w-1", "wait": 5, "max": 1}).json()
        (assignment,) = claimed["assignments"]
        done = http.post(f"/v1/work/{assignment['lease']}/finish", json={"result": {"inline": {}}})
        done.raise_for_status()


def counted(http: httpx.Client) -> list[dict[str, object]]:
    """The calibration, once all jobs are counted: it follows the log by itself."""
    while True:
        answer = http.get("/v1/waits/calibration").raise_for_status().json()
        parts = [part for kind in answer["types"] for part in kind["parts"] if part["what"] == "work"]
        if parts and parts[0]["answers"] == JOBS:
            return list(answer["types"])


@pytest.mark.timeout(120)
def test_the_report_says_what_the_service_counts(up: Process, home: Path) -> None:
    empty = run("waits", "report", "--data", str(home))
    assert empty.returncode == 0
    assert "Nothing was stated yet" in empty.stdout
    headers = {"Authorization": f"Bearer {up.ready['api_key']}"}
    with httpx.Client(base_url=up.ready["url"], headers=headers, timeout=30) as http:
        worked(http)
        types = counted(http)
    told = run("waits", "report", "--json", "--data", str(home))
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == {"types": types}
    shown = run("waits", "report", "--data", str(home), COLUMNS="200")
    assert TYPE in shown.stdout
    assert "before the start" in shown.stdout
