"""Promise 5: the seal covers every byte. The golden lines stand for ever; another form would be a new schema."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from eventstore.chain import START, digest_of, next_hash
from schemas import events as e
from schemas.envelope import Actor, Cause, Recorded, decode, encode, line, seal
from schemas.jobtypes import Definition

GOLDEN = Path(__file__).parent.parent / "golden" / "sealed_lines.ndjson"
JOB = "0193c5a0-7b1c-7def-8123-456789abcdef"
ANN = Actor("user", "ann")
WORKER = Actor("worker", "w-1")
SHOP = Actor("service", "shop")
BAD_ROW = e.Item(id="17", row=17, column="start_date", reason='"31.02." is no date\n', value={"a": [1, None]})
FILE = e.StoredResult(upload="0193c5a1-0000-7000-8000-000000000000", name="orders.csv", size=12, sha256="cd" * 32)
CLICK = e.JobRequested(
    type="orders.export",
    ref="EX-7F3K9MQ2",
    title="Bestellungen für März",
    owner="ann",
    input={"from": "März \U0001f4c8", "n": 1.5},
    settings=None,
    size=50000.0,
    priority=0,
    not_before=None,
    definition=Definition(title={"en": "Export", "de": "Ausgabe"}),
    dedupe="ab" * 32,
    again=False,
)
EVENTS: list[tuple[str, Actor, e.Event]] = [
    ("type:orders.export", SHOP, e.JobTypeDefined(name="orders.export", definition=Definition(title="Export"))),
    (JOB, ANN, CLICK),
    (JOB, ANN, e.JobQueued(run=1, ready_at="2026-03-01T08:00:00.000000Z")),
    (JOB, ANN, e.RequestRepeated(clicks=2)),
    (JOB, WORKER, e.AttemptStarted(run=1, attempt=1, worker="w-1")),
    (JOB, WORKER, e.StageStarted(stage="reading")),
    (JOB, WORKER, e.ProgressReported(done=12500.0, total=50000.0, unit=None)),
    (JOB, WORKER, e.ItemsFailed(items=(BAD_ROW,), failed=1)),
    (JOB, WORKER, e.ResultStored(result=FILE)),
    (JOB, WORKER, e.JobFinished(run=1, attempt=1, ready=49999, failed=1, total=50000)),
]


def golden() -> list[bytes]:
    return GOLDEN.read_bytes().splitlines()


def sealed() -> list[bytes]:
    """The golden events, encoded by the code of today."""
    lines, hash_ = [], START
    for position, (stream, actor, event) in enumerate(EVENTS, 1):
        cause = Cause(actor=actor, causation_id="0193c5a0-7b1c-7000-8000-0000000000aa")
        recorded = Recorded(
            tenant="default", partition=0, position=position, stream=stream, version=max(1, position - 1),
            recorded_at=datetime(2026, 3, 1, 8, 0, position, 1000, tzinfo=UTC), actor=actor,
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" if actor is ANN else None, data=event,
        )  # fmt: skip
        raw = line(recorded, cause, encode(event))
        hash_ = next_hash(hash_, raw)
        lines.append(seal(raw, hash_))
    return lines


def test_todays_code_writes_the_golden_bytes() -> None:
    assert sealed() == golden()


def test_the_hashes_hold_without_our_code() -> None:
    """A second computation, from the bytes and hashlib alone: what an auditor does."""
    previous = bytes(32)
    for sealed_line in golden():
        start = sealed_line.rindex(b',"hash":"')
        raw = sealed_line[:start] + b"}"
        previous = hashlib.sha256(previous + hashlib.sha256(raw).digest()).digest()
        assert sealed_line[start:] == b',"hash":"' + previous.hex().encode() + b'"}'


def test_one_changed_byte_changes_every_hash_behind_it() -> None:
    raw = [seal_line.rpartition(b',"hash":"')[0] + b"}" for seal_line in golden()]
    spoiled = [*raw[:4], raw[4].replace(b"w-1", b"w-2"), *raw[5:]]
    assert [one == other for one, other in zip(hashes(raw), hashes(spoiled), strict=True)] == [True] * 4 + [False] * 6


def hashes(lines: list[bytes]) -> list[bytes]:
    found = [START]
    for raw in lines:
        found.append(next_hash(found[-1], raw))
    return found[1:]


def test_a_sealed_line_reads_as_the_line_does() -> None:
    for sealed_line, (stream, actor, event) in zip(golden(), EVENTS, strict=True):
        recorded = decode(sealed_line)
        assert (recorded.stream, recorded.actor, recorded.data) == (stream, actor, event)


def test_the_digest_stands_for_a_hidden_line() -> None:
    assert next_hash(START, b"{}") == hashlib.sha256(START + digest_of(b"{}")).digest()
