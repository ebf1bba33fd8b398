"""What callers may ask, whoever carries it: the checks, refusals and answers that HTTP and NATS share.

In: a caller, a body and headers (`Asked`). Out: a status, a view and a place in the log (`Reply`), or a refusal.
Promise: the same words get the same answer on every way in; a refused call changes nothing.
"""
