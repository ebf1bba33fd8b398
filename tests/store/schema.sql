-- What the tests know a schema by: a line for each column, constraint, index, trigger and function.
select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
       || case when a.attnotnull then ' not null' else '' end
       || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
       || case a.attstorage when 'e' then ' external' else '' end as line
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
union all
select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
from pg_constraint
where connamespace = 'public'::regnamespace and contype <> 'n'
union all
select 'index ' || pg_get_indexdef(indexrelid)
from pg_index join pg_class c on c.oid = indexrelid
where c.relnamespace = 'public'::regnamespace
union all
select 'options ' || relname || ' ' || array_to_string(reloptions, ', ')
from pg_class
where relnamespace = 'public'::regnamespace and reloptions is not null
union all
select pg_get_triggerdef(t.oid) from pg_trigger t where not tgisinternal
union all
select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
