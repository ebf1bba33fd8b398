"""Whose job is next where one worker serves several tenants: the tenant that holds least for its weight.

A tenant's share is its live leases of the wanted types, each divided by the weight that its job type has. Nothing is
stored for it: what counts is what runs now, so an idle tenant saves nothing up and a lost worker leaves nothing behind.
"""

from collections.abc import Generator, Iterable, Mapping
from heapq import heapify, heappop, heappush

from services.jobs.working import Waiting

Kind = tuple[str, str]  # tenant, type


def in_turn(
    queues: Mapping[Kind, Iterable[Waiting]], live: Mapping[Kind, int], weights: Mapping[Kind, float]
) -> Generator[Waiting, bool, None]:
    """Every waiting job in its turn; `send(True)` says that it was taken, which puts its tenant back.

    Within a tenant by priority and age, whatever the type; between tenants of equal shares the same.
    """
    waiting: dict[str, list[tuple[Waiting, Kind]]] = {}
    shares: dict[str, float] = {}
    for kind, queue in queues.items():
        waiting.setdefault(kind[0], []).extend((each, kind) for each in queue)
        shares[kind[0]] = shares.get(kind[0], 0.0) + live.get(kind, 0) / weights.get(kind, 1.0)
    for found in waiting.values():
        found.sort(reverse=True)
    heap = [(shares[tenant], found[-1][0], tenant) for tenant, found in waiting.items() if found]
    heapify(heap)
    while heap:
        share, _, tenant = heappop(heap)
        next_, kind = waiting[tenant].pop()
        if (yield next_):
            share += 1 / weights.get(kind, 1.0)
        if waiting[tenant]:
            heappush(heap, (share, waiting[tenant][-1][0], tenant))
