"""Commands become events: decide (pure) judges, the handler appends what arrived together, all or each by itself.

In: commands from HTTP, NATS and the timers. Out: events in the log and an `Outcome` or `Rejection` for each command.
Promise: an accepted command is never lost, a refused one writes nothing, one job runs however often it is clicked.
"""
