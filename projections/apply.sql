-- The rows of one batch, as CTEs that the append and the rebuild put into their statement.
-- $1 partition · $2–$16 jobs · $17–$22 queue in, $23 out · $24–$32 dedupe · $33–$41 items · $42–$48 types · $49 jobs' dedupe keys · $50 queue in, delayed
-- Rows are found by primary key; who runs it holds the head's row lock, or works on tables nobody else sees.
-- The plan is kept from append to append: where only its guesses would lead the planner to the primary key, a look-up
-- (`offset 0`) gives the row's place (ctid), which stays, since nobody else writes.
put_jobs as (
    insert into jobs as j (partition, id, tenant, ref, type, owner, title, state, version, created_position, position,
                           created_at, due_at, doc, request, retry_input, dedupe)
    select $1, id, tenant, ref, type, owner, title, state, version, created_position, position, created_at, due_at, doc,
           request, nullif(retry_input, ''), dedupe
    from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[],
                $10::bigint[], $11::bigint[], $12::timestamptz[], $13::timestamptz[], $14::bytea[], $15::bytea[], $16::bytea[],
                $49::bytea[])
         as new (id, tenant, ref, type, owner, title, state, version, created_position, position, created_at, due_at, doc,
                 request, retry_input, dedupe)
    where request is not null
),
move_jobs as (
    update jobs j
    set state = new.state, version = new.version, position = new.position, due_at = new.due_at, doc = new.doc,
        retry_input = case when new.retry_input is null then j.retry_input else nullif(new.retry_input, '') end
    from (
        select new.*, old.ctid as place
        from unnest($2::uuid[], $8::text[], $9::int[], $11::bigint[], $13::timestamptz[], $14::bytea[], $15::bytea[], $16::bytea[])
             as new (id, state, version, position, due_at, doc, request, retry_input)
        cross join lateral (select ctid from jobs j where j.partition = $1 and j.id = new.id offset 0) old
        where new.request is null
    ) new
    where j.ctid = new.place
),
put_queue as (
    insert into queue as q (partition, job, tenant, type, owner, priority, ready_at, delayed)
    select $1, * from unnest($17::uuid[], $18::text[], $19::text[], $20::text[], $21::int[], $22::timestamptz[], $50::bool[])
    on conflict (partition, job) do update set ready_at = excluded.ready_at, delayed = excluded.delayed
        where (q.ready_at, q.delayed) <> (excluded.ready_at, excluded.delayed)
),
drop_queue as (
    delete from queue where ctid = any (array(
        select q.ctid from unnest($23::uuid[]) gone (job)
        cross join lateral (select ctid from queue q where q.partition = $1 and q.job = gone.job offset 0) q
    ))
),
dedupe_rows as (
    select * from unnest($24::text[], $25::bytea[], $26::uuid[], $27::timestamptz[], $28::timestamptz[], $29::bool[],
                         $30::text[], $31::bool[], $32::bool[])
         as new (tenant, key, job, first_at, until, active, state, forced, dropped)
),
dedupe_known as (
    select r.*, d.ctid as place, d.job as holder
    from dedupe_rows r
    cross join lateral (
        select ctid, job from dedupe d where d.partition = $1 and d.tenant = r.tenant and d.key = r.key offset 0
    ) d
    where r.dropped or not r.forced
),
put_dedupe as (
    insert into dedupe as d (partition, tenant, key, job, first_at, until, active, state)
    select $1, tenant, key, job, first_at, until, active, state from dedupe_rows where forced and not dropped
    on conflict (partition, tenant, key) do update
        set job = excluded.job, first_at = excluded.first_at, until = excluded.until, active = excluded.active,
            state = excluded.state
),
move_dedupe as (
    update dedupe d set until = r.until, active = r.active, state = r.state
    from dedupe_known r
    where not r.dropped and r.holder = r.job and d.ctid = r.place
),
drop_dedupe as (
    delete from dedupe where ctid = any (array(
        select place from dedupe_known where dropped and (holder = job or forced)
    ))
),
put_items as (
    insert into items as i (partition, job, id, row, "column", reason, value, failed, run, attempt)
    select $1, * from unnest($33::uuid[], $34::text[], $35::bigint[], $36::text[], $37::text[], $38::bytea[], $39::bool[],
                             $40::int[], $41::int[])
    on conflict (partition, job, id) do update
        set row = excluded.row, "column" = excluded."column", reason = excluded.reason, value = excluded.value,
            failed = excluded.failed, run = excluded.run, attempt = excluded.attempt
),
put_types as (
    insert into types as t (partition, tenant, name, version, definition, limit_tenant, limit_owner, limit_total)
    select $1, * from unnest($42::text[], $43::text[], $44::int[], $45::bytea[], $46::int[], $47::int[], $48::int[])
    on conflict (partition, tenant, name) do update
        set version = excluded.version, definition = excluded.definition, limit_tenant = excluded.limit_tenant,
            limit_owner = excluded.limit_owner, limit_total = excluded.limit_total
)
