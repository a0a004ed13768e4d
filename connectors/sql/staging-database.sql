-- Run by psql -f for one restore, in a session of its own. It makes a database beside the target, waits for the verdict
-- on its standard input, and cleans up. When the program that started it dies, however it dies, the input ends, and
-- that is a verdict as well: the database goes, and the server is as it was before. As all of it happens here, one
-- after the other, there is no moment at which a database could be left behind but the death of this psql.
--
-- Variables: target, staging, before (names), old_oid (of the target as it was, or 0), keep (yes or no), session.
-- Input, a line each: what makes the database; what gives it its properties; what swaps it in, if that is the verdict.
-- Each ends in its semicolon, or is empty: a semicolon of ours behind it would be an empty statement, whose success would
-- hide the failure of the one before.
-- What is set here is set for the session, since what makes and drops a database runs in no transaction; a pooler that would hand this
-- session's settings to others is refused before (`shared-sessions.ts`).
-- The server may be anybody's, and psql takes what stands in a variable for its own text, with commands such as \!. So what a server answers
-- gets names of its own (found_), whatever it calls its columns, and is used in quotes or as the word after a command alone.
-- The lines of the input hold names and locales of the server's as well. In an encoding such as SJIS, which a server may claim at any time,
-- the last byte of one takes the quote behind it along for psql. So the first line is read in UTF-8 alone; in the other ones the dollar quotes
-- round all of it end behind a blank, in every encoding.
-- Words for the other program are said by a shell: with nobody there to hear them, saying them is deadly (SIGPIPE).
select pg_catalog.set_config('search_path', '', false) as path \gset found_
set standard_conforming_strings = on;
set client_min_messages = error;
set statement_timeout = 0;
set lock_timeout = 0;
set application_name = :'session';
\set create `IFS= read -r line && printf %s "$line"`
\set is_utf8 `test :'ENCODING' = UTF8 && echo on || echo off`
\if :is_utf8
\else
\warn 'ERROR:  the encoding of the session is' :ENCODING
\! echo not-created
\q
\endif
:create
\if :ERROR
\! echo not-created
\q
\endif
select oid as staging_oid from pg_catalog.pg_database where datname = :'staging' \gset found_
\if :{?found_staging_oid}
\else
\q
\endif
comment on database :"staging" is 'telegram-backup: a restore into this database is under way';
\set properties `IFS= read -r line && printf %s "$line"`
:properties
\if :ERROR
drop database :"staging";
\! echo not-created
\q
\endif
\! echo created
\set swap `IFS= read -r line && printf %s "$line"`
-- The connection may have been idle for hours: a new one for what counts.
\c -reuse-previous=on
select pg_catalog.set_config('search_path', '', false) as path \gset found_
set standard_conforming_strings = on;
set client_min_messages = error;
set statement_timeout = 0;
set application_name = :'session';
:swap
select exists (
  select from pg_catalog.pg_database where oid = :'found_staging_oid'::pg_catalog.oid and datname = :'target'
) as is_swapped \gset found_
-- A dump may have made a template of its database, which is dropped by nobody.
select pg_catalog.format('alter database %I is_template false', datname) from pg_catalog.pg_database
where oid = :'found_staging_oid'::pg_catalog.oid and datname = :'staging' and datistemplate \gexec
select pg_catalog.format('drop database if exists %I with (force)', datname) from pg_catalog.pg_database
where (oid = :'found_staging_oid'::pg_catalog.oid and datname = :'staging')
  or (oid = :'old_oid'::pg_catalog.oid and datname = :'before' and :'keep' <> 'yes') \gexec
\if :found_is_swapped
\! echo swapped
\endif
