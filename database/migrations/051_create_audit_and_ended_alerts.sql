-- Programs that know 019 may go on.
-- Who did what, when: acts of people, of their keys, and of the program's own rules. A row is written in the transaction of its
-- act. project_id is null for what belongs to no project, such as a key for all of them; only keys for all projects see those.
create table control_plane.audit (
  id         bigint generated always as identity primary key,
  at         timestamptz(3) not null default clock_timestamp(),
  actor      text not null check (actor <> ''),
  act        text not null check (act ~ '^[a-z]+\.[a-z_]+$'),
  -- The id of a backup, job, key, schedule or alert, or a name; the first word of the act says which.
  object     text not null,
  project_id text,
  details    jsonb not null default '{}' check (jsonb_typeof(details) = 'object')
);
create index audit_by_age on control_plane.audit (at);
create index audit_by_object on control_plane.audit (object, id);

-- Nothing is changed, and nothing is deleted before its time.
create function control_plane.refuse_audit_change() returns trigger language plpgsql set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    if old.at < pg_catalog.clock_timestamp() - interval '400 days' then return old; end if;
  end if;
  raise exception 'audit is append-only for 400 days: % refused', tg_op
    using errcode = 'integrity_constraint_violation', hint = 'Record a new act instead.';
end
$$;

create trigger audit_is_append_only before update or truncate on control_plane.audit
  for each statement execute function control_plane.refuse_audit_change();
create trigger audit_is_kept before delete on control_plane.audit
  for each row execute function control_plane.refuse_audit_change();

-- ALWAYS: also for a session that has set session_replication_role to replica, as copying tools do.
alter table control_plane.audit enable always trigger audit_is_append_only;
alter table control_plane.audit enable always trigger audit_is_kept;

-- An alert has an id, for those who ask for it. A mute holds back its notices until a time. announced: its notice was queued; an
-- alert that is raised during a mute is announced after it, if it still holds.
alter table control_plane.alerts
  add column id          uuid not null default gen_random_uuid(),
  add column muted_until timestamptz(3),
  add column muted_by    text,
  add column announced   boolean not null default true;
create unique index alerts_by_id on control_plane.alerts (id);

-- Alerts that have ended, for 400 days. A mute that still holds goes over to the next alert of the same key.
create table control_plane.ended_alerts (
  id          uuid primary key,
  key         text not null,
  kind        text not null,
  details     jsonb not null check (jsonb_typeof(details) = 'object'),
  since       timestamptz(3) not null,
  seen_at     timestamptz(3) not null,
  ended_at    timestamptz(3) not null default clock_timestamp(),
  told_at     timestamptz(3),
  muted_until timestamptz(3),
  muted_by    text
);
create index ended_alerts_by_key on control_plane.ended_alerts (key, ended_at);
create index ended_alerts_by_beginning on control_plane.ended_alerts (since, id);
create index ended_alerts_by_age on control_plane.ended_alerts (ended_at);

-- Lists of all verifications are read page by page.
create index verifications_by_beginning on control_plane.verifications (started_at, id);
