"""A file as AEAD segments, in order and whole: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015).

Segments of 64 KiB, each AES-256-GCM under the file's own key. The nonce is 7 zero bytes, the segment's number (4 bytes,
big-endian) and 1 for the last segment, else 0: none can be left out, put elsewhere or cut off, and any part of a file
is read without the rest. Memory: one segment and the chunk that came.
"""

from collections.abc import AsyncIterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from eventstore.private.cipher import ID_BYTES, TAG_BYTES, PersonKey, Unreadable

SEGMENT = 64 * 1024
SEALED_SEGMENT = SEGMENT + TAG_BYTES
SEGMENTS_MAX = 2**32


class Lock(Struct, frozen=True):
    """What a sealed file needs to be read: its key, where it is bound to, and its plain size."""

    key: bytes
    bound: bytes
    size: int

    def seal_name(self, name: str | None) -> str | None:
        """The file's own name, as its row keeps it."""
        return None if name is None else PersonKey(bytes(ID_BYTES), self.key).seal(name.encode(), self.bound)

    def open_name(self, name: str | None) -> str | None:
        """Raises Unreadable."""
        return None if name is None else PersonKey(bytes(ID_BYTES), self.key).open(name, self.bound).decode()

    @property
    def last(self) -> int:
        """The number of the last segment; an empty file has one, which is empty."""
        return max(0, (self.size - 1) // SEGMENT)

    def sealed_range(self, start: int, end: int) -> tuple[int, int]:
        """The sealed bytes to read for the plain bytes from `start` to before `end`."""
        whole = self.size + (self.last + 1) * TAG_BYTES
        until = (max(start + 1, end) - 1) // SEGMENT + 1
        return start // SEGMENT * SEALED_SEGMENT, min(whole, until * SEALED_SEGMENT)


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes(7) + number.to_bytes(4, "big") + bytes([last])


async def sealed(chunks: AsyncIterator[bytes], key: bytes, bound: bytes) -> AsyncIterator[bytes]:
    """The segments of a plain stream. A segment is given once it is known whether it is the last."""
    aead, number, held = AESGCM(key), 0, bytearray()
    async for chunk in chunks:
        held += chunk
        whole = (len(held) - 1) // SEGMENT  # at least one byte stays, for the last segment
        if whole > 0:
            view = memoryview(bytes(held[: whole * SEGMENT]))
            del held[: whole * SEGMENT]
            for n in range(whole):
                segment = view[n * SEGMENT : (n + 1) * SEGMENT]
                yield aead.encrypt(_nonce(number + n, last=False), segment, bound)
            number += whole
    yield aead.encrypt(_nonce(number, last=True), bytes(held), bound)


async def opened(chunks: AsyncIterator[bytes], lock: Lock, start: int, end: int) -> AsyncIterator[bytes]:
    """The plain bytes from `start` to before `end`, from the sealed bytes of `lock.sealed_range`. Raises Unreadable."""
    aead, number, held = AESGCM(lock.key), start // SEGMENT, bytearray()
    final = min(lock.last, (max(start + 1, end) - 1) // SEGMENT)

    def plain(segment: bytes) -> bytes:
        try:
            found = aead.decrypt(_nonce(number, last=number == lock.last), segment, lock.bound)
        except InvalidTag as error:
            raise Unreadable(f"segment {number} was changed") from error
        first = number * SEGMENT
        return found[max(0, start - first) : max(0, end - first)]

    async for chunk in chunks:
        held += chunk
        while number < final and len(held) >= SEALED_SEGMENT:
            segment = bytes(held[:SEALED_SEGMENT])
            del held[:SEALED_SEGMENT]
            yield plain(segment)
            number += 1
    if number != final:
        raise Unreadable("it was cut off")
    yield plain(bytes(held))
