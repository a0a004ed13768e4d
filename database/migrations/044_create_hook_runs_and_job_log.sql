-- Programs that know 019 may go on.
-- A source's hooks, from before the first program of `before` begins until the last one of `after` has ended. The run holds a
-- lease whose subject is this id. Without a living holder, `after` is still to run on this machine: the next run there begins
-- with it. Hooks change one machine, so each machine has a row of its own.
create table control_plane.hook_runs (
  id       uuid primary key default gen_random_uuid(),
  source   text not null,
  hostname text not null,
  begun_at timestamptz(3) not null default clock_timestamp(),
  unique (source, hostname)
);

alter table control_plane.leases drop constraint leases_purpose_check;
alter table control_plane.leases add constraint leases_purpose_check
  check (purpose in ('send', 'erase', 'restore', 'reconcile', 'recover', 'verify', 'job', 'hooks'));

-- What the stages of a job reported, such as the output of its hooks, for 30 days. Lines come from foreign programs.
create table control_plane.job_log (
  id     bigint generated always as identity primary key,
  job_id uuid not null references control_plane.jobs (id) on delete cascade,
  at     timestamptz(3) not null default clock_timestamp(),
  stage  text not null,
  level  text not null check (level in ('info', 'warn', 'error')),
  text   text not null
);
create index job_log_by_job on control_plane.job_log (job_id, id);
create index job_log_by_age on control_plane.job_log (at);
