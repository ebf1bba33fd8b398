-- Signed checkpoints and what proves events: append-only like the log itself, and kept for good.

create table signed_checkpoints (
    partition int not null,
    position  bigint not null, -- events that it covers: the size of the tree
    hash      bytea not null,  -- the chain's hash at that position
    root      bytea not null,  -- RFC 9162 root over the digests of all lines up to it
    note      text not null,   -- C2SP signed note
    at        timestamptz not null default clock_timestamp(),
    primary key (partition, position)
);
create trigger signed_checkpoints_append_only before update or delete on signed_checkpoints
    for each row execute function refuse_change();
create trigger signed_checkpoints_never_truncated before truncate on signed_checkpoints
    for each statement execute function refuse_change();

-- Roots of 1,024 leaves each, so that a proof reads few rows however long the log is. They follow from the log alone.
create table merkle_tiles (
    partition int not null,
    tile      bigint not null,
    root      bytea not null,
    primary key (partition, tile)
);

-- Every public key that has signed, so that checkpoints from before a change of keys can still be checked.
create table signing_keys (
    key   text primary key,
    since timestamptz not null default clock_timestamp()
);
create trigger signing_keys_append_only before update or delete on signing_keys
    for each row execute function refuse_change();
create trigger signing_keys_never_truncated before truncate on signing_keys
    for each statement execute function refuse_change();
