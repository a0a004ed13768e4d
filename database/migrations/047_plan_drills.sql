-- Programs that know 019 may go on.
-- drills: whether the process makes drills, for which it needs the key that decrypts backups.
alter table control_plane.services
  add column drills boolean not null default false;

-- code: of the error of a verification that failed.
alter table control_plane.verifications
  add column code text check (code <> '');
create index jobs_of_drills on control_plane.jobs (backup_id, created_at desc) where kind = 'drill';

-- Each source that a serve wants drilled; the next migrations let it declare that. since: when that began to be wanted;
-- waits_for: why a drill that is due is not made now.
create table control_plane.drill_plans (
  project_id text not null,
  type       text not null,
  source     text not null,
  since      timestamptz(3) not null default clock_timestamp(),
  waits_for  text,
  primary key (project_id, type, source)
);
