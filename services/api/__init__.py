"""HTTP: every call of the contract, as a table of `Call`s that routing and OpenAPI are both made from.

In: requests, checked in the contract's order. Out: views, problems and streams, encoded once.
Promise: a refused call changes nothing and says what to do next; a status never goes back in time on a stream.
"""
