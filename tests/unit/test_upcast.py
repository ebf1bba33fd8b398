"""Old forms of events are read in today's form; their bytes stay as they are."""

import msgspec
import pytest

from schemas import events as e
from schemas.envelope import SYSTEM, Cause, decode, encode, line, seal
from schemas.events import EVENTS, SCHEMA
from schemas.upcast import STEPS, upcast
from tests.unit.spec import FILE, FINISHED, LOST, STARTED, recorded, requested

CAUSE = Cause(actor=SYSTEM, causation_id="0193c5a0-0000-7000-8000-000000000000")
OLD = (
    b'{"tenant":"default","partition":0,"position":4,"stream":"0193a5b0-0000-7000-8000-0000000000aa","version":4,'
    b'"type":"AttemptLost","schema":1,"recorded_at":"2026-01-01T00:00:00.000000Z",'
    b'"actor":{"kind":"system","id":"tidings"},"correlation_id":null,"causation_id":null,"traceparent":null,'
    b'"data":{"run":1,"attempt":2,"worker":"w1"}}'
)


def test_a_loss_of_schema_1_did_not_say_how_long_it_was_silent() -> None:
    assert decode(OLD).data == e.AttemptLost(run=1, attempt=2, worker="w1", silent_s=0.0)


def test_a_sealed_line_reads_the_same() -> None:
    assert decode(seal(OLD, bytes(32))) == decode(OLD)


def test_todays_form_passes_through() -> None:
    assert upcast("AttemptStarted", 1, {"run": 1}) == {"run": 1}


@pytest.mark.parametrize("name", EVENTS)
def test_every_earlier_form_has_its_step(name: str) -> None:
    for schema in range(1, SCHEMA[name]):
        assert (name, schema) in STEPS


def test_a_form_before_the_first_is_no_form() -> None:
    with pytest.raises(KeyError):
        upcast("AttemptLost", 0, {})


@pytest.mark.parametrize("event", [requested(), STARTED, LOST, FINISHED, e.ResultStored(result=FILE)])
def test_what_is_written_reads_back(event: e.Event) -> None:
    told = recorded(event, 3)
    assert decode(line(told, CAUSE, encode(event))) == told


def test_a_field_that_a_later_service_adds_is_ignored() -> None:
    assert decode(OLD.replace(b'"worker":"w1"', b'"worker":"w1","zone":"b"')).data == decode(OLD).data


def test_what_is_no_line_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(b"{}")
    with pytest.raises(KeyError):
        decode(OLD.replace(b"AttemptLost", b"AttemptEaten"))
