-- Programs that know 019 may go on.
-- Words that people give to a backup, sorted; a policy may keep every backup that has one of them.
alter table control_plane.backups
  add column tags text[] not null default '{}';
alter table control_plane.backups
  add constraint tags_are_words check (
    cardinality(tags) <= 16
    and array_position(tags, null) is null
    and (cardinality(tags) = 0 or (
      array_to_string(tags, ',') ~ '^[A-Za-z0-9._:-]{1,64}(,[A-Za-z0-9._:-]{1,64})*$'
      and length(translate(array_to_string(tags, ','), ',', '')) = length(array_to_string(tags, ',')) - cardinality(tags) + 1)));

-- Programs of before must not erase what a tag keeps: to them a policy of daily 7 and a tag is one of daily 7.
create or replace function control_plane.refuse_erasers_of_before() returns trigger language plpgsql set search_path = '' as $$
begin
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
