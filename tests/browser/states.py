"""A job in each state that a person may meet, brought there by real calls of a worker and a person."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

LATER = (datetime.now(UTC) + timedelta(days=1)).isoformat()
LONG_S = 3600
RATHER_SOON = {"first": LONG_S, "factor": 1, "max": LONG_S}
STAGES = [
    {"name": "reading", "label": {"en": "Reading rows", "de": "Zeilen lesen"}},
    {"name": "writing", "label": {"en": "Writing the final CSV", "de": "Die CSV-Datei schreiben"}},
    {"name": "storing", "label": {"en": "Storing your file", "de": "Ihre Datei ablegen"}},
]
KIND: dict[str, Any] = {
    "title": {"en": "Export of orders", "de": "Export der Bestellungen"},
    "stages": STAGES,
    "lease": LONG_S,
    "result": {"place": {"en": "Your file will appear in Exports.", "de": "Ihre Datei erscheint unter Exporte."}},
    "unit": {"one": {"en": "row", "de": "Zeile"}, "other": {"en": "rows", "de": "Zeilen"}},
}
READING, WRITING = ("stage", {"name": "reading"}), ("stage", {"name": "writing"})
COUNTED = ("progress", {"done": 12_500, "total": 50_000})
BAD_ROWS = [
    {"row": 17, "column": "start_date", "reason": "is not a date", "value": "2024-13-45"},
    {"row": 388, "column": "email", "reason": "is missing"},
    {"row": 1204, "column": "email", "reason": "is not an email address", "value": "kaya.demir(at)juniper.example"},
]
PROBLEMS = ("problems", {"items": BAD_ROWS})
FINISHED = ("finish", {"result": {"inline": {"rows": 49_997}}, "items": {"ready": 49_997}})


@dataclass(frozen=True)
class Way:
    """How a job comes to a state: its kind's own rules, its wish, a worker's reports, whether it is canceled at last;
    and a word that its screen shows when it is there."""

    shows: str
    reports: tuple[tuple[str, dict[str, Any]], ...] | None = None  # None: nobody claims it
    kind: dict[str, Any] = field(default_factory=dict)
    wish: dict[str, Any] = field(default_factory=dict)
    cancel: bool = False


WAYS = {
    "ready": Way("Waiting for a free worker."),
    "scheduled": Way("Waiting for its start time.", wish={"not_before": LATER}),
    "starting": Way("Starting the work", ()),
    "working": Way("Reading rows.", (READING,)),
    "counted": Way("12,500 of 50,000 rows", (READING, WRITING, COUNTED)),
    "so_far": Way("12,500 rows so far", (READING, ("progress", {"done": 12_500}))),
    "attention": Way("3 rows need attention", (READING, WRITING, COUNTED, PROBLEMS)),
    "quiet": Way("Quiet for a while", (READING, WRITING, COUNTED), {"stall": {"quiet": 1}}),
    "stuck": Way("Stuck", (READING, WRITING, COUNTED), {"stall": {"quiet": 1, "stuck": 1}}),
    "finalizing": Way("Storing your result", (("progress", {"done": 50_000, "total": 50_000}),), {"stages": []}),
    "canceling": Way("Stopping", (WRITING, COUNTED), cancel=True),
    "failed": Way(
        "The last try failed",
        (READING, ("fail", {"reason": "timed out", "text": "The shop did not answer in time."})),
        {"retry": {"backoff": RATHER_SOON}},
    ),
    "lost": Way("The last try stopped early", (READING,), {"lease": 3, "retry": {"backoff": RATHER_SOON}}),
    "asking": Way(
        "Fix start_date",
        (
            READING,
            ("needs-fix", {"text": "Row 17 has an invalid date in start_date.", "row": 17, "column": "start_date"}),
        ),
    ),
    "asking_items": Way(
        "3 rows need attention.",
        (READING, WRITING, PROBLEMS, ("needs-fix", {"text": "3 rows need attention."})),
        {"retry": {"safety": "may_duplicate", "mode": "resumes"}},
    ),
    "gave_up": Way("stopped after 1 try", (READING, ("fail", {"reason": "no", "retryable": False}))),
    "overdue": Way("deadline", kind={"deadline": 1}),
    "done": Way("Your result is ready", (READING, WRITING, FINISHED)),
    "partly_done": Way(
        "Retry 3 failed rows", (WRITING, PROBLEMS, FINISHED), {"retry": {"safety": "may_charge", "mode": "resumes"}}
    ),
    "stopped": Way("Canceled", cancel=True),
    "expired": Way("did not come in time", (("needs-fix", {"text": "The key is missing."}),), {"expires": 1}),
}


async def bring_all(http: httpx.AsyncClient, owner: str) -> dict[str, str]:
    """One job for each way, by the way's name: its id."""
    ids = await asyncio.gather(*(_bring(http, owner, name, way) for name, way in WAYS.items()))
    return dict(zip(WAYS, ids, strict=True))


async def _bring(http: httpx.AsyncClient, owner: str, name: str, way: Way) -> str:
    kind = f"states.{name}"
    (await http.put(f"/v1/types/{kind}", json=KIND | way.kind)).raise_for_status()
    wish = {"type": kind, "owner": owner, "size": 50_000, "input": {"of": owner}} | way.wish
    job: str = (await http.post("/v1/jobs", json=wish)).raise_for_status().json()["id"]
    if way.reports is not None:
        claim = {"types": [kind], "worker": "worker-1", "wait": 20}
        (given,) = (await http.post("/v1/work/claim", json=claim)).raise_for_status().json()["assignments"]
        for verb, body in way.reports:
            (await http.post(f"/v1/work/{given['lease']}/{verb}", json=body)).raise_for_status()
    if way.cancel:
        (await http.post(f"/v1/jobs/{job}/cancel", json={})).raise_for_status()
    return job
