/**
 * A database with everything that pg_dump treats specially, names that need quotes, and text that looks like
 * SQL. {@link RICH_ROLES} makes the roles, because pg_dump does not.
 */
export const RICH_ROLES: string = `
do $$ begin
  create role "Überadmin"; create role reader; create role "o'brien";
exception when duplicate_object then null; end $$;
`

/**
 * SQL for every supported server; one table gets `rows` small rows. The schema `public` has the grants of
 * servers before 15, because pg_dump 15 and newer writes those of version 15 as the default. Few columns of
 * the widest table have a default: for each one a server before 18 compares the names of all its columns,
 * which is most of the time of a pg_dump.
 */
export function richSchema(options: { serverMajor: number; rows: number }): string {
  return `
set client_min_messages = warning;
create schema "Größe & 'Maß'";
create schema app authorization "Überadmin";
create extension hstore schema app; create extension citext; create extension pg_trgm; create extension btree_gist;
create extension postgres_fdw; create extension pgcrypto; create extension "uuid-ossp"; create extension ltree; create extension intarray;
create type app.mood as enum ('froh', 'so-la-la', 'très triste', '悲しい');
create type app.point3 as (x double precision, y double precision, z numeric(20, 10));
create domain app.email as citext check (value ~ '^[^@]+@[^@]+$') not null;
create domain app.percent as numeric(5, 2) default 0 check (value between 0 and 100);
create type app.timerange as range (subtype = time);
create collation app.german (provider = icu, locale = 'de-DE-u-co-phonebk');
create sequence app.numbers start 7 increment by 3 cache 5 maxvalue 10000000 cycle;

create table app.customers (
  id bigint generated always as identity (start 1000) primary key,
  email app.email unique, name text collate app.german not null, "order" int default nextval('app.numbers'),
  mood app.mood default 'froh', tags text[] default '{}', matrix int[][], attributes app.hstore, profile jsonb, note json,
  picture bytea, discount app.percent, location app.point3, open_at app.timerange, token uuid default uuid_generate_v4(),
  ip inet, mac macaddr, bits bit varying(12), money money, xml_note xml, span interval, at timestamptz default now(), fts tsvector,
  full_name text generated always as (upper(name)) stored, path public.ltree, "col""with quote" text, "select" text);
comment on table app.customers is $c$Kunden; it's -- not a comment; \\. \\restrict $$ ' " ünï$c$;
comment on column app.customers."select" is E'tab\\there\\nnew line';
insert into app.customers (email, name, mood, tags, matrix, attributes, profile, picture, location, bits, span, fts, path, "col""with quote", "select")
select 'user' || n || '@exämple.org', E'Name\\t' || n || E'\\nBEGIN;\\n\\\\.\\nCOMMIT;', (enum_range(null::app.mood))[1 + n % 4],
  array['a,b', 'c"d', null, '{' || n || '}'], array[[n, 2], [3, 4]], app.hstore('k' || n, E'v\\\\' || n),
  jsonb_build_object('n', n, 'emoji', '🐘', 'nested', jsonb_build_array(null, true, 1.5e300)), decode(md5(n::text), 'hex'),
  row(n, 1e-300, 1.5)::app.point3, (n % 8)::bit(3), make_interval(days => n), to_tsvector('german', 'Häuser und Bäume'),
  'a.b.c', $q$\\N and \\. and $$ and 'quote' and "double"$q$, case when n % 3 = 0 then '' end
from generate_series(1, 500) n;

create table app.events (id bigserial, at timestamptz not null, kind text, payload jsonb, primary key (id, at, kind)) partition by range (at);
create table app.events_2025 partition of app.events for values from ('2025-01-01') to ('2026-01-01');
create table app.events_2026 partition of app.events for values from ('2026-01-01') to ('2027-01-01') partition by list (kind);
create table app."events_2026_ä" partition of app.events_2026 for values in ('ä');
create table app.events_rest partition of app.events default;
create table app.events_2026_other partition of app.events_2026 default;
create index on app.events (kind); create index on only app.events using brin (at);
insert into app.events (at, kind, payload) select '2025-06-01'::timestamptz + n * interval '1 day', case when n % 2 = 0 then 'ä' else 'b' end, '{}' from generate_series(1, 1000) n;
create table app.hashed (id int, value text) partition by hash (id);
create table app.hashed_0 partition of app.hashed for values with (modulus 2, remainder 0);
create table app.hashed_1 partition of app.hashed for values with (modulus 2, remainder 1);
insert into app.hashed select n, repeat('x', n) from generate_series(1, 100) n;

create table app.parents (id int primary key, label text);
create table app.children (extra text) inherits (app.parents);
insert into app.parents values (1, 'p'); insert into app.children values (2, 'c', 'e');
create table app.bookings (room int, during tstzrange, customer bigint references app.customers on delete cascade deferrable initially deferred,
  exclude using gist (room with =, during with &&));
insert into app.bookings select n % 7, tstzrange('2026-01-01'::timestamptz + n * interval '1 day', '2026-01-01'::timestamptz + n * interval '1 day' + interval '1 hour'), 1000 + n from generate_series(0, 300) n;
create unlogged table app.cache (k text primary key, v bytea) with (fillfactor = 70); insert into app.cache values ('k', '\\xdeadbeef');
create table app.empty (); create table "Größe & 'Maß'"."Tabelle; drop" ("Spalte ""x""" text); insert into "Größe & 'Maß'"."Tabelle; drop" values (E'\\\\.'), ('BEGIN;'), ('COMMIT;'), ('\\restrict x'), (null), (''), (E'\\b\\f\\v\\001'), ('--'), ('/*');
create table app.lines (line text);
insert into app.lines values ('BEGIN;'), (''), ('COMMIT;'), ('SET transaction_timeout = 0;'), ('\\.'), ('\\unrestrict'), ('$$'), ('''');
create table app.many (id int primary key, value text); insert into app.many select n, md5(n::text) from generate_series(1, ${options.rows}) n;
alter table app.many alter column value set storage external; alter table app.many alter column value set statistics 500; alter table app.many cluster on many_pkey;
create statistics app.stats (dependencies, ndistinct) on kind, at from app.events;
create index many_expression on app.many (lower(value) varchar_pattern_ops) where id > 10; create index on app.customers using gin (profile jsonb_path_ops); create index on app.customers using gin (name gin_trgm_ops);

create view app.v1 as select id, name, mood from app.customers where mood <> 'froh' with local check option;
create view app.v2 as select v1.*, count(*) over () from app.v1; create view app.v3 with (security_barrier) as select * from app.v2 join app.parents using (id);
create view app.countdown as with recursive c (n) as (values (3) union all select n - 1 from c where n > 0) select n from c;
create materialized view app.m1 as select mood, count(*) from app.customers group by 1; create unique index on app.m1 (mood);
create materialized view app.m2 as select * from app.m1 with no data;
create materialized view app.m3 as select sum(count) from app.m1;
create rule protect as on delete to app.parents do instead nothing;

create function app.touch() returns trigger language plpgsql as $fn$
begin
  -- BEGIN;
  new.note := '{"by": "trigger; COMMIT;"}'; -- it's
  return new;
end $fn$;
create trigger touch before update on app.customers for each row when (old.name is distinct from new.name) execute function app.touch();
create trigger truncated after truncate on app.many for each statement execute function app.touch();
alter table app.many disable trigger truncated;
create function app.add(a int, b int default 5, variadic rest int[] default '{}') returns int language sql immutable strict parallel safe cost 7 as $$ select a + b $$;
create function app.quoted() returns text language sql as 'select ''it''''s $$ \\ ''::text';
create function app.rows_of() returns table (n int, "ü" text) language sql rows 50 security definer set search_path = pg_catalog as $$ select 1, 'ü' $$;
create procedure app.work(inout x int) language plpgsql as $p$ begin commit; x := x + 1; end $p$;
create aggregate app.product(int) (sfunc = int4mul, stype = int, initcond = '1');
create operator app.@+@ (leftarg = int, rightarg = int, function = int4pl, commutator = operator(app.@+@));
create cast (app.mood as int) with inout; create text search configuration app.deutsch (copy = pg_catalog.german);
create function app.nothing() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger watch on ddl_command_end when tag in ('CREATE AGGREGATE', 'DROP TABLE') execute function app.nothing();

create server elsewhere foreign data wrapper postgres_fdw options (host 'nowhere.invalid', dbname 'x');
create user mapping for reader server elsewhere options ("user" 'u'); create foreign table app.remote (id int) server elsewhere options (table_name 'r');
create publication pub for table app.many, app.parents with (publish = 'insert, update');
alter table app.customers enable row level security; alter table app.customers force row level security;
create policy own on app.customers as restrictive for select to reader, "o'brien" using (mood <> 'froh'); create policy everyone on app.customers for all using (true) with check (true);
grant usage on schema app to reader, "o'brien" with grant option; grant select (id, name), update (name) on app.customers to reader; grant all on app.many to "o'brien" with grant option;
revoke execute on function app.add(int, int, int[]) from public; grant usage on sequence app.numbers to reader;
alter default privileges for role "Überadmin" in schema app grant select on tables to reader; alter default privileges revoke execute on functions from public;
alter table app.parents owner to "o'brien"; alter view app.v1 owner to "Überadmin"; alter type app.mood owner to "Überadmin"; alter function app.add(int, int, int[]) owner to "Überadmin";
do $$ declare o oid; begin
  for n in 1..20 loop o := lo_from_bytea(0, decode(repeat(md5(n::text), 300 * n), 'hex')); execute format('comment on large object %s is %L', o, 'BEGIN; ' || n); end loop;
  execute format('grant select on large object %s to reader', o); execute format('alter large object %s owner to "Überadmin"', o);
end $$;
do $$ begin execute 'create table app.wide (' || (select string_agg(format('"spalte %s" int', n) || case when n % 50 = 0 then ' default ' || n else '' end, ', ') from generate_series(1, 1500) n) || ')';
  execute 'insert into app.wide values (' || (select string_agg(n::text, ', ') from generate_series(1, 1500) n) || ')'; end $$;
alter sequence app.numbers owned by app.customers."order"; select setval('app.numbers', 4242);
${
  options.serverMajor >= 14
    ? `create function app.atomic(a int) returns int language sql begin atomic select a + 1; select a + 2; end;
create type app.mr as range (subtype = float8, multirange_type_name = app.mmr); alter table app.many alter column value set compression pglz;`
    : ''
}
${options.serverMajor >= 15 ? 'revoke all on schema public from public; create table app.uniq (a int, unique nulls not distinct (a)); create view app.v4 with (security_invoker) as select * from app.many;' : ''}
${options.serverMajor >= 16 ? 'create table app.stored (a text storage main);' : ''}
${options.serverMajor >= 17 ? 'create table app.ident (id int generated by default as identity, x int) partition by range (x);' : ''}
`
}

/** A row that is larger than a part: one bytea of that many MiB, which does not compress. */
export function largeRow(mebibytes: number): string {
  return `create table app.large (id int, body bytea);
alter table app.large alter column body set storage external;
insert into app.large select 1, string_agg(gen_random_bytes(1024), ''::bytea) from generate_series(1, ${mebibytes * 1024});`
}
