-- The keys of persons, wrapped by a master key that is kept elsewhere. Destroying a row is what erases: see docs/private.md.

create table person_keys (
    partition int not null,
    tenant    text not null,
    person    text not null,        -- an owner; '' for the tenant's own key, which digests and new uploads go by
    id        bytea not null,       -- names the key in what it encrypted
    wrapped   bytea not null,       -- AES-256-GCM under the master key
    master    bytea not null,       -- which master key
    made_at   timestamptz not null, -- what this person asked for before is under a key that was destroyed
    primary key (partition, tenant, person)
);

-- The key of each encrypted file, wrapped once for each person whose jobs name it, before that for its tenant.
create table file_keys (
    partition int not null,
    tenant    text not null,
    upload    uuid not null,
    person    text not null,
    wrapped   bytea not null,
    primary key (partition, upload, person)
);
create index file_keys_person on file_keys (partition, tenant, person);

alter table uploads add column sealed boolean not null default false; -- encrypted at rest; its keys are in file_keys
