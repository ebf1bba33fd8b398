-- What happened, counted per tenant, job type and day (UTC); for operators. Kept by projections/insights.py.

create table insights (
    partition     int not null,
    tenant        text not null,
    type          text not null,
    day           date not null,
    requests      bigint not null default 0, -- jobs that were started by a click
    repeats       bigint not null default 0, -- duplicates prevented: clicks that met a job already there
    finished      bigint not null default 0,
    canceled      bigint not null default 0,
    needs_fix     bigint not null default 0,
    attempts_lost bigint not null default 0, -- workers that gave no more sign of life
    primary key (partition, tenant, type, day)
);
