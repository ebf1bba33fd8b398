-- Files that jobs name: kept for persons whose types don't call them private, and nobody's no more. Rows by the primary
-- key, locked: what is forgotten at the same time is not named.
-- $1 partition · $2 all files · $3–$5 plain uses (file, tenant, person) · answers the files that have a key, and whether
-- one that is wrapped for the tenant; for others a plain use needs another wrapping, which SQL can't do.
with held as materialized (
    select upload, tenant, wrapped, plain from file_keys where partition = $1 and upload = any ($2::uuid[]) for update
), shared as (
    select distinct on (upload) upload, tenant, wrapped from held where plain
), uses as (
    select distinct upload, tenant, person from unnest($3::uuid[], $4::text[], $5::text[]) as u (upload, tenant, person)
), kept as (
    insert into file_keys (partition, tenant, upload, person, wrapped, plain)
    select $1, tenant, upload, person, wrapped, true from uses join shared using (upload, tenant)
    on conflict do nothing
), let_go as (
    delete from file_keys where partition = $1 and person = ''
        and upload in (select upload from uses join shared using (upload, tenant))
)
select upload::text, bool_or(plain) as plain from held group by upload
