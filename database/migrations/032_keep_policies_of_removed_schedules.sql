-- Programs that know 019 may go on.
-- What a schedule kept that was removed: its policy holds until a person lets go of it.
create table control_plane.source_policies (
  project_id text not null references control_plane.projects (id),
  type       text not null check (type in ('database', 'storage', 'logs')),
  source     text not null check (source <> ''),
  keep       jsonb not null check (jsonb_typeof(keep) = 'object'),
  updated_at timestamptz(3) not null default now(),
  primary key (project_id, type, source, keep)
);

-- Programs of before must not erase what these keep either.
create or replace function control_plane.refuse_erasers_of_before() returns trigger language plpgsql as $$
begin
  if coalesce(current_setting('telegram_backup.knows_retention', true), '') = 'on' then return new; end if;
  if old.pinned_at is not null or (not old.expiry_given and (
       exists (select from control_plane.retention_policies policy
                where policy.project_id = old.project_id and policy.type = old.type)
       or exists (select from control_plane.source_policies policy
                   where policy.project_id = old.project_id and policy.type = old.type
                     and policy.source = old.source_name)
       or exists (select from control_plane.schedules schedule
                   where schedule.project_id = old.project_id and schedule.type = old.type and schedule.keep is not null)))
  then
    raise exception 'backup % is pinned, or kept by a policy that this version of the program does not know', old.id
      using errcode = 'integrity_constraint_violation', hint = 'Update telegram-backup on this machine.';
  end if;
  return new;
end
$$;
