-- One row per restore, written before anything is touched. A row that stays running belongs to a restore that was
-- killed; the target is then as it was before. target is text for people and holds no secret; bytes are plain bytes.
create table control_plane.restores (
  id          uuid primary key default gen_random_uuid(),
  backup_id   uuid not null references control_plane.backups (id),
  target      text not null check (target <> ''),
  state       text not null default 'running' check (state in ('running', 'done', 'failed')),
  error       text,
  bytes       bigint check (bytes >= 0),
  actor       text not null,
  started_at  timestamptz(3) not null default now(),
  finished_at timestamptz(3),
  constraint ended_restores_have_an_end check ((state = 'running') = (finished_at is null)),
  constraint failed_restores_say_why check ((state = 'failed') = (error is not null)),
  constraint done_restores_are_counted check (state <> 'done' or bytes is not null)
);

create index restores_by_backup on control_plane.restores (backup_id, started_at desc);
