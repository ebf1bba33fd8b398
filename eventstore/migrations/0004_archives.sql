-- Old ranges of the log that left the table: each is one file, and here is what it must hold. See docs/archive.md.

create table archives (
    partition int not null,
    first     bigint not null,
    last      bigint not null,
    name      text not null,     -- of the file, below the place
    before    bytea not null,    -- the chain's hash before the first event
    hash      bytea not null,    -- and at the last one
    root      bytea not null,    -- RFC 9162 root over the digests of the range's lines
    starts    bigint[] not null, -- position that each block begins with
    offsets   bigint[] not null, -- and where in the file
    size      bigint not null,   -- of the file, in bytes
    at        timestamptz not null default clock_timestamp(),
    primary key (partition, first)
);
create index archives_last on archives (partition, last);

-- Where the files are now: put on record by the service at its start, so that whoever has the database finds them.
create table archive_place (
    one boolean primary key default true check (one),
    url text not null
);

-- The history is append-only, as before; but what stands in an archive may leave the table.
create or replace function refuse_change() returns trigger language plpgsql as $$
begin
    if (select rolsuper from pg_roles where rolname = current_user) then
        return coalesce(new, old);
    end if;
    if tg_op = 'DELETE' and tg_table_name = 'events' then
        if exists (select from archives where partition = old.partition and old.position between first and last) then
            return old;
        end if;
    end if;
    raise exception 'the event log is append-only: % on % refused', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger archives_append_only before update or delete on archives for each row execute function refuse_change();
create trigger archives_never_truncated before truncate on archives for each statement execute function refuse_change();
