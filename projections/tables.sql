-- The inline projections: plain functions of events, applied in the append's transaction. Created in `public` by the
-- migrations and in `rebuild` beside them by a rebuild; names are left unqualified for that.
--
-- A primary key is made after the other indexes: of a table that was vacuumed while it was empty, every index costs the
-- planner the same, and it then takes the newest one (tests/store/test_plans.py).

create table jobs (
    partition        int not null,
    id               uuid not null,
    tenant           text not null,
    ref              text not null,
    type             text not null,
    owner            text not null,
    title            text not null,
    state            text not null,
    version          int not null,
    created_position bigint not null,
    position         bigint not null,
    created_at       timestamptz not null,
    due_at           timestamptz,     -- when time alone changes this job next (pause, silence, deadline, expiry)
    doc              bytea not null,  -- schemas.job.Job
    request          bytea not null,  -- {"input", "settings"} as requested
    retry_input      bytea,           -- corrected input of the present run
    dedupe           bytea            -- its key in the dedupe memory
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
create index jobs_newest on jobs (partition, tenant, created_position desc);
create index jobs_owner on jobs (partition, tenant, owner, created_position desc);
create index jobs_state on jobs (partition, tenant, state, created_position desc);
create index jobs_ref on jobs (partition, tenant, ref);
create index jobs_due on jobs (partition, due_at) where due_at is not null;
alter table jobs add primary key (partition, id);

create table queue (
    partition int not null,
    job       uuid not null,
    tenant    text not null,
    type      text not null,
    owner     text not null,
    priority  int not null,
    ready_at  timestamptz not null,
    delayed   boolean not null default false  -- that it waits for long was told
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
create index queue_next on queue (partition, tenant, type, priority desc, ready_at, job) include (owner);
create index queue_untold on queue (partition, ready_at) where not delayed;
alter table queue add primary key (partition, job);

create table dedupe (
    partition int not null,
    tenant    text not null,
    key       bytea not null,
    job       uuid not null,
    first_at  timestamptz not null,
    until     timestamptz,           -- the rule's period; null: only while active; infinity: for ever
    active    boolean not null,
    state     text not null,         -- the job's last visible state, for when the job itself is gone
    primary key (partition, tenant, key)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

create table items (
    partition int not null,
    job       uuid not null,
    id        text not null,
    row       bigint,
    "column"  text,
    reason    text,
    value     bytea,
    failed    boolean not null,
    run       int not null,
    attempt   int not null,
    primary key (partition, job, id)
);

create table types (
    partition    int not null,
    tenant       text not null,
    name         text not null,
    version      int not null,
    definition   bytea not null,
    limit_tenant int,
    limit_owner  int,
    limit_total  int,
    primary key (partition, tenant, name)
);
