-- All that tells of files of a tenant; what remains of them are objects, which are to be removed.
-- $1 partition · $2 tenant · $3 files
with keys as (
    delete from file_keys where partition = $1 and upload = any ($3::uuid[])
), rows as (
    delete from uploads where partition = $1 and id = any ($3::uuid[])
), answers as (
    delete from idempotency where partition = $1 and tenant = $2 and call = 'POST /v1/uploads'
        and convert_from(answer, 'UTF8')::jsonb ->> 'id' = any (($3::uuid[])::text[])
)
insert into file_removals (partition, tenant, upload, clear_only)
select $1, $2, upload, false from unnest($3::uuid[]) as u (upload)
on conflict (partition, upload) do update set clear_only = false
