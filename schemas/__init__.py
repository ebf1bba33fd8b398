"""Every shape that crosses a border: events, commands, views, problems, job types, states and words.

In: nothing but msgspec (and Fluent for the words). Out: frozen Structs and pure functions over them.
Promise: one meaning, one place; an event's bytes never change once written.
"""
