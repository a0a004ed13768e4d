-- Programs that know 019 may go on.
-- What has changed, in the order of commits, for whoever follows the catalog. One row for each object, with the number of its newest
-- change: who has seen everything up to a number reads the rows above it, and each object as it is then.
create table control_plane.events (
  kind       text not null check (kind in ('backup', 'job', 'schedule', 'alert')),
  -- Its id. The object itself may be gone.
  object     text not null,
  project_id text,
  number     bigint not null,
  at         timestamptz(3) not null,
  primary key (kind, object)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create unique index events_by_number on control_plane.events (number);
create sequence control_plane.event_numbers;

-- pruned_through: rows up to this number may be missing. The lock on this table is what puts commits into an order: a lock that only
-- a role with rights here can take, unlike an advisory one.
create table control_plane.event_order (
  only_row       boolean primary key default true check (only_row),
  pruned_through bigint not null
);

-- Runs when a transaction commits, as the last thing that it does: from here on until its rows are visible no other transaction gets
-- a number, so numbers have the order in which changes become visible. Runs as its owner: whoever may write the catalog's tables may
-- have no right on these. Every 1,000th event removes what is older than a day, and of the rest all but the newest 50,000.
create function control_plane.number_event(kind text, object text, project_id text) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  newest bigint;
  pruned bigint;
begin
  lock table control_plane.event_order in share row exclusive mode;
  newest := pg_catalog.nextval('control_plane.event_numbers'::pg_catalog.regclass);
  insert into control_plane.events as known (kind, object, project_id, number, at)
  values (number_event.kind, number_event.object, number_event.project_id, newest, pg_catalog.clock_timestamp())
      on conflict on constraint events_pkey do update set number = excluded.number, at = excluded.at;
  if newest % 1000 <> 0 then return; end if;
  select greatest(
           (select max(old.number) from control_plane.events old where old.at < pg_catalog.clock_timestamp() - interval '1 day'),
           (select surplus.number from control_plane.events surplus order by surplus.number desc offset 50000 limit 1))
    into pruned;
  if pruned is null then return; end if;
  insert into control_plane.event_order as known (pruned_through) values (pruned)
      on conflict (only_row) do update set pruned_through = greatest(known.pruned_through, excluded.pruned_through);
  delete from control_plane.events old where old.number <= pruned;
end
$$;

-- A schedule is shown with its newest job.
create function control_plane.note_job() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform control_plane.number_event('job', new.id::text, new.project_id);
  if new.schedule_id is null then return null; end if;
  if tg_op = 'UPDATE' then
    if old.state = new.state and old.backup_id is not distinct from new.backup_id then return null; end if;
  end if;
  perform control_plane.number_event('schedule', new.schedule_id::text, new.project_id);
  return null;
end
$$;

create function control_plane.note_backup() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform control_plane.number_event('backup', new.id::text, new.project_id);
  return null;
end
$$;

-- A backup is shown with its verifications.
create function control_plane.note_verification() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform control_plane.number_event('backup', verified.id::text, verified.project_id)
     from control_plane.backups verified where verified.id = new.backup_id;
  return null;
end
$$;

create function control_plane.note_schedule() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    perform control_plane.number_event('schedule', old.id::text, old.project_id);
  else
    perform control_plane.number_event('schedule', new.id::text, new.project_id);
  end if;
  return null;
end
$$;

-- An alert has had an id since the next migration.
create function control_plane.note_alert() returns trigger language plpgsql security definer set search_path = '' as $$
declare
  alert jsonb := case tg_op when 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
begin
  perform control_plane.number_event('alert', coalesce(alert ->> 'id', alert ->> 'key'), alert -> 'details' ->> 'project');
  return null;
end
$$;

create constraint trigger new_jobs_are_events after insert on control_plane.jobs
  deferrable initially deferred for each row execute function control_plane.note_job();
create constraint trigger changed_jobs_are_events after update on control_plane.jobs
  deferrable initially deferred for each row
  when (to_jsonb(old) - 'version' is distinct from to_jsonb(new) - 'version')
  execute function control_plane.note_job();
create constraint trigger new_backups_are_events after insert on control_plane.backups
  deferrable initially deferred for each row execute function control_plane.note_backup();
create constraint trigger changed_backups_are_events after update on control_plane.backups
  deferrable initially deferred for each row when (old is distinct from new)
  execute function control_plane.note_backup();
create constraint trigger verifications_are_events after insert or update of state, depth, report on control_plane.verifications
  deferrable initially deferred for each row execute function control_plane.note_verification();
create constraint trigger schedules_are_events after insert or update or delete on control_plane.schedules
  deferrable initially deferred for each row execute function control_plane.note_schedule();
create constraint trigger new_and_ended_alerts_are_events after insert or delete on control_plane.alerts
  deferrable initially deferred for each row execute function control_plane.note_alert();
-- seen_at changes every few seconds.
create constraint trigger changed_alerts_are_events after update on control_plane.alerts
  deferrable initially deferred for each row
  when (to_jsonb(old) - 'seen_at' is distinct from to_jsonb(new) - 'seen_at')
  execute function control_plane.note_alert();
