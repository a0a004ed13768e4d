-- Programs that know 019 may go on.
-- When a source is backed up. cron has five fields and is read in timezone, an IANA name. next_run_at is the next time to
-- fire, without the jitter; null while the schedule is not enabled. keep is a retention policy, null for none.
create table control_plane.schedules (
  id             uuid primary key default gen_random_uuid(),
  source         text not null check (source <> ''),
  project_id     text not null references control_plane.projects (id),
  type           text not null check (type in ('database', 'storage', 'logs')),
  cron           text not null check (cron <> ''),
  timezone       text not null default 'UTC' check (timezone <> ''),
  enabled        boolean not null default true,
  keep           jsonb check (jsonb_typeof(keep) = 'object'),
  jitter_seconds integer not null default 0 check (jitter_seconds between 0 and 86400),
  catch_up       text not null default 'once' check (catch_up in ('once', 'skip')),
  next_run_at    timestamptz(3),
  last_fired_for timestamptz(3),
  created_at     timestamptz(3) not null default now(),
  updated_at     timestamptz(3) not null default now()
);

create index schedules_due on control_plane.schedules (next_run_at) where enabled;

-- Retention of all backups of a project and type; a schedule's own policy is added to it: what either keeps is kept.
create table control_plane.retention_policies (
  project_id text not null references control_plane.projects (id),
  type       text not null check (type in ('database', 'storage', 'logs')),
  keep       jsonb not null check (jsonb_typeof(keep) = 'object'),
  updated_at timestamptz(3) not null default now(),
  primary key (project_id, type)
);

-- Programs of before know neither pins nor policies: what these keep, such a program must not erase. One that knows them says
-- so in its transaction.
create function control_plane.refuse_erasers_of_before() returns trigger language plpgsql as $$
begin
  if coalesce(current_setting('telegram_backup.knows_retention', true), '') = 'on' then return new; end if;
  if old.pinned_at is not null or (not old.expiry_given and (
       exists (select from control_plane.retention_policies policy
                where policy.project_id = old.project_id and policy.type = old.type)
       or exists (select from control_plane.schedules schedule
                   where schedule.project_id = old.project_id and schedule.type = old.type and schedule.keep is not null)))
  then
    raise exception 'backup % is pinned, or kept by a policy that this version of the program does not know', old.id
      using errcode = 'integrity_constraint_violation', hint = 'Update telegram-backup on this machine.';
  end if;
  return new;
end
$$;

create trigger backups_are_kept_from_erasers_of_before before update of state on control_plane.backups
  for each row when (old.state = 'complete' and new.state = 'erasing')
  execute function control_plane.refuse_erasers_of_before();
