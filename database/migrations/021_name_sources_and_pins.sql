-- Programs that know 019 may go on.
-- Which source of telegram-backup.yaml a backup is of, and which schedule made it; null for one that was sent by hand.
-- expiry_given: somebody chose expires_at for this backup; then it decides, and no policy does. pinned_at: it is kept until it is
-- unpinned. verified_at: when every byte of it was last read and was right.
alter table control_plane.backups
  add column source_name  text,
  add column schedule_id  uuid,
  add column expiry_given boolean not null default false,
  add column pinned_at    timestamptz(3),
  add column verified_at  timestamptz(3);

create index backups_by_source on control_plane.backups (project_id, type, source_name, created_at desc);
