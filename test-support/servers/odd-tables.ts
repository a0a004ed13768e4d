/**
 * Tables with rows of all kinds of types and shapes, whose rows any server from 13 on gives the same text: in
 * a database in which citext, hstore and ltree can be created.
 */
export const ODD_TABLES = `
create extension citext; create extension hstore; create extension ltree;
create schema "Größe ""x"""; create type "Größe ""x"""."Farbe" as enum ('rot', 'blau', 'a b');
create type pair as (x float8, "Note" text, inner_ints int[]); create domain positive as numeric check (value > 0);
create domain paired as pair check ((value).x > 0); create type spans as range (subtype = float8);
create table scalars (
  b bool, c "char", n name, i2 int2, i4 int4, i8 int8, o oid, f4 float4, f8 float8, d numeric(30, 10), m money, t text,
  v varchar(9), bp char(9), y bytea, dt date, ti time, tt timetz, ts timestamp, tz timestamptz, iv interval, j json, jb jsonb,
  x xml, p point, l line, s lseg, bo box, pa path, po polygon, ci circle, ip inet, net cidr, mac macaddr, mac8 macaddr8,
  bi bit(5), vb bit varying, u uuid, tv tsvector, tq tsquery, lsn pg_lsn, sn txid_snapshot, rc regclass, rp regprocedure,
  rt regtype, ct citext, h hstore, lt ltree, pos positive);
insert into scalars values (
  true, 'x', 'a name', 1, -2, 9007199254740993, 4294967295, 0.1, 0.1, 12.3400000000, 1234.5, E'tab\\tnew\\nline\\\\', 'v', 'pad', '\\xdeadbeef',
  '0044-03-15 BC', '24:00', '12:00:00.123456+05:30', 'infinity', '2026-03-29 02:30:00.000001+02', '1 year -2 mons 3 days -04:05:06.7',
  '{"b": 1,   "a": [1, 2]}', '{"b": 1, "a": 1e3}', '<a b="ü">t&amp;</a>', '(0.1,-0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1),(2,0)]',
  '((0,0),(1,1),(2,0))', '<(0,0),0.3>', '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101', B'1',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'fat:1A cat:2', 'fat & (cat | rat)', '16/B374D848', '10:20:10,14,15', 'scalars', 'pg_catalog.abs(int4)', 'pair',
  'CiText', '"a b"=>"1", c=>NULL', 'a.b.c', 7);
create type public."json_array" as (n int); insert into scalars (rt) values ('public."json_array"');
insert into scalars (f4, f8, d, c) values ('NaN', '-0', 'NaN', 'y'), ('infinity', 5e-324, 0.1, ''), (1e-45, 1.7976931348623157e308, -0.0, ' ');
create table nested (
  id int generated always as identity, colors "Größe ""x"""."Farbe"[], pairs pair[], one pair, dp paired, r int4range, sp spans, ar float8[][], tr tstzrange,
  da positive[], texts text[]);
insert into nested (colors, pairs, one, dp, r, sp, ar, tr, da, texts) values (
  '{rot,"a b",NULL}', array[row(0.1, 'a,b', '{1,NULL}')::pair, null], row(null, '', '{}'), row(1, 'd', null), '[1,5)', '[0.1,0.30000000000000004]',
  '{{0.1,-0},{NaN,1e300}}', '[2026-01-01 00:00+00,)', '{1,2}', array['NULL', null, '', '"', E'\\\\']);
create table "Größe ""x"""."Tabelle; drop" ("select" int, "a""b" text, "Ü" "Größe ""x"""."Farbe", gone int, made int generated always as (1 + 1) stored);
alter table "Größe ""x"""."Tabelle; drop" drop column gone;
insert into "Größe ""x"""."Tabelle; drop" values (1, 'x', 'rot'), (1, 'x', 'rot'), (null, '', null);
create table nothing (); insert into nothing default values; insert into nothing default values;
create table parent (a int, b text); create table child (c int, b text, a int); alter table child inherit parent;
insert into parent values (1, 'p'); insert into child values (2, 'c', 1); alter table parent add column later date default '2026-01-01';
create table parted (id int, kind text) partition by list (kind);
create table parted_a partition of parted for values in ('a') partition by hash (id);
create table parted_a0 partition of parted_a for values with (modulus 2, remainder 0);
create table parted_a1 partition of parted_a for values with (modulus 2, remainder 1);
create table parted_rest (kind text, id int); alter table parted attach partition parted_rest default;
insert into parted select n, case n % 3 when 0 then 'a' else 'z' end from generate_series(1, 100) n;
create table toasted as select n, string_agg(md5(n::text || m), '') as body from generate_series(1, 3) n, generate_series(1, 5000) m group by 1;
do $$ begin execute 'create table wide (' || (select string_agg('c' || n || ' int', ', ') from generate_series(1, 1600) n) || ')'; end $$;
insert into wide (c1, c1600) values (1, 1600);
create table shy (n int); insert into shy values (1); alter table shy enable row level security;
create materialized view sums as select count(*) from parted;
select lo_from_bytea(4711, '\\x0102'); select lo_create(4712);
select lo_from_bytea(4713, convert_to(repeat('large', 500000), 'UTF8'))`
