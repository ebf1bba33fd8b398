-- Rows of these come and go with every job: vacuumed after a thousand dead ones, however many live, and without pauses,
-- so that neither bloats and the index-only scans of claims stay so.
alter table leases set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);
alter table idempotency set (autovacuum_vacuum_scale_factor = 0.02);
