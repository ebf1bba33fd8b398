"""A second verifier of bundles, written from docs/audit.md with hashlib and cryptography alone."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def check(raw: bytes) -> str:
    """The job whose history is proved. Raises anything for anything else."""
    bundle = json.loads(raw)
    assert bundle["format"] == "tidings-bundle/1"
    name, _, material = bundle["key"].split("+", 2)
    key = base64.b64decode(material)
    origin, size, root = note(bundle["checkpoint"], name, key)
    assert bundle["events"]
    for version, event in enumerate(bundle["events"], 1):
        line = json.loads(event["line"])
        assert (line["stream"], line["version"]) == (bundle["job"], version)
        assert origin == f"{name}/{line['partition']}"
        digest = hashlib.sha256(event["line"].encode()).digest()
        assert climb(digest, line["position"] - 1, size, [b64(each) for each in event["proof"]]) == root
    if bundle["older"]:
        old_origin, old_size, old_root = note(bundle["older"]["note"], name, key)
        assert old_origin == origin
        assert 0 < old_size <= size
        proof = [b64(each) for each in bundle["older"]["proof"]]
        assert begins_with(old_size, size, proof, old_root) == (old_root, root)
    return str(bundle["job"])


def note(text: str, name: str, key: bytes) -> tuple[str, int, bytes]:
    body, _, below = text.rpartition("\n\n")
    body += "\n"
    id_ = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    signed = [b64(line.split(" ")[2]) for line in below.splitlines() if line.split(" ")[:2] == ["—", name]]
    ours = [signature[4:] for signature in signed if signature[:4] == id_]
    assert ours
    for signature in ours:
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature, body.encode())
    origin, size, root = body.splitlines()[:3]
    return origin, int(size), b64(root)


def b64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    assert base64.b64encode(raw).decode() == text
    return raw


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def climb(digest: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """By halves, from the whole tree down to the leaf."""
    assert 0 <= index < size
    if size == 1:
        assert not proof
        return hashlib.sha256(b"\x00" + digest).digest()
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return node(climb(digest, index, half, proof[:-1]), proof[-1])
    return node(proof[-1], climb(digest, index - half, size - half, proof[:-1]))


def begins_with(old: int, size: int, proof: list[bytes], old_root: bytes | None) -> tuple[bytes, bytes]:
    """The two roots that the proof leads to. `old_root`: given as long as the old tree is a whole left part."""
    if old == size:
        (found,) = [old_root] if old_root and not proof else proof
        return found, found
    half = 1 << (size - 1).bit_length() - 1
    if old <= half:
        before, after = begins_with(old, half, proof[:-1], old_root)
        return before, node(after, proof[-1])
    before, after = begins_with(old - half, size - half, proof[:-1], None)
    return node(proof[-1], before), node(proof[-1], after)
