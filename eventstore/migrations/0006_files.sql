-- Whose a file is, use by use, and what is still to be removed from the store. See docs/private.md.

-- Wrapped for the tenant: this person's jobs need the file, but none of their types calls it private. An erasure leaves it.
alter table file_keys add column plain boolean not null default false;
-- Of a file that no job names yet (person ''): whose it will be, where whoever sent it said so.
alter table file_keys add column owner text;
-- Null in rows from before: whether a job names their files is not known, so no erasure takes them and none is too old.
alter table file_keys add column made_at timestamptz;
alter table file_keys alter column made_at set default clock_timestamp();
update file_keys set plain = true where person = '';
create index file_keys_unnamed on file_keys (partition, made_at) where person = '';

-- Objects that must go. Written with what makes them useless, so that a crash before they are gone is made good later.
create table file_removals (
    partition  int not null,
    tenant     text not null,
    upload     uuid not null,
    clear_only boolean not null, -- the plain object alone: its encrypted one has taken its place
    primary key (partition, upload)
);
