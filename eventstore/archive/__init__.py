"""Old ranges of the log, each as one compressed file beside the database: written, then removed from the table.

In: the sealed lines of a closed range. Out: the same lines, byte for byte, to whoever reads, verifies or proves.
Promise: a line leaves the table only once its file is in its place and whole; the chain proves what a file holds.
"""
