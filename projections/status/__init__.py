"""The status of a job: folded from its events, then put into words for a screen.

In: recorded events of one stream. Out: a `Job` (fold) and a `JobView` (view).
Promise: a status never goes back in time, and the screen says what the service does.
"""
