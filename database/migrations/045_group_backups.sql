-- Programs that know 019 may go on.
-- Backups of one run over a source that consists of several, such as a PostgreSQL cluster. member: the one that this backup is of,
-- unique in the group; the same name in each run. group_size: how many members the run had to back up.
alter table control_plane.backups
  add column group_id   uuid,
  add column group_size integer check (group_size >= 1),
  add column member     text check (member <> ''),
  add constraint backups_are_whole_members
    check ((group_id is null) = (member is null) and (group_id is null) = (group_size is null));

create index backups_by_group on control_plane.backups (group_id) where group_id is not null;

-- Programs of before take the members of a group for backups of one thing, and would keep the last good one of all of them alone.
create or replace function control_plane.refuse_erasers_of_before() returns trigger language plpgsql set search_path = '' as $$
begin
  if old.group_id is not null
     and coalesce(pg_catalog.current_setting('telegram_backup.knows_groups', true), '') <> 'on' then
    raise exception 'backup % belongs to a group, which this version of the program does not know', old.id
      using errcode = 'integrity_constraint_violation', hint = 'Update telegram-backup on this machine.';
  end if;
  if coalesce(current_setting('telegram_backup.knows_tags', true), '') <> 'on' and (
       exists (select from control_plane.retention_policies policy
                where policy.project_id = old.project_id and policy.type = old.type and policy.keep -> 'tags' ?| old.tags)
       or exists (select from control_plane.source_policies policy
                   where policy.project_id = old.project_id and policy.type = old.type
                     and policy.source = old.source_name and policy.keep -> 'tags' ?| old.tags)
       or exists (select from control_plane.schedules schedule
                   where schedule.project_id = old.project_id and schedule.type = old.type
                     and schedule.source = old.source_name and schedule.keep -> 'tags' ?| old.tags))
  then
    raise exception 'backup % is kept by a tag, of which this version of the program does not know', old.id
      using errcode = 'integrity_constraint_violation', hint = 'Update telegram-backup on this machine.';
  end if;
  if coalesce(pg_catalog.current_setting('telegram_backup.knows_retention', true), '') = 'on' then return new; end if;
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
