-- Programs that know 019 may go on.
-- A job as it is asked for and as it goes. pg-boss delivers it under the same id; this row is what people and programs see.
-- source and target are names in telegram-backup.yaml, never paths or URLs. attempt counts the times it was begun.
alter table control_plane.jobs
  add column source              text,
  add column target              text,
  add column options             jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
  add column actor               text not null default 'unknown',
  add column schedule_id         uuid,
  add column scheduled_for       timestamptz(3),
  add column api_key_id          uuid,
  add column idempotency_key     text,
  add column attempt             integer not null default 0 check (attempt >= 0),
  add column run_after           timestamptz(3) not null default now(),
  add column cancel_requested_at timestamptz(3),
  add column worker              text,
  add column error_code          text,
  add column error_hint          text;

-- A schedule fires once for each of its times, however many machines look at it.
create unique index jobs_once_for_each_time on control_plane.jobs (schedule_id, scheduled_for);
create unique index jobs_by_idempotency_key on control_plane.jobs (api_key_id, idempotency_key)
  where idempotency_key is not null;
-- The queue keeps to one backup of a source at a time; this makes it impossible to break.
create unique index one_backup_of_a_source_at_a_time on control_plane.jobs (source)
  where kind = 'backup' and state = 'running' and source is not null;
create index jobs_by_date on control_plane.jobs (created_at desc, id desc);
-- For lists of one state, and for counting without reading the rows.
create index jobs_by_state on control_plane.jobs (state, created_at desc, id desc) include (kind);
create index jobs_by_schedule on control_plane.jobs (schedule_id, created_at desc) where schedule_id is not null;
create index jobs_by_source on control_plane.jobs (source, created_at desc) where source is not null;

alter table control_plane.leases drop constraint leases_purpose_check;
alter table control_plane.leases add constraint leases_purpose_check
  check (purpose in ('send', 'erase', 'restore', 'reconcile', 'recover', 'verify', 'job'));
