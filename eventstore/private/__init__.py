"""What must be forgettable: a key for each person, what is encrypted under it, and its end.

In: fields and files of persons. Out: ciphertexts that anybody may keep, plain text for as long as the key exists.
Promise: once a person's key is destroyed, nothing that was encrypted under it can be read, and the log still verifies.
"""
