"""The log: sealed lines in Postgres, contiguous positions, one chain of hashes for each partition.

In: events decided under the head lock. Out: complete reads by stream and by position, and wake-ups.
Promise: what was accepted is never lost, and no change of the history goes unnoticed.
"""
