"""What is private to a person, on its way: encrypted before anything is decided, read again where it is shown.

In: commands, folded jobs, rows, files. Out: the same, hidden or revealed.
Promise: the log, its rows and its messages never hold what a job type marks as private; an erased person's is gone.
"""
