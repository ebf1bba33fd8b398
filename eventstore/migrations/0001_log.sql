-- The log and what the service keeps beside it. Every key begins with the partition: a tenant lives in one, an append touches one.

create table heads (
    partition   int primary key,
    position    bigint not null default 0,
    hash        bytea not null default decode(repeat('00', 32), 'hex'),
    recorded_at timestamptz not null default '-infinity'
);

create table events (
    partition   int not null,
    position    bigint not null,
    tenant      text not null,
    stream      text not null,
    version     int not null,
    type        text not null,
    recorded_at timestamptz not null,
    actor       text not null,
    line        bytea not null,
    hash        bytea not null,
    primary key (partition, position),
    -- A guard only: deciding under the head lock means that nothing can conflict. A type's name may stand in two tenants.
    constraint events_stream_version unique (partition, tenant, stream, version)
);
-- Lines are small and written once; compressing each of them costs more than it saves.
alter table events alter column line set storage external;

-- The history is append-only. A superuser can still change it (nothing in a database can prevent that): the seal shows it.
create function refuse_change() returns trigger language plpgsql as $$
begin
    if (select rolsuper from pg_roles where rolname = current_user) then
        return coalesce(new, old);
    end if;
    raise exception 'the event log is append-only: % on % refused', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger events_append_only before update or delete on events for each row execute function refuse_change();
create trigger events_never_truncated before truncate on events for each statement execute function refuse_change();

-- Operating state, not a projection: verify ignores it and a rebuild leaves it in place.
create table leases (
    partition  int not null,
    job        uuid not null,
    tenant     text not null,
    type       text not null,
    owner      text not null,
    run        int not null,
    attempt    int not null,
    worker     text not null,
    lease_s    double precision not null,
    seen_at    timestamptz not null,
    expires_at timestamptz not null,
    pending    bytea, -- progress that came within a second of the last ProgressReported, to be told when that second is over
    pending_at timestamptz,
    primary key (partition, job)
) with (fillfactor = 70);
create index leases_expires on leases (partition, least(expires_at, pending_at));
create index leases_limits on leases (partition, tenant, type, owner);

create table idempotency (
    partition int not null,
    tenant    text not null,
    call      text not null,
    key       text not null,
    body      bytea not null, -- digest of the first body
    status    int not null,
    job       uuid,
    answer    bytea,          -- what the first answer named, where one job does not say it all
    position  bigint not null,
    at        timestamptz not null,
    primary key (partition, tenant, call, key)
);
create index idempotency_at on idempotency (partition, at);

create table uploads (
    partition  int not null,
    tenant     text not null,
    id         uuid not null,
    sha256     text not null,
    size       bigint not null,
    name       text,
    media_type text,
    created_at timestamptz not null default clock_timestamp(),
    primary key (partition, id)
);

create table api_keys (
    id         uuid primary key,
    tenant     text not null,
    digest     bytea not null unique, -- SHA-256 of the key; the key itself is never stored
    scopes     text[] not null,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz
);

create table secrets (
    name  text primary key,
    value bytea not null
);

create table checkpoints (
    projection text not null,
    partition  int not null,
    position   bigint not null default 0,
    primary key (projection, partition)
);
