-- The product's tables. Called by database.py under a lock, so that several workers can begin at once.
create schema if not exists demo;

create table if not exists demo.orders (
    id          integer primary key,
    placed_at   timestamptz not null,
    customer    text not null,
    country     text not null,
    product     text not null,
    quantity    integer not null,
    price_cents integer not null,
    status      text not null
);

-- (job, line) is what makes an import's row one row, however often an attempt is repeated.
create table if not exists demo.customers (
    job        text not null,
    line       integer not null,
    name       text not null,
    email      text not null,
    company    text not null,
    country    text not null,
    start_date date not null,
    plan       text not null,
    primary key (job, line)
);

-- Rows that need a person, as they stood in the file, until they are mended.
create table if not exists demo.rejected_customers (
    job    text not null,
    line   integer not null,
    fields jsonb not null,
    primary key (job, line)
);

-- Summaries of the run in hand, so that an attempt which goes on for a lost one pays for nothing twice.
create table if not exists demo.summaries (
    job     text not null,
    run     integer not null,
    note    integer not null,
    summary text not null,
    primary key (job, run, note)
);
