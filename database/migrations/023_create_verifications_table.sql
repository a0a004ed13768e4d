-- Programs that know 019 may go on.
-- One row per verification of a backup, written before it begins. existence: every message was asked for. data: every byte was
-- read. findings names what was wrong, a list of objects; bytes are bytes as sent that were read.
create table control_plane.verifications (
  id          uuid primary key default gen_random_uuid(),
  backup_id   uuid not null references control_plane.backups (id),
  job_id      uuid references control_plane.jobs (id) on delete set null,
  kind        text not null check (kind in ('existence', 'data')),
  state       text not null default 'running' check (state in ('running', 'sound', 'damaged', 'failed')),
  parts       integer not null default 0 check (parts >= 0),
  bytes       bigint not null default 0 check (bytes >= 0),
  findings    jsonb not null default '[]' check (jsonb_typeof(findings) = 'array'),
  error       text,
  actor       text not null,
  started_at  timestamptz(3) not null default now(),
  finished_at timestamptz(3),
  constraint ended_verifications_have_an_end check ((state = 'running') = (finished_at is null))
);

create index verifications_by_backup on control_plane.verifications (backup_id, started_at desc);
