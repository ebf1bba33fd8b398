"""What people and programs talk to: commands are decided, work is handed out, statuses are served.

In: HTTP, NATS and the command line. Out: appended events and honest views of them. Promise kept: what was accepted
is in the log before the answer leaves.
"""
