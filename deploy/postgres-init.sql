-- Run once, as the superuser, when the data folder is made: the service's own role, which owns its database.
\getenv password TIDINGS_DATABASE_PASSWORD
create role tidings login password :'password';
create database tidings owner tidings;
