"""Work in workers' hands: lease tokens, claims that wait, and the timers.

In: claims, and events that make a job ready. Out: assignments, and commands when a time has come.
Promise: at most one worker acts for an attempt, and a ready job meets a waiting worker within milliseconds.
"""
