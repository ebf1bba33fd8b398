"""How long a job waits and works: learnt from the log alone, stated as ranges that hold.

In: every event of the log, in order. Out: for any job at any moment a range, an upper bound or nothing, for the wait
before the start and for the work. Promise: what was stated holds for 8 of 10 jobs, or it says that nobody can know.
"""
