"""What is read: plain functions of the events. Inline ones live in the append's transaction, async ones follow the log.

In: recorded events. Out: status rows, the queue, the dedupe memory, the item ledger, counts for operators.
Promise: live equals rebuilt, row for row, at every position.
"""
