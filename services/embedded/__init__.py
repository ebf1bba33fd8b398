"""Real PostgreSQL and NATS servers for a laptop, a demo and the tests, started from their wheels below one folder.

In: a data folder. Out: the URLs of both servers, with credentials. Promise kept: whatever was killed, the next start
on the same folder works, and nothing that was started outlives its owner.
"""
