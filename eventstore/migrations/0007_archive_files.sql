-- What the file of an archive must be, to the byte: its lines are proved by the chain, this is what is around them.
-- Null for archives from before: of these the lines and the length are checked alone.

alter table archives add column digest bytea; -- SHA-256 of the file
