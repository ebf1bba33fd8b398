"""Ending a loop that was told to end."""

import asyncio


def end_if_cancelled() -> None:
    """For loops that ask NATS or use timeouts of a client: raises a cancellation that got lost on the way.

    Before Python 3.12 `asyncio.wait_for` drops it when the awaited answer arrives in the same turn of the loop.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
