"""What a process that serves for long does about its own memory."""

import asyncio
import ctypes
import gc
from collections.abc import Callable

GC_OBJECTS = 4_000  # new ones before the next look for cycles; a look at 20,000 held the loop for 20 ms
GIVE_BACK_EVERY_S = 30.0


def settle() -> None:
    """For a process that has started and will serve for long: what is there by now is never looked at again.

    Requests leave next to no cycles, so looking for them at every 700th object only costs (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 100, 100)


async def give_back() -> None:
    """Until cancelled: memory that is free between what is still used goes back to the system.

    glibc keeps it: 29 MB of 195 after an hour of 300 jobs a second (docs/performance.md). Other C libraries have no
    such call, and nothing is done there.
    """
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim:
        await asyncio.sleep(GIVE_BACK_EVERY_S)
        trim(0)
