-- SPDX-License-Identifier: Apache-2.0
-- Run once, by the PostgreSQL image, when its database is made. The batch layer owns what it publishes; the others read.
\set ON_ERROR_STOP on
\set batch_password `cat /run/secrets/postgres/batch`
\set speed_password `cat /run/secrets/postgres/speed`
\set serving_password `cat /run/secrets/postgres/serving`
\set emit_password `cat /run/secrets/postgres/emit`
\set grafana_password `cat /run/secrets/postgres/grafana`
create role tidemark_batch login password :'batch_password';
create role tidemark_reader nologin;
create role tidemark_speed login password :'speed_password' in role tidemark_reader;
create role tidemark_serving login password :'serving_password' in role tidemark_reader;
create role tidemark_emit login password :'emit_password' in role tidemark_reader;
create role tidemark_grafana login password :'grafana_password' in role tidemark_reader;
alter database :"DBNAME" owner to tidemark_batch;
revoke all on database :"DBNAME" from public;
grant connect on database :"DBNAME" to tidemark_reader;
revoke all on schema public from public;
-- Who emits makes schemas and tables of its own, and the table of what they hold.
grant create, temporary on database :"DBNAME" to tidemark_emit;
create schema tidemark authorization tidemark_batch;
grant usage on schema tidemark to tidemark_reader;
grant create on schema tidemark to tidemark_emit;
alter default privileges for role tidemark_emit grant usage on schemas to tidemark_reader;
alter default privileges for role tidemark_emit grant select on tables to tidemark_reader;
alter default privileges for role tidemark_batch grant usage on schemas to tidemark_reader;
alter default privileges for role tidemark_batch grant select on tables to tidemark_reader;
