"""Forty ways to damage a bundle or a note, each kept as a file under tests/golden/forged/."""

import base64
import json
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256

from eventstore.audit.bundle import FORMAT
from eventstore.audit.merkle import Range, Tree, consistency_ranges, inclusion_ranges
from eventstore.audit.notes import Head, Signer, sign
from eventstore.chain import digest_of

NAME = "tidings.dev/log/0011223344556677"
SIGNER = Signer(NAME, bytes(range(32)))
STRANGER = Signer(NAME, bytes(range(1, 33)))
OLDER = 7
Doc = dict[str, object]


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def root(lines: list[bytes], leaves: Range) -> bytes:
    tree = Tree()
    for line in lines[slice(*leaves)]:
        tree.add(digest_of(line))
    return tree.root()


def good(lines: list[bytes], job: str, signer: Signer = SIGNER) -> dict[str, object]:
    """The bundle of a log of ten lines, with a consistency proof from seven."""
    whole = len(lines)
    return {
        "format": FORMAT,
        "job": job,
        "key": str(signer.public),
        "checkpoint": sign(Head(f"{NAME}/0", whole, root(lines, (0, whole))).text(), [signer]),
        "events": [
            {"line": line.decode(), "proof": [text(root(lines, each)) for each in inclusion_ranges(index, whole)]}
            for index, line in enumerate(lines)
            if json.loads(line)["stream"] == job
        ],
        "older": {
            "note": sign(Head(f"{NAME}/0", OLDER, root(lines, (0, OLDER))).text(), [signer]),
            "proof": [text(root(lines, each)) for each in consistency_ranges(OLDER, whole)],
        },
    }


def bundles(bundle: dict[str, object]) -> dict[str, bytes]:
    """Damaged bundles, by what was done to them."""
    found: dict[str, bytes] = {}

    def forge(name: str, change: Callable[[dict[str, object]], object]) -> None:
        copy = deepcopy(bundle)
        change(copy)
        found[f"{name}.json"] = json.dumps(copy, ensure_ascii=False, indent=1).encode()

    def event(name: str, change: Callable[[list[Doc]], object]) -> None:
        forge(name, lambda each: change(each["events"]))  # type: ignore[arg-type]

    def older(name: str, change: Callable[[Doc], object]) -> None:
        forge(name, lambda each: change(each["older"]))  # type: ignore[arg-type]

    event("event-edited", lambda es: es[2].update(line=str(es[2]["line"]).replace("user", "usr")))
    event("event-actor-changed", lambda es: es[0].update(line=str(es[0]["line"]).replace('"ann"', '"eve"')))
    event("event-space-added", lambda es: es[0].update(line=str(es[0]["line"]) + " "))
    event("event-missing-first", lambda es: es.pop(0))
    event("event-missing-middle", lambda es: es.pop(3))
    event("event-twice", lambda es: es.insert(1, es[0]))
    event("events-swapped", lambda es: es.insert(0, es.pop(1)))
    event("events-lines-swapped", lambda es: (es[0].update(line=es[1]["line"]), es[1].update(line=es[0]["line"])))
    event("events-none", lambda es: es.clear())
    event("event-no-json", lambda es: es[1].update(line="no json"))
    event(
        "event-other-position", lambda es: es[1].update(line=str(es[1]["line"]).replace('"position":3', '"position":4'))
    )
    event(
        "event-other-partition",
        lambda es: es[1].update(line=str(es[1]["line"]).replace('"partition":0', '"partition":1')),
    )
    event("proof-of-another", lambda es: es[0].update(proof=es[1]["proof"]))
    event("proof-empty", lambda es: es[0].update(proof=[]))
    event("proof-too-short", lambda es: es[0].update(proof=list(es[0]["proof"])[:-1]))  # type: ignore[call-overload]
    event("proof-too-long", lambda es: es[0].update(proof=[*es[0]["proof"], text(bytes(32))]))  # type: ignore[misc]
    event("proof-reversed", lambda es: es[0].update(proof=list(es[0]["proof"])[::-1]))  # type: ignore[call-overload]
    event("proof-hash-flipped", lambda es: es[0].update(proof=[text(bytes(32)), *list(es[0]["proof"])[1:]]))  # type: ignore[call-overload]
    event("proof-hash-short", lambda es: es[0].update(proof=[text(bytes(31)), *list(es[0]["proof"])[1:]]))  # type: ignore[call-overload]
    event("proof-no-base64", lambda es: es[0].update(proof=["***", *list(es[0]["proof"])[1:]]))  # type: ignore[call-overload]
    forge("format-other", lambda each: each.update(format="tidings-bundle/2"))
    forge("job-other", lambda each: each.update(job="0193c5a0-7b1c-7def-8123-000000000000"))
    forge("key-other", lambda each: each.update(key=str(STRANGER.public)))
    forge("key-id-other", lambda each: each.update(key=str(each["key"]).replace("+", "+0", 1)))
    forge("checkpoint-missing", lambda each: each.update(checkpoint=""))
    older("older-proof-empty", lambda each: each.update(proof=[]))
    older("older-proof-too-long", lambda each: each.update(proof=[*each["proof"], text(bytes(32))]))  # type: ignore[misc]
    older(
        "older-of-another-root",
        lambda each: each.update(note=sign(Head(f"{NAME}/0", OLDER, bytes(32)).text(), [SIGNER])),
    )
    older("older-of-another-log", lambda each: each.update(note=str(each["note"]).replace("/0\n", "/1\n")))
    older("older-longer", lambda each: each.update(note=sign(Head(f"{NAME}/0", 11, bytes(32)).text(), [SIGNER])))
    found["cut-off.json"] = found["job-other.json"][:200]
    for name, note in notes(str(bundle["checkpoint"])).items():
        forge(f"checkpoint-{name}", lambda each, note=note: each.update(checkpoint=note))  # type: ignore[misc]
    return found


def notes(note: str) -> dict[str, str]:
    """Damaged checkpoints, by what was done to them."""
    body, _, signature = note.rpartition("\n\n")
    origin, size, tree = body.split("\n")
    name, blob = signature.split(" ")[1:]
    raw = base64.b64decode(blob)
    return {
        "size-changed": f"{origin}\n{int(size) + 1}\n{tree}\n\n{signature}",
        "size-with-zero": f"{origin}\n0{size}\n{tree}\n\n{signature}",
        "root-changed": f"{origin}\n{size}\n{text(sha256(raw).digest())}\n\n{signature}",
        "origin-changed": f"{origin}1\n{size}\n{tree}\n\n{signature}",
        "line-added": f"{body}\nmore\n\n{signature}",
        "line-removed": f"{origin}\n{size}\n\n{signature}",
        "unsigned": f"{body}\n",
        "signature-flipped": f"{body}\n\n— {name} {text(raw[:-1] + bytes([raw[-1] ^ 1]))}\n",
        "signature-short": f"{body}\n\n— {name} {text(raw[:-1])}\n",
        "signature-of-a-stranger": sign(body + "\n", [STRANGER]),
        "signature-by-another-name": f"{body}\n\n— {name}x {blob}\n",
        "signature-with-a-hyphen": f"{body}\n\n- {name} {blob}\n",
        "key-id-changed": f"{body}\n\n— {name} {text(bytes(4) + raw[4:])}\n",
        "no-blank-line": f"{body}\n{signature}",
        "no-last-newline": note[:-1],
        "carriage-returns": note.replace("\n", "\r\n"),
    }
