"""Which log a tenant lives in: for ever the same, on every machine."""

import hashlib
from functools import lru_cache

PARTITIONS_MAX = 256


@lru_cache(10_000)
def partition_of(tenant: str, partitions: int) -> int:
    """The first 4 bytes of the name's SHA-256, modulo `partitions` (a power of two)."""
    return int.from_bytes(hashlib.sha256(tenant.encode()).digest()[:4], "big") & (partitions - 1)


def is_partition_count(number: int) -> bool:
    return 1 <= number <= PARTITIONS_MAX and number & (number - 1) == 0
