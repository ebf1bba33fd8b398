"""A good bundle is believed, by us and by a second verifier from the documented format; forty-odd forged ones are not.

GOLDEN=write writes the files anew.
"""

import json
import os
from pathlib import Path

import pytest

from eventstore.audit import bundle
from eventstore.audit.bundle import BadBundle
from eventstore.audit.notes import BadNote, open_checkpoint
from tests.unit import offline
from tests.unit.forgeries import OLDER, SIGNER, STRANGER, bundles, good, notes

GOLDEN = Path(__file__).parent.parent / "golden"
FORGED = GOLDEN / "forged"
JOB = "0193c5a0-7b1c-7def-8123-456789abcdef"
LINES = [line[:-75] + b"}" for line in (GOLDEN / "sealed_lines.ndjson").read_bytes().splitlines()]
GOOD = good(LINES, JOB)
RAW = json.dumps(GOOD, ensure_ascii=False, indent=1).encode()
FILES = {
    **bundles(GOOD),
    **{f"{name}.note": note.encode() for name, note in notes(str(GOOD["checkpoint"])).items()},
}

if os.environ.get("GOLDEN") == "write":
    FORGED.mkdir(exist_ok=True)
    (GOLDEN / "bundle.json").write_bytes(RAW)
    for name, content in FILES.items():
        (FORGED / name).write_bytes(content)


def test_a_good_bundle_is_believed() -> None:
    raw = (GOLDEN / "bundle.json").read_bytes()
    assert raw == RAW
    proved = bundle.check(bundle.read(raw))
    assert (proved.job, proved.size, proved.begins_with) == (JOB, len(LINES), OLDER)
    assert bundle.check(bundle.read(raw), [SIGNER.public]) == proved
    assert offline.check(raw) == JOB
    with pytest.raises(BadBundle, match="not signed by a key that is trusted"):
        bundle.check(bundle.read(raw), [STRANGER.public])


def test_a_bundle_of_a_stranger_is_believed_only_without_a_key() -> None:
    raw = json.dumps(good(LINES, JOB, STRANGER)).encode()
    assert bundle.check(bundle.read(raw)).signed_by == [str(STRANGER.public)]
    with pytest.raises(BadBundle):
        bundle.check(bundle.read(raw), [SIGNER.public])


def test_the_forged_files_are_those_that_the_code_makes() -> None:
    assert {path.name: path.read_bytes() for path in FORGED.iterdir()} == FILES
    assert len(FILES) >= 40


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".json")])
def test_a_forged_bundle_is_refused(name: str) -> None:
    raw = (FORGED / name).read_bytes()
    with pytest.raises(BadBundle):
        bundle.check(bundle.read(raw))
    with pytest.raises(BadBundle):
        bundle.check(bundle.read(raw), [SIGNER.public])


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".note")])
def test_a_forged_note_is_refused(name: str) -> None:
    with pytest.raises(BadNote):
        open_checkpoint((FORGED / name).read_bytes().decode(), [SIGNER.public])
