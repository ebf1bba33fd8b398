"""NATS as a way in: the queue of commands and the micro service, in the role `api`, with the checks that HTTP has.

In: messages; the tenant is the one in the subject, which the NATS account guards. Out: replies, rejections, acks.
Promise: an acknowledged command was carried out or refused in words, once, and nothing holds up the ones behind it.
"""
