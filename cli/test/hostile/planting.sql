-- Plants, in `public`, what would be run in place of what a program means that trusts the search path it is given. To be run
-- as a role without rights. Settings of the session, made before: planter.word, planter.calls, planter.operators, planter.types,
-- planter.relations (lists with commas). Everything planted says the word in the server's log when it runs, which also a
-- read-only transaction may.
set search_path = pg_catalog;
create temporary table planted (kind text, name text, what text);
create temporary table wanted_types as
select oid, format_type(oid, null) as name from pg_type
where typnamespace = 'pg_catalog'::regnamespace and typname in (
  'text', 'name', 'varchar', 'char', 'bool', 'int2', 'int4', 'int8', 'float8', 'numeric', 'oid', 'regclass', 'xid8', 'uuid', 'bytea',
  'json', 'jsonb', 'timestamptz', 'interval', '_text', '_name', '_int4', '_int8', '_oid', '_aclitem', 'aclitem', 'pg_database',
  'pg_constraint', 'pg_trigger', 'pg_class', 'pg_roles'
);

create procedure pg_temp.plant(kind text, name text, what text, statements text) language plpgsql as $plant$
begin
  execute statements;
  insert into pg_temp.planted values (kind, name, what);
exception when others then
  -- One of several forms may be refused, for example of a pseudo-type; whether any was planted is counted afterwards.
  null;
end $plant$;

create function pg_temp.body(what text) returns text language sql as $body$
  select format($$language plpgsql as %L$$, format('begin raise log %L; return null; end',
    replace(current_setting('planter.word') || ' ' || what, '%', '%%')))
$body$;

-- The type that a result of a declared type has when its first polymorphic argument is of type `given`.
create function pg_temp.result_of(declared oid, given oid) returns text language sql as $body$
  select case
    when declared in ('anyelement'::regtype, 'anynonarray'::regtype, 'anyenum'::regtype)
      then format_type(coalesce((select nullif(typelem, 0) from pg_type where oid = given and typlen = -1 and typelem <> 0), given), null)
    when declared = 'anyarray'::regtype
      then format_type(coalesce((select nullif(typarray, 0) from pg_type where oid = given), given), null)
    when declared::regtype::text like 'anycompatible%' then format_type(given, null)
    else format_type(declared, null) end
$body$;

create function pg_temp.is_any(type oid) returns boolean language sql as $body$
  select type::regtype::text ~ '^"?any'
$body$;

-- All lists of arguments that one of PostgreSQL's functions is to be planted with: as it is declared, and with each argument of
-- each type that would be brought to the declared one, so that the planted function fits better.
create function pg_temp.forms(declared oid[], open_end oid) returns table (types oid[], given oid) language plpgsql as $forms$
declare
  base oid[] := array(select case when pg_temp.is_any(t) then 'text'::regtype::oid else t end from unnest(declared) with ordinality u (t, n) order by n);
  arity int;
begin
  if open_end = '"any"'::regtype then
    base := base[1:cardinality(base) - 1];
    for arity in 0..4 loop
      return query select f.types, f.given from pg_temp.forms(
        base || array_fill('"any"'::regtype::oid, array[arity]), 0) f;
    end loop;
    return;
  end if;
  if not '"any"'::regtype = any (declared) then types := declared; given := null; return next; end if;
  for n in 1..coalesce(cardinality(base), 0) loop
    return query
      select base[1:n - 1] || w.oid || base[n + 1:], w.oid from pg_temp.wanted_types w
      where pg_temp.is_any(declared[n]) or w.oid = declared[n] or exists (
        select from pg_cast where castsource = w.oid and casttarget = declared[n] and castcontext = 'i');
  end loop;
  -- The same for all that are polymorphic, as PostgreSQL has it.
  return query
    select array(select case when pg_temp.is_any(t) then w.oid else t end from unnest(declared) with ordinality u (t, n) order by n), w.oid
    from pg_temp.wanted_types w where exists (select from unnest(declared) t where pg_temp.is_any(t));
end $forms$;

do $functions$
declare
  f record; form record; arguments text; result text; outs text;
begin
  for f in
    select p.*, proargtypes::oid[] as ins, pg_get_function_result(p.oid) as returns, a.aggkind
    from pg_proc p left join pg_aggregate a on a.aggfnoid = p.oid
    where pronamespace = 'pg_catalog'::regnamespace and proname = any (string_to_array(current_setting('planter.calls'), ','))
      and coalesce(a.aggkind, 'n') = 'n'
  loop
    for form in select distinct types, given from pg_temp.forms((select coalesce(array_agg(t order by n), '{}') from unnest(f.ins) with ordinality u (t, n)), f.provariadic) loop
      select coalesce(string_agg(format_type(t, null), ', ' order by n), '') into arguments from unnest(form.types) with ordinality u (t, n);
      result := pg_temp.result_of(f.prorettype, coalesce(form.given, f.prorettype));
      if form.given is null then result := format_type(f.prorettype, null); end if;
      if f.prokind in ('a', 'w') then
        call pg_temp.plant('call', f.proname, arguments, format(
          'create or replace function public.%I(%s) returns text %s; create or replace function public.%I(text%s) returns %s %s;
           create aggregate public.%I(%s) (sfunc = public.%I, stype = text, finalfunc = public.%I%s)',
          'planted_step_' || f.proname, concat_ws(', ', 'text', nullif(arguments, '')), pg_temp.body('step of ' || f.proname), 'planted_end_' || result,
          case when pg_temp.is_any(f.prorettype) and form.given is not null then ', ' || result else '' end,
          result, pg_temp.body('end of ' || f.proname),
          f.proname, coalesce(nullif(arguments, ''), '*'), 'planted_step_' || f.proname, 'planted_end_' || result,
          case when pg_temp.is_any(f.prorettype) and form.given is not null then ', finalfunc_extra' else '' end));
      else
        select string_agg(format('%s %I %s', case m when 't' then 'out' when 'o' then 'out' when 'b' then 'inout' else 'in' end,
            coalesce(nullif(f.proargnames[n], ''), 'column' || n), format_type(t, null)), ', ' order by n) into outs
          from unnest(f.proallargtypes, f.proargmodes::text[]) with ordinality u (t, m, n);
        call pg_temp.plant('call', f.proname, arguments, format('create function public.%I(%s) returns %s%s %s',
          f.proname,
          case when form.given is null and outs is not null then outs else arguments end,
          case when f.proretset then 'setof ' else '' end, result,
          case when f.proretset or result = 'void' then replace(pg_temp.body(f.proname || ' of ' || arguments), 'return null', 'return')
            when form.given is null and outs is not null then replace(pg_temp.body(f.proname), 'return null', 'return')
            else pg_temp.body(f.proname || ' of ' || arguments) end));
      end if;
    end loop;
  end loop;
end $functions$;

do $operators$
declare
  o record; number int := 0;
begin
  for o in
    with named as (
      select * from pg_operator
      where oprnamespace = 'pg_catalog'::regnamespace and oprname = any (string_to_array(current_setting('planter.operators'), ' '))
    ), results as (
      select oprname, mode() within group (order by oprresult) as oprresult from named where oprkind = 'b' group by 1
    )
    select oprname, oprleft, oprright, oprresult from named
    union select oprname, l.oid, r.oid, oprresult from results, pg_temp.wanted_types l, pg_temp.wanted_types r
      where l.name in ('text', 'name', '"char"', 'integer', 'bigint', 'oid', 'regclass', 'jsonb', 'boolean', 'timestamp with time zone', 'text[]', 'name[]', 'xid8')
        and (r.oid = l.oid or r.name in ('text', 'name', 'integer', 'bigint', 'oid'))
  loop
    number := number + 1;
    call pg_temp.plant('operator', o.oprname, concat_ws(', ', nullif(o.oprleft, 0)::regtype, o.oprright::regtype), format(
      'create function public.planted_operator_%s(%s) returns %s %s;
       create operator public.%s (%s rightarg = %s, procedure = public.planted_operator_%s)',
      number, concat_ws(', ', nullif(o.oprleft, 0)::regtype, o.oprright::regtype), o.oprresult::regtype,
      pg_temp.body('operator ' || o.oprname), o.oprname,
      case when o.oprleft <> 0 then format('leftarg = %s,', o.oprleft::regtype) end, o.oprright::regtype, number));
  end loop;
end $operators$;

-- A type of one's own may have casts of one's own, which to_json and to_jsonb look for by themselves.
do $rest$
declare
  word text := current_setting('planter.word');
  one text;
begin
  execute format('create function public.planted_check(text) returns boolean language plpgsql as %L',
    format('begin raise log %L, $1; return true; end', word || ' %'));
  execute 'create type public.planted_type as enum (''planted'')';
  execute 'create function public.planted_cast(public.planted_type) returns json ' || pg_temp.body('cast to json');
  execute 'create cast (public.planted_type as json) with function public.planted_cast(public.planted_type)';
  execute 'create table public.planted_table (planted public.planted_type)';
  execute 'insert into public.planted_table values (''planted'')';
  -- A planner computes what has no columns in it, in the predicate of an index for example, whoever asks for the table.
  execute 'create function public.planted_predicate(text) returns boolean immutable ' ||
    replace(pg_temp.body('predicate'), 'return null', 'return true');
  execute 'create table public.planted_rows (id int check (public.planted_predicate(''check'')))';
  execute 'insert into public.planted_rows values (1), (2)';
  execute 'create index on public.planted_rows (id) where public.planted_predicate(''index'')';
  execute 'create statistics public.planted_statistics on (public.planted_predicate(''statistics'')), id from public.planted_rows';
  foreach one in array string_to_array(current_setting('planter.relations'), ',') loop
    call pg_temp.plant('relation', one, one, format('create view public.%I as select r.* from pg_catalog.%I r where public.planted_check(%L)', one, one, 'view ' || one));
    -- One of the catalog's own tables, of which this role may know nothing.
    if one !~ '^pg_' then
      call pg_temp.plant('relation', one, one, format('create view public.%I as select null::int as id where public.planted_check(%L)', one, 'view ' || one));
    end if;
  end loop;
  foreach one in array string_to_array(current_setting('planter.types'), ',') loop
    if exists (select from pg_type where typname = one and typnamespace = 'pg_catalog'::regnamespace and typtype = 'b') then
      call pg_temp.plant('type', one, one, format('create domain public.%I as pg_catalog.%I check (public.planted_check(%L))', one, one, 'type ' || one));
    end if;
  end loop;
end $rest$;
