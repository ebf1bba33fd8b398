"""Proof that the history was not changed: the Merkle tree over the log, signed checkpoints, and what checks them.

In: the rows of the log. Out: signed notes, bundles that prove events offline, and the first event that is not as it
was. Promise 5: the history can't be changed unnoticed.
"""
